import Foundation
import Messages
import TestSupport
import Testing

/// The reader against Foundation's, which is the oracle where both mean to be strict.
struct ReaderTests {
    /// A JSON value as a reader found it.
    indirect enum Tree: Equatable {
        case null
        case bool(Bool)
        case number(Double)
        case string(String)
        case array([Tree])
        case object([String: Tree])

        /// Equal, numbers within sixteen units in the last place: Foundation rounds long ones more
        /// than once. That ours are the nearest is checked to the bit below.
        func agrees(with other: Tree) -> Bool {
            switch (self, other) {
            case (.number(let left), .number(let right)):
                return left == right || abs(left - right) <= 16 * max(left.ulp, right.ulp)
            case (.array(let left), .array(let right)):
                return left.count == right.count
                    && zip(left, right).allSatisfy { $0.agrees(with: $1) }
            case (.object(let left), .object(let right)):
                return left.count == right.count
                    && left.allSatisfy { key, value in
                        right[key].map { value.agrees(with: $0) } ?? false
                    }
            default: return self == other
            }
        }
    }

    static func walk(_ bytes: [UInt8], _ scratch: JSONScratch) -> Tree? {
        bytes.withUnsafeBytes { text -> Tree? in
            do {
                try JSONReader.validate(text, in: scratch)
                var reader = try scratch.reader(text)
                return try tree(&reader)
            } catch {
                return nil
            }
        }
    }

    /// The value that is next in a text known to be valid.
    static func tree(_ reader: inout JSONReader) throws -> Tree {
        switch reader.peek() {
        case UInt8(ascii: "\""):
            return .string(String(decoding: try reader.string(.body), as: UTF8.self))
        case UInt8(ascii: "["):
            _ = reader.take(UInt8(ascii: "["))
            var elements: [Tree] = []
            if reader.take(UInt8(ascii: "]")) { return .array([]) }
            repeat {
                elements.append(try tree(&reader))
            } while try reader.hasMore(
                until: UInt8(ascii: "]"), .body)
            return .array(elements)
        case UInt8(ascii: "{"):
            _ = reader.take(UInt8(ascii: "{"))
            var members: [String: Tree] = [:]
            if reader.take(UInt8(ascii: "}")) { return .object([:]) }
            repeat {
                let key = String(decoding: try reader.string(.body), as: UTF8.self)
                _ = reader.take(UInt8(ascii: ":"))
                members[key] = try tree(&reader)
            } while try reader.hasMore(until: UInt8(ascii: "}"), .body)
            return .object(members)
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            let isTrue = reader.peek() == UInt8(ascii: "t")
            try reader.skipValue(.body, depth: 0)
            return .bool(isTrue)
        case UInt8(ascii: "n"):
            _ = try reader.takeNull(.body)
            return .null
        default: return .number(try reader.double(.body))
        }
    }

    static func oracle(_ bytes: [UInt8]) -> Tree? {
        guard
            let value = try? JSONSerialization.jsonObject(
                with: Data(bytes), options: .fragmentsAllowed)
        else { return nil }
        return tree(of: value)
    }

    static func tree(of value: Any) -> Tree? {
        switch value {
        case is NSNull: return .null
        case let text as String: return .string(text)
        case let elements as [Any]: return .array(elements.compactMap(tree(of:)))
        case let members as [String: Any]: return .object(members.compactMapValues(tree(of:)))
        case let number as NSNumber:
            let isBool = String(cString: number.objCType) == "c"
            return isBool ? .bool(number.boolValue) : .number(number.doubleValue)
        default: return nil
        }
    }

