/// One thing that is wrong with a configuration, and where it was written.
public struct SettingsProblem: Error, Hashable, Sendable {
    /// Where a value was written.
    public enum Place: Hashable, Sendable {
        /// Of the file as a whole: what is missing from it has no line.
        case file
        /// From 1.
        case line(Int)
        /// The name of an environment variable.
        case variable(String)
    }

    public var place: Place
    /// A sentence without its final point; never holds the value of a secret.
    public var message: String

    public init(_ place: Place, _ message: String) {
        self.place = place
        self.message = message
    }

    /// `breakwater.yaml:14: …`, `breakwater.yaml: …` or `BREAKWATER_HTTP__PORT: …`.
    public func description(in file: String) -> String {
        switch place {
        case .file: "\(file): \(message)"
        case .line(let line): "\(file):\(line): \(message)"
        case .variable(let name): "\(name): \(message)"
        }
    }
}

/// A configuration that was refused, with every problem found in it.
public struct SettingsRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path as it was asked for.
    public var file: String
    /// Never empty; by line, then those of the environment by name, each once.
    public var problems: [SettingsProblem]

    init(file: String, problems: [SettingsProblem]) {
        self.file = file
        var seen: Set<SettingsProblem> = []
        self.problems = problems.filter { seen.insert($0).inserted }.enumerated().sorted {
            let left = $0.element.place.order
            let right = $1.element.place.order
            return left == right ? $0.offset < $1.offset : left < right
        }.map(\.element)
    }

    /// One problem a line.
    public var description: String {
        problems.map { $0.description(in: file) }.joined(separator: "\n")
    }
}

extension SettingsProblem.Place {
    fileprivate var order: (Int, String) {
        switch self {
        case .file: (0, "")
        case .line(let line): (line, "")
        case .variable(let name): (Int.max, name)
        }
    }
}

/// The known name that someone who wrote `word` most likely meant, as ` (did you mean …?)`.
func suggestion(for word: String, among names: [String]) -> String {
    let wanted = Array(word.lowercased().utf8)
    let most = max(2, wanted.count / 3)
    let nearest = names.map {
        (name: $0, distance: editDistance(wanted, Array($0.lowercased().utf8)))
    }
    .min { ($0.distance, $0.name) < ($1.distance, $1.name) }
    guard let nearest, nearest.distance <= most else { return "" }
    return " (did you mean \(nearest.name)?)"
}

/// The least number of bytes inserted, removed or replaced that turns one word into the other.
///
/// - Source: Wagner and Fischer (1974).
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
        var diagonal = row[0]
        row[0] = index + 1
        for column in right.indices {
            let replaced = diagonal + (byte == right[column] ? 0 : 1)
            diagonal = row[column + 1]
            row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
        }
    }
    return row[right.count]
}
