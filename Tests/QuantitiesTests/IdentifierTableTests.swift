import Quantities
import Testing

@Suite("Numbers of names")
struct IdentifierTableTests {
    /// Names of one to eight words, among them some that begin alike.
    private static func name(_ index: Int) throws -> Identifier {
        let text = String(repeating: "n", count: index % 63) + String(index, radix: 36)
        return try #require(Identifier(text.suffix(64)))
    }

    @Test func numbersFollowTheOrderOfInsertion() throws {
        var table = IdentifierTable()
        for index in 0..<5_000 {
            #expect(table.index(of: try Self.name(index)) == nil)
            #expect(table.insert(try Self.name(index)) == Int32(index))
        }
        #expect(table.count == 5_000)
        for index in 0..<5_000 {
            let name = try Self.name(index)
            #expect(table.index(of: name) == Int32(index))
            #expect(table.insert(name) == Int32(index))
            #expect(table[Int32(index)] == name)
        }
        #expect(table.identifiers == (try (0..<5_000).map { try Self.name($0) }))
    }

    @Test func namesComeBackWithTheirLength() throws {
        var table = IdentifierTable()
        for length in 1...64 {
            let name = try #require(Identifier(String(repeating: "x", count: length)))
            let number = table.insert(name)
            #expect(table[number].utf8Count == length)
            #expect(table[number] == name)
        }
    }

    @Test func shortNamesKeepTheirNumbersHoweverManyThereAre() throws {
        let names = try (0..<3_000).map { try #require(Identifier("T\($0)")) }
        var table = IdentifierTable()
        for round in 0..<3 {
            for (index, name) in names.enumerated() {
                #expect(table.insert(name) == Int32(index), "round \(round)")
            }
        }
        #expect(table.count == names.count)
    }

    @Test func namesThatBeginAlikeAreDifferent() throws {
        let texts = ["BTC-PERP", "BTC-PERP-1", "BTC-PERP-2", "BTC-PERP-1-C", "BTC-PER"]
        let names = try texts.map { try #require(Identifier($0)) }
        var table = IdentifierTable(names)
        #expect(Set(names).count == names.count)
        #expect(names.map { table.insert($0) } == [0, 1, 2, 3, 4])
        for (left, name) in names.enumerated() {
            for (right, other) in names.enumerated() {
                #expect((name == other) == (left == right))
                #expect(table.isOrdered(Int32(left), before: Int32(right)) == (name < other))
            }
        }
    }

    @Test func theOrderOfNumbersIsThatOfTheirNames() throws {
        let names = try (0..<300).map { try Self.name($0 * 7) }
        let table = IdentifierTable(names)
        for (left, name) in names.enumerated() {
            for (right, other) in names.enumerated() {
                #expect(table.isOrdered(Int32(left), before: Int32(right)) == (name < other))
            }
        }
    }
}
