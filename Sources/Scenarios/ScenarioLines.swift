import Quantities

/// The lines of a scenario file, read one by one; a refusal names the line read last.
struct ScenarioLines {
    private let lines: [String]
    private var position = 0

    init(_ body: ArraySlice<UInt8>) {
        lines = body.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
    }

    func refusal(_ reason: String) -> ScenarioError {
        .unreadable(line: max(position, 1), reason: reason)
    }

    /// Whether the next line begins with this word.
    func next(is word: String) -> Bool {
        position < lines.count && lines[position].utf8.starts(with: "\(word) ".utf8)
    }

    /// Whether the next line is this word alone, which is then read.
    mutating func next(isOnly word: String) -> Bool {
        guard position < lines.count, lines[position] == word else { return false }
        position += 1
        return true
    }

    mutating func expect(_ word: String, _ rest: String) throws(ScenarioError) {
        guard try text(after: word) == rest else { throw refusal("is not \"\(word) \(rest)\"") }
    }

    /// The rest of the next line, which must begin with this word.
    mutating func text(after word: String) throws(ScenarioError) -> String {
        let isThere = next(is: word)
        position += 1
        guard isThere else { throw refusal("does not begin with \"\(word)\"") }
        return String(lines[position - 1].dropFirst(word.count + 1))
    }

    mutating func words(after word: String, count: Int) throws(ScenarioError) -> [String] {
        let words = try text(after: word).split(separator: " ").map(String.init)
        guard words.count == count else {
            throw refusal("has \(words.count) words after \"\(word)\" where \(count) are due")
        }
        return words
    }

    /// The whole numbers that make up the next line, each below 10^12 in magnitude.
    mutating func numbers(count: Int) throws(ScenarioError) -> [Int] {
        let line = position < lines.count ? lines[position] : ""
        position += 1
        var numbers: [Int] = []
        numbers.reserveCapacity(count)
        for word in line.utf8.split(separator: UInt8(ascii: " ")) {
            guard word.count <= 13, let number = Int(Substring(word)),
                number.magnitude < 1_000_000_000_000
            else { throw refusal("has \"\(Substring(word))\" where a whole number is due") }
            numbers.append(number)
        }
        guard numbers.count == count else {
            throw refusal("has \(numbers.count) numbers where \(count) are due")
        }
        return numbers
    }

    func number(_ word: String, in range: ClosedRange<Int>) throws(ScenarioError) -> Int {
        guard let number = Int(word), range.contains(number) else {
            let due = range.count == 1 ? "\(range.lowerBound) is" : "\(range) are"
            throw refusal("has \"\(word)\" where \(due) due")
        }
        return number
    }

    func identifier(_ word: String) throws(ScenarioError) -> Identifier {
        guard let identifier = Identifier(word) else {
            throw refusal("has \"\(word)\" where a name is due")
        }
        return identifier
    }

    func decimal(_ word: String) throws(ScenarioError) -> FixedDecimal {
        guard let decimal = FixedDecimal(word), decimal > .zero else {
            throw refusal("has \"\(word)\" where a decimal above 0 is due")
        }
        return decimal
    }

    func decimalOrZero(_ word: String) throws(ScenarioError) -> FixedDecimal {
        word == "0" ? .zero : try decimal(word)
    }

    /// Checks that every line was read; the last is empty, since the body ends with a line feed.
    mutating func finish() throws(ScenarioError) {
        position += 1
        guard position == lines.count, lines[position - 1].isEmpty else {
            throw refusal("is not expected here")
        }
    }
}

/// The last line of a scenario file: `end` and the FNV-1a hash of all before it, 64 bits in hex.
public enum ScenarioSeal {
    /// A body with the line that seals it.
    public static func sealed(_ body: String) -> [UInt8] {
        let bytes = Array(body.utf8)
        return bytes + line(for: bytes[...])
    }

    /// All before the seal.
    ///
    /// - Throws: `damaged` when there is no seal or it does not match.
    static func body(of bytes: [UInt8]) throws(ScenarioError) -> ArraySlice<UInt8> {
        let count = bytes.count - line(for: []).count
        guard count > 0, Array(bytes[count...]) == line(for: bytes[..<count]) else {
            throw .damaged
        }
        return bytes[..<count]
    }

    private static func line(for body: ArraySlice<UInt8>) -> [UInt8] {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 16)
        let padding = String(repeating: "0", count: 16 - digits.count)
        return Array("end \(padding)\(digits)\n".utf8)
    }
}
