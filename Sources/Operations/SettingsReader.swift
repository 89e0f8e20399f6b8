import Quantities

/// What a value should have been, as a sentence part: `must be a number`.
struct Complaint: Error {
    var text: String

    init(_ text: String) { self.text = text }
}

/// A value without structure.
struct SettingsScalar {
    var string: String
    var kind: SettingsNode.Kind

    var text: Result<String, Complaint> {
        switch kind {
        case .text, .untyped: .success(string)
        case .number, .boolean, .odd:
            .failure(Complaint("must be text: put \(string) in quotes"))
        }
    }

    var filledText: Result<String, Complaint> {
        text.flatMap { $0.isEmpty ? .failure(Complaint("must not be empty")) : .success($0) }
    }

    var identifier: Result<Identifier, Complaint> {
        text.flatMap { text in
            if text != "*", let identifier = Identifier(text) { return .success(identifier) }
            return .failure(
                Complaint("must be 1 to 64 printable characters without blanks or |, and not *"))
        }
    }

    /// A decimal, quoted or not, as the contracts write it.
    var decimal: Result<FixedDecimal, Complaint> {
        if kind != .boolean, let value = FixedDecimal(string) { return .success(value) }
        return .failure(
            Complaint("must be a decimal: at most 18 digits, a point and 18 more, no exponent"))
    }

    var number: Result<Double, Complaint> {
        let plain = kind == .number || kind == .untyped && SettingsYAML.isPlainNumber(string)
        if plain, let value = Double(string), value.isFinite { return .success(value) }
        return .failure(
            Complaint(
                kind == .odd ? "must be a number in plain decimal digits" : "must be a number"))
    }

    func integer(in range: ClosedRange<Int>) -> Result<Int, Complaint> {
        if kind == .number || kind == .untyped, let value = Int(string), range.contains(value) {
            return .success(value)
        }
        return .failure(
            Complaint(
                range.upperBound == .max
                    ? "must be a whole number of at least \(range.lowerBound)"
                    : "must be a whole number from \(range.lowerBound) to \(range.upperBound)"))
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _: Choice.Type
    ) -> Result<Choice, Complaint> {
        let names = Choice.allCases.map(\.rawValue)
        if let choice = Choice(rawValue: string) { return .success(choice) }
        return .failure(
            Complaint(
                "must be " + names.dropLast().joined(separator: ", ") + " or "
                    + (names.last ?? "") + suggestion(for: string, among: names)))
    }
}

/// A map of the tree with its path: `classes.major`.
struct SettingsSection {
    var node: SettingsNode
    var path: String

    func section(_ key: String) -> SettingsSection {
        SettingsSection(node: node.entry(key)?.value ?? .empty, path: pathOf(key))
    }

    func pathOf(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// Where a key is written, else where the section is.
    func place(_ key: String) -> SettingsProblem.Place { node.entry(key)?.place ?? node.place }
}

/// Types a tree and gathers every problem on the way.
struct SettingsReader {
    var problems: [SettingsProblem] = []

    mutating func complain(_ place: SettingsProblem.Place, _ message: String) {
        problems.append(SettingsProblem(place, message))
    }

    /// Reports everything in a tree that has no place in a shape.
    mutating func check(_ node: SettingsNode, _ shape: SettingsShape, path: String) {
        switch (shape, node.content) {
        case (.scalar, .nothing): complain(node.place, "\(path) has no value")
        case (.scalar, .scalar): break
        case (.scalar, .list), (.scalar, .map):
            complain(node.place, "\(path) must be a single value")
        case (.secret, let content):
            if case .scalar(_, .untyped) = content { return }
            let key = path.split(separator: ".").map(String.init).map(
                SettingsEnvironment.upperSnake)
            complain(
                node.place,
                "\(path) is a secret and cannot stand in the file: name a file in \(path)File "
                    + "or set "
                    + SettingsEnvironment.prefix + key.joined(separator: "__"))
        case (.list(let item), .list(let items)):
            for (index, entry) in items.enumerated() {
                check(entry, item, path: "\(path)[\(index)]")
            }
        case (.list, .nothing), (.record, .nothing), (.properties, .nothing): break
        case (.list, .scalar), (.list, .map): complain(node.place, "\(path) must be a list")
        case (.record(let fields), .map(let entries)):
            for entry in entries {
                let name = path.isEmpty ? entry.key : "\(path).\(entry.key)"
                guard let field = fields.first(where: { $0.key == entry.key }) else {
                    complain(
                        entry.place,
                        "\(name) is not a known key"
                            + suggestion(for: entry.key, among: fields.map(\.key)))
                    continue
                }
                check(entry.value, field.shape, path: name)
            }
        case (.properties, .map(let entries)):
            for entry in entries { check(entry.value, .scalar, path: "\(path).\(entry.key)") }
        case (.record, .scalar), (.record, .list), (.properties, .scalar), (.properties, .list):
            complain(
                node.place,
                path.isEmpty ? "must be a map of keys to values" : "\(path) must be a map of keys")
        }
    }

    /// The value of a key, or nil when it is absent or wrong; what is wrong is reported.
    mutating func value<Value>(
        _ section: SettingsSection, _ key: String,
        _ convert: (SettingsScalar) -> Result<Value, Complaint>
    ) -> Value? {
        guard let entry = section.node.entry(key),
            case .scalar(let string, let kind) = entry.value.content
        else { return nil }
        switch convert(SettingsScalar(string: string, kind: kind)) {
        case .success(let value): return value
        case .failure(let complaint):
            complain(entry.place, "\(section.pathOf(key)) \(complaint.text)")
            return nil
        }
    }

    /// Sets a target where a key is given and right.
    mutating func set<Value>(
        _ target: inout Value, _ section: SettingsSection, _ key: String,
        _ convert: (SettingsScalar) -> Result<Value, Complaint>
    ) {
        if let value = value(section, key, convert) { target = value }
    }

    /// A key that must be given.
    mutating func required<Value>(
        _ section: SettingsSection, _ key: String,
        _ convert: (SettingsScalar) -> Result<Value, Complaint>
    ) -> Value? {
        if section.node.entry(key) == nil {
            complain(section.node.place, "\(section.pathOf(key)) is missing")
        }
        return value(section, key, convert)
    }
}
