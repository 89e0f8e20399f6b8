/// Why a scenario cannot be played. Each describes itself in a sentence for a person.
public enum ScenarioError: Error, Hashable, Sendable {
    /// No scenario has this name; the names there are.
    case unknownName(String, known: [String])
    /// The bytes are not those that were written: the last line's checksum does not match.
    case damaged
    /// What a line holds is not what the format asks for there. Lines count from 1.
    case unreadable(line: Int, reason: String)
}

extension ScenarioError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownName(let name, let known):
            "There is no scenario \"\(name)\"; there are: \(known.joined(separator: ", "))."
        case .damaged:
            "The scenario file is damaged: its checksum does not match its content."
        case .unreadable(let line, let reason):
            "The scenario file cannot be read: line \(line) \(reason)."
        }
    }
}
