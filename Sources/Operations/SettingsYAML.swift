import Yams

/// Reads the text of a configuration into a tree, keeping the line of every key and value.
enum SettingsYAML {
    /// Most values a file may have once its aliases are followed.
    private static let mostNodes = 100_000

    static func read(_ bytes: [UInt8], _ problems: inout [SettingsProblem]) -> SettingsNode? {
        let content = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard var text = String(validating: content, as: UTF8.self) else {
            problems.append(
                SettingsProblem(.line(firstLineThatIsNotUTF8(content)), "is not UTF-8 text"))
            return nil
        }
        // Each round takes one key that is written twice out of the way, so all are reported.
        for _ in 0..<1_000 {
            do {
                let parser = try Parser(yaml: text, encoding: .utf8)
                guard let root = try parser.singleRoot() else { return .empty }
                var left = mostNodes
                return convert(root, &left, &problems)
            } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
                let name = keys.first ?? ""
                problems.append(
                    SettingsProblem(
                        .line(context.mark.line),
                        "\(name) is written again below; a key may stand once"))
                guard let next = erase(name, at: context.mark, in: text) else { return nil }
                text = next
            } catch {
                problems.append(problem(of: error))
                return nil
            }
        }
        return nil
    }

    private static func erase(_ name: String, at mark: Mark, in text: String) -> String? {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map(String.init)
        guard lines.indices.contains(mark.line - 1), !name.isEmpty else { return nil }
        let line = lines[mark.line - 1].unicodeScalars
        guard
            let start = line.index(
                line.startIndex, offsetBy: mark.column - 1, limitedBy: line.endIndex)
        else { return nil }
        var rest = String(line[start...])
        guard let found = rest.firstRange(of: name) else { return nil }
        rest.replaceSubrange(
            found, with: "breakwater-erased-key-\(mark.line)-\(mark.column)-\(name)")
        lines[mark.line - 1] = String(line[..<start]) + rest
        return lines.joined(separator: "\n")
    }

    private static func convert(
        _ node: Node, _ left: inout Int, _ problems: inout [SettingsProblem]
    ) -> SettingsNode? {
        let place = node.mark.map { SettingsProblem.Place.line($0.line) } ?? .file
        left -= 1
        guard left > 0 else {
            if left == 0 {
                problems.append(
                    SettingsProblem(place, "has more than \(mostNodes) values"))
            }
            return nil
        }
        switch node {
        case .scalar(let scalar):
            return SettingsNode(content: content(of: scalar, tag: node.tag), place: place)
        case .sequence(let sequence):
            let items = sequence.compactMap { convert($0, &left, &problems) }
            return SettingsNode(content: .list(items), place: place)
        case .mapping(let mapping):
            var entries: [SettingsNode.Entry] = []
            for (key, value) in mapping {
                let keyPlace = key.mark.map { SettingsProblem.Place.line($0.line) } ?? place
                guard let name = key.scalar?.string else {
                    problems.append(SettingsProblem(keyPlace, "a key must be plain text"))
                    continue
                }
                if name.hasPrefix("breakwater-erased-key-") { continue }
                guard let value = convert(value, &left, &problems) else { return nil }
                entries.append(SettingsNode.Entry(key: name, place: keyPlace, value: value))
            }
            return SettingsNode(content: .map(entries), place: place)
        case .alias:
            problems.append(SettingsProblem(place, "an alias cannot stand here"))
            return nil
        }
    }

    private static func content(of scalar: Node.Scalar, tag: Tag) -> SettingsNode.Content {
        let text = scalar.string
        guard scalar.style == .plain else { return .scalar(text, .text) }
        switch tag.description {
        case Tag.Name.null.rawValue: return .nothing
        case Tag.Name.bool.rawValue: return .scalar(text, .boolean)
        case Tag.Name.int.rawValue, Tag.Name.float.rawValue:
            return .scalar(text, isPlainNumber(text) ? .number : .odd)
        default: return .scalar(text, isPlainNumber(text) ? .number : .text)
        }
    }

    /// Whether this is a decimal number as JSON writes one: no leading zeros, underscores or bases.
    static func isPlainNumber(_ text: String) -> Bool {
        text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil
    }

    private static func problem(of error: any Error) -> SettingsProblem {
        switch error {
        case YamlError.scanner(_, let problem, let mark, _),
            YamlError.parser(_, let problem, let mark, _),
            YamlError.composer(_, let problem, let mark, _):
            SettingsProblem(.line(mark.line), "is not YAML: \(problem)")
        case YamlError.reader(let problem, let offset, _, let yaml):
            SettingsProblem(
                .line(1 + yaml.prefix(offset ?? 0).count { $0.isNewline }),
                "is not YAML: \(problem)")
        default:
            SettingsProblem(.file, "is not YAML")
        }
    }

    private static func firstLineThatIsNotUTF8(_ bytes: ArraySlice<UInt8>) -> Int {
        var line = 1
        for part in bytes.split(separator: 10, omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { return line }
            line += 1
        }
        return line
    }
}
