import Testing

/// A reader of Prometheus's text format, strict, that shares nothing with the writer.
struct Exposition {
    struct Line: Hashable {
        var name: String
        var labels: [String: String]
        var value: String
    }

    var kinds: [String: String] = [:]
    var help: [String: String] = [:]
    var lines: [Line] = []

    enum Fault: Error { case line(String) }

    init(_ text: String) throws {
        #expect(text.hasSuffix("\n"))
        var closed: Set<String> = []
        var current = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ", maxSplits: 3).map(String.init)
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, help[words[2]] == nil else {
                    throw Fault.line(String(line))
                }
                closed.insert(current)
                current = words[2]
                // A family's lines stand together.
                guard !closed.contains(current) else { throw Fault.line(String(line)) }
                help[current] = words[3]
            } else if line.hasPrefix("# TYPE ") {
                guard words.count == 4, words[2] == current, kinds[current] == nil,
                    ["counter", "gauge", "histogram", "summary"].contains(words[3])
                else { throw Fault.line(String(line)) }
                kinds[current] = words[3]
            } else {
                lines.append(try Self.sample(String(line), of: current, kinds[current] ?? ""))
            }
        }
        #expect(Set(lines.map { "\($0.name) \($0.labels)" }).count == lines.count)
    }

    private static func sample(_ line: String, of family: String, _ kind: String) throws -> Line {
        let name = line.prefix { $0 != "{" && $0 != " " }
        let suffixes: [String] =
            switch kind {
            case "histogram": ["_bucket", "_sum", "_count"]
            case "summary": ["", "_sum", "_count"]
            default: [""]
            }
        guard name.wholeMatch(of: /[a-zA-Z_:][a-zA-Z0-9_:]*/) != nil,
            suffixes.contains(where: { name == family + $0 })
        else { throw Fault.line(line) }
        var rest = line.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                guard let match = rest.prefixMatch(of: /,?([a-zA-Z_][a-zA-Z0-9_]*)="/),
                    labels[String(match.1)] == nil
                else { throw Fault.line(line) }
                rest = rest[match.range.upperBound...]
                var value = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        value.append(character)
                        continue
                    }
                    switch rest.popFirst() {
                    case "n": value.append("\n")
                    case "\"": value.append("\"")
                    case "\\": value.append("\\")
                    default: throw Fault.line(line)
                    }
                }
                labels[String(match.1)] = value
            }
            rest = rest.dropFirst()
        }
        guard rest.first == " " else { throw Fault.line(line) }
        let value = String(rest.dropFirst())
        guard Double(value) != nil || ["NaN", "+Inf", "-Inf"].contains(value) else {
            throw Fault.line(line)
        }
        return Line(name: String(name), labels: labels, value: value)
    }

    /// The only value of a name with these labels among its labels.
    func value(_ name: String, _ labels: [String: String] = [:]) throws -> String {
        let found = lines.filter { line in
            line.name == name && labels.allSatisfy { line.labels[$0.key] == $0.value }
        }
        try #require(found.count == 1, "\(name) \(labels): \(found)")
        return found[0].value
    }
}
