import Messages
import Testing

struct DeadLetterTests {
    static let source = DeadLetter.Source(topic: "market.quotes.v1", partition: 3, offset: 991)
    static let refusal = Refusal(.crossedBook, .bids, offset: 12)
    static let own = DeadLetter.Header(name: "traceparent", value: Array("00-1".utf8))

    func letter(_ payload: [UInt8]) -> DeadLetter {
        payload.withUnsafeBytes {
            DeadLetter(
                payload: $0, headers: [Self.own], source: Self.source, refusal: Self.refusal)
        }
    }

    func value(_ letter: DeadLetter, _ name: String) -> String? {
        letter.headers.last { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func keepsBytesAndHeadersAndSaysWhy() {
        let letter = letter([1, 2, 3])
        #expect(letter.payload == [1, 2, 3])
        #expect(letter.headers.first == Self.own)
        #expect(
            letter.headers.map(\.name) == [
                "traceparent", "__connect.errors.topic", "__connect.errors.partition",
                "__connect.errors.offset", "__connect.errors.stage",
                "__connect.errors.exception.class.name", "__connect.errors.exception.message",
            ])
        #expect(value(letter, "__connect.errors.topic") == "market.quotes.v1")
        #expect(value(letter, "__connect.errors.partition") == "3")
        #expect(value(letter, "__connect.errors.offset") == "991")
        #expect(value(letter, "__connect.errors.stage") == "decode")
        #expect(value(letter, "__connect.errors.exception.class.name") == "crossed-book")
        #expect(
            value(letter, "__connect.errors.exception.message") == Self.refusal.description)
    }

    @Test func aTombstoneStaysATombstone() {
        let letter = DeadLetter(
            payload: nil, headers: [], source: Self.source, stage: .apply, code: "overflow",
            message: "a sum is too large")
        #expect(letter.payload == nil)
        #expect(value(letter, "__connect.errors.stage") == "apply")
    }

    @Test func aBodyOver900000BytesKeepsItsFirst64KiB() {
        let whole = letter(Array(repeating: 0x20, count: 900_000))
        #expect(whole.payload?.count == 900_000)
        #expect(value(whole, "breakwater.truncated") == nil)
        let cut = letter(Array(repeating: 0x20, count: 900_001))
        #expect(cut.payload?.count == 65_536)
        #expect(value(cut, "breakwater.truncated") == "900001")
        let prefixed = letter([0, 0, 0, 0, 1] + Array(repeating: 0x20, count: 900_000))
        #expect(prefixed.payload?.count == 900_005)
    }
}