    /// A random document, sometimes deep, never with a member twice.
    static func document(_ random: inout SplitMix64, depth: Int = 0) -> String {
        let space = ["", "", "", " ", "\n", "\t \r"].randomElement(using: &random) ?? ""
        switch Int.random(in: 0...(depth > 4 ? 4 : 6), using: &random) {
        case 0: return space + (["true", "false", "null"].randomElement(using: &random) ?? "")
        case 1, 2: return space + number(&random) + space
        case 3, 4: return space + string(&random) + space
        case 5:
            let elements = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                document(&random, depth: depth + 1)
            }
            return "[" + space + elements.joined(separator: ",") + "]"
        default:
            let members = (0..<Int.random(in: 0...4, using: &random)).map { index in
                "\(space)\"k\(index)\"\(space):" + document(&random, depth: depth + 1)
            }
            return "{" + space + members.joined(separator: ",") + "}" + space
        }
    }

    static func number(_ random: inout SplitMix64) -> String {
        let whole =
            Bool.random(using: &random)
            ? "0" : "\(random.next() >> UInt64.random(in: 1...63, using: &random))"
        var text = (Bool.random(using: &random) ? "-" : "") + whole
        if Bool.random(using: &random) {
            let zeros = String(repeating: "0", count: Int.random(in: 0...5, using: &random))
            text += ".\(zeros)\(random.next() >> UInt64.random(in: 0...63, using: &random))"
        }
        if Int.random(in: 0...3, using: &random) == 0 {
            let sign = ["", "+", "-"].randomElement(using: &random) ?? ""
            text += "e\(sign)\(Int.random(in: 0...40, using: &random))"
        }
        return text
    }

    static func string(_ random: inout SplitMix64) -> String {
        let pieces = [
            "a", "zz", "0123456789", "é", "€", "😀", #"\""#, #"\\"#, #"\/"#, #"\b"#, #"\f"#,
            #"\n"#, #"\r"#, #"\t"#, #"\u0041"#, #"\u00e9"#, #"\u20AC"#, #"\uD83D\uDE00"#, " ", "{",
            "\u{7F}", #"\u0001"#, "\u{FFFF}",
        ]
        let count = Int.random(in: 0...8, using: &random)
        return "\"" + (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            + "\""
    }

    static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        let interesting =
            Array("\"\\{}[],:0123456789.eE+-tfn u\t\n\0\u{7F}".utf8) + [
                0x80, 0xBF, 0xC0, 0xC1, 0xC2, 0xE0, 0xED, 0xA0, 0xF0, 0xF4, 0x90, 0xF5, 0xFF, 0x1F,
            ]
        for _ in 0..<Int.random(in: 1...2, using: &random) where !bytes.isEmpty {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0...3, using: &random) {
            case 0: bytes[index] = interesting.randomElement(using: &random) ?? 0
            case 1: bytes.insert(interesting.randomElement(using: &random) ?? 0, at: index)
            case 2: bytes.remove(at: index)
            default: bytes.swapAt(index, Int.random(in: 0..<bytes.count, using: &random))
            }
        }
    }

    /// What makes Foundation more lenient than the contract, each checked on its own below.
    static func isKnownDifference(_ bytes: [UInt8]) -> Bool {
        // It guesses UTF-16 and UTF-32 from zero bytes and takes a byte order mark.
        if bytes.contains(0) || bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return true }
        let text = String(decoding: bytes, as: UTF8.self)
        // It takes a lone surrogate written as an escape, and gives it another meaning.
        return text.range(of: #"\\u[dD][89a-fA-F]"#, options: .regularExpression) != nil
            // It takes a comma after the last member or element.
            || text.range(of: #",\s*[}\]]"#, options: .regularExpression) != nil
            // It takes members twice: mutation makes them of the names k0…k4.
            || (0...4).contains { text.components(separatedBy: "k\($0)").count > 2 }
            || text.components(separatedBy: "\"k\"").count > 2
    }

    @Test func takesAndRefusesWhatFoundationDoes() {
        let scratch = JSONScratch()
        let seed: UInt64 = 20_261_122
        var random = SplitMix64(seed: seed)
        var taken = 0
        var refused = 0
        var different = 0
        for round in 0..<200_000 {
            var bytes = Array(Self.document(&random).utf8)
            if round % 4 != 0 { Self.mutate(&bytes, &random) }
            let ours = Self.walk(bytes, scratch)
            let theirs = Self.oracle(bytes)
            if ours == nil { refused += 1 } else { taken += 1 }
            if let ours, let theirs {
                if ours.agrees(with: theirs) { continue }
            } else if ours == nil && theirs == nil {
                continue
            }
            if Self.isKnownDifference(bytes) && ours == nil {
                different += 1
                continue
            }
            let text = String(decoding: bytes, as: UTF8.self).debugDescription
            Issue.record(
                """
                seed \(seed) round \(round): \(text)
                ours \(String(describing: ours)) theirs \(String(describing: theirs))
                """)
            return
        }
        #expect(taken > 60_000 && refused > 30_000 && different < 20_000)
    }

    func isTaken(_ bytes: [UInt8]) -> Bool {
        let scratch = JSONScratch()
        return bytes.withUnsafeBytes { text in
            do {
                try JSONReader.validate(text, in: scratch)
                return true
            } catch { return false }
        }
    }

    @Test(arguments: [
        #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"[{"b":{"a":1,"a":1}}]"#,  // twice
        #""\uD800""#, #""\uDC00""#, #""\uD800\u0041""#, #""\uD800\uD800""#,  // lone surrogates
        "\u{FEFF}1", "1e309", "-1e400", "[NaN]", "[Infinity]", "[-Infinity]", "[1,]", "[,1]",
        #"{"a":1,}"#, "{,}", "01", "-01", "1.", ".1", "+1", "1e", "1e+", "0x1", "// c\n1",
        "/* c */1", "'a'", "{a:1}", "1 2", "\"\t\"", "\"\n\"", "\"\\x\"", "\"\\u12\"", "\"", "tru",
        "nulll", "", " ", "[", "]", "{", #"{"a"}"#, #"{"a":}"#, #"{1:1}"#, "[1 2]", "\u{0B}1",
        "1\u{0C}", "\u{A0}1", "-", "--1", "1-", "True",
    ])
    func refuses(text: String) {
        #expect(!isTaken(Array(text.utf8)))
    }

    @Test(arguments: [
        "0", "-0", "1e308", "1E-400", "0e999999999999999999999", " [ ] ", "{}", #"{"":{"":0}}"#,
        #""\u0000\uD83D\uDE00""#, "\"\u{7F}\u{FFFF}\u{10FFFF}\"", #""/\/""#, "\r\n\t 1 \r\n\t ",
    ])
    func takes(text: String) {
        #expect(isTaken(Array(text.utf8)))
    }

    @Test func refusesBytesThatAreNotUTF8() {
        let sequences: [[UInt8]] = [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF], [0xE1, 0x80], [0xE1, 0x80, 0x41], [0xED, 0xA0, 0x80],
            [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
            [0xF1, 0x80, 0x80], [0xF1, 0x80, 0x80, 0x41], [0xF4, 0x90, 0x80, 0x80],
            [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE], [0x00], [0x1F],
        ]
        for sequence in sequences {
            #expect(!isTaken([0x22] + sequence + [0x22]), "\(sequence)")
            #expect(!isTaken([0x22] + sequence), "\(sequence) at the end")
        }
        // Every two-byte beginning, against the standard library's validation.
        for first in UInt8.min...UInt8.max where first != 0x22 && first != 0x5C && first >= 0x20 {
            for second in UInt8.min...UInt8.max where second != 0x22 && second != 0x5C {
                let bytes = [first, second, 0x80, 0x80].prefix(
                    first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2)
                let isValid = second >= 0x20 && String(validating: bytes, as: UTF8.self) != nil
                #expect(isTaken([0x22] + bytes + [0x22]) == isValid, "\(Array(bytes))")
            }
        }
    }

    @Test func containersNest32DeepAndNoDeeper() {
        func nested(_ depth: Int) -> [UInt8] {
            Array(
                (String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(isTaken(nested(32)))
        #expect(!isTaken(nested(33)))
        #expect(!isTaken(nested(100_000)))
        #expect(!isTaken(Array(String(repeating: #"{"a":"#, count: 100_000).utf8)))
    }

    @Test func anIgnoredObjectHasUpTo256Members() {
        func object(_ count: Int) -> [UInt8] {
            Array(("{" + (0..<count).map { "\"k\($0)\":0" }.joined(separator: ",") + "}").utf8)
        }
        #expect(isTaken(object(256)))
        #expect(!isTaken(object(257)))
    }

    @Test func numbersAreTheNearestBinaryOnes() {
        let scratch = JSONScratch()
        let seed: UInt64 = 7
        var random = SplitMix64(seed: seed)
        var texts = [
            "9007199254740993", "9007199254740992.5", "0.1", "1e22", "1e23",
            "123456789012345678901",
            "2.2250738585072011e-308", "4.9e-324", "2e-324", "1.7976931348623157e308",
            "9223372036854775807", "18446744073709551615", "0.000000000000000000000000001",
            "1.00000000000000011102230246251565404236316680908203125",
            "1.00000000000000011102230246251565404236316680908203124", "8.5e-27",
        ]
        for _ in 0..<1_000_000 {
            switch Int.random(in: 0...3, using: &random) {
            case 0: texts.append(Self.number(&random))
            case 1: texts.append(Double(bitPattern: random.next() >> 1).description)
            case 2: texts.append(random.logarithmic(in: 1e-9...1e9).description)
            default: texts.append("0.\(random.next() >> UInt64.random(in: 0...40, using: &random))")
            }
            guard let text = texts.last, let expected = Double(text), expected.isFinite else {
                texts.removeLast()
                continue
            }
            check(text, expected)
            if texts.count > 20 { texts.removeLast() }
        }
        for text in texts { check(text, Double(text) ?? .nan) }

        func check(_ text: String, _ expected: Double) {
            var text = text
            let value = text.withUTF8 { bytes -> Double? in
                do {
                    var reader = try scratch.reader(UnsafeRawBufferPointer(bytes))
                    let value = try reader.double(.body)
                    try reader.finish()
                    return value
                } catch { return nil }
            }
            if value?.bitPattern != expected.bitPattern {
                Issue.record("\(text) was read as \(String(describing: value)), seed \(seed)")
            }
        }
    }
}
