/// Puts the variables whose names start with `BREAKWATER_` over the file's tree.
///
/// `kafka.bootstrapServers` is `BREAKWATER_KAFKA__BOOTSTRAP_SERVERS`: a level of the file is two
/// underscores, a word of a key one, a list's entry its index from 0. In `kafka.librdkafka` the
/// underscores of a name are the points of the client's: `BREAKWATER_KAFKA__LIBRDKAFKA__LINGER_MS`
/// is `linger.ms`.
enum SettingsEnvironment {
    static let prefix = "BREAKWATER_"

    /// Variables of the checks, which are no configuration.
    private static let foreign = [
        "BREAKWATER_BENCHMARK", "BREAKWATER_FUZZ", "BREAKWATER_MUTATIONS", "BREAKWATER_SEED",
        "BREAKWATER_TEST",
    ]

    static func overlay(
        _ environment: [String: String], on root: inout SettingsNode,
        _ problems: inout [SettingsProblem]
    ) {
        var found: [(name: String, path: [SettingsShape.Step])] = []
        for name in environment.keys where name.hasPrefix(prefix) {
            if let path = path(of: name) {
                found.append((name, path))
            } else if !isForeign(name, environment[name] ?? "") {
                problems.append(
                    SettingsProblem(
                        .variable(name), "is not a known setting" + suggestedName(for: name)))
            }
        }
        // By path, so that a list's entries come in order whatever the dictionary's order is.
        found.sort { left, right in
            for (one, other) in zip(left.path, right.path) where one != other {
                switch (one, other) {
                case (.index(let one), .index(let other)): return one < other
                case (.key(let one), .key(let other)): return one < other
                case (.index, .key): return true
                case (.key, .index): return false
                }
            }
            return left.path.count < right.path.count
        }
        for (name, path) in found {
            if let problem = root.put(
                environment[name] ?? "", at: path[...], place: .variable(name))
            {
                problems.append(SettingsProblem(.variable(name), problem))
            }
        }
    }

    /// `bootstrapServers` → `BOOTSTRAP_SERVERS`.
    static func upperSnake(_ key: String) -> String {
        key.reduce(into: "") { text, character in
            if character.isUppercase { text.append("_") }
            text += character.uppercased()
        }
    }

    private static func path(of name: String) -> [SettingsShape.Step]? {
        var segments = segments(of: name)[...]
        var shape = SettingsShape.settings
        var path: [SettingsShape.Step] = []
        while let segment = segments.popFirst() {
            switch shape {
            case .record(let fields):
                guard let field = fields.first(where: { upperSnake($0.key) == segment }) else {
                    return nil
                }
                path.append(.key(field.key))
                shape = field.shape
            case .list(let item):
                guard let index = Int(segment), index >= 0, String(index) == segment else {
                    return nil
                }
                path.append(.index(index))
                shape = item
            case .properties:
                guard segments.isEmpty, !segment.isEmpty else { return nil }
                path.append(.key(segment.lowercased().replacing("_", with: ".")))
                return path
            case .scalar, .secret: return nil
            }
        }
        switch shape {
        case .scalar, .secret: return path
        case .record, .list, .properties: return nil
        }
    }

    private static func segments(of name: String) -> [String] {
        name.dropFirst(prefix.count).split(separator: "__", omittingEmptySubsequences: false)
            .map(String.init)
    }

    private static func suggestedName(for name: String) -> String {
        let indexes = segments(of: name).filter { Int($0) != nil }
        var names: [String] = []
        func collect(_ shape: SettingsShape, _ name: String, _ depth: Int) {
            switch shape {
            case .scalar, .secret: names.append(name)
            case .properties: names.append(name + "__…")
            case .list(let item):
                let index = depth < indexes.count ? indexes[depth] : "0"
                collect(item, name + "__" + index, depth + 1)
            case .record(let fields):
                for field in fields {
                    let joint = name + "_" == prefix ? "_" : "__"
                    collect(field.shape, name + joint + upperSnake(field.key), depth)
                }
            }
        }
        collect(.settings, String(prefix.dropLast()), 0)
        return suggestion(for: name, among: names)
    }

    /// Whether a variable is one of the checks' or one that Kubernetes gives every container for a
    /// service named `breakwater…`.
    private static func isForeign(_ name: String, _ value: String) -> Bool {
        if foreign.contains(where: { name == $0 || name.hasPrefix($0 + "_") }) { return true }
        guard !name.contains("__") else { return false }
        return name.hasSuffix("_SERVICE_HOST") || name.hasSuffix("_SERVICE_PORT")
            || name.contains("_SERVICE_PORT_")
            || name.wholeMatch(of: /.*_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?/) != nil
            || name.hasSuffix("_PORT")
                && (value.hasPrefix("tcp://") || value.hasPrefix("udp://"))
    }
}
