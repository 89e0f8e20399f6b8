import Kafka
import Pipeline
import Quantities
import TestSupport
import Testing

@Suite(.serialized) struct DeadLetterTests {
    /// A record that is refused, and for what.
    struct Bad {
        var code: String
        var stage = "decode"
        var body: [UInt8]?
        var isSurface = false
        var key = "BTC"

        init(_ code: String, _ text: String?, key: String = "BTC") {
            self.code = code
            body = text.map { Array($0.utf8) }
            self.key = key
        }

        init(arbitrage surface: Message) {
            code = "calendar"
            stage = "apply"
            body = Array(surface.text.utf8)
            isSurface = true
        }
    }

    private static let good = Message.book(at: 0, sequence: 1)

    private static let bad: [Bad] = [
        Bad("empty-body", nil),
        Bad("empty-body", ""),
        Bad("malformed-json", "{\"schema\":\"quote.v1\""),
        Bad("malformed-json", "\u{0}\u{1}\u{2}"),
        Bad(
            "duplicate-field",
            good.replacing("\"sequence\":1,", with: "\"sequence\":1,\"sequence\":1,").text),
        Bad("unknown-schema", good.replacing("quote.v1", with: "quote.v2").text),
        Bad("missing-field", good.replacing("\"venue\":\"house\",", with: "").text),
        Bad("wrong-type", good.replacing("\"sequence\":1", with: "\"sequence\":\"1\"").text),
        Bad(
            "out-of-range",
            good.replacing("\"sequence\":1", with: "\"sequence\":9007199254740992").text),
        Bad(
            "crossed-book",
            good.replacing("\"bids\":[", with: "\"bids\":[[\"61000\",\"1\"],").text),
        Bad(
            "level-not-positive",
            good.replacing("\"bids\":[", with: "\"bids\":[[\"59999\",\"0\"],").text),
        Bad(
            "levels-out-of-order",
            good.replacing("\"bids\":[", with: "\"bids\":[[\"100\",\"1\"],").text),
        Bad("key-mismatch", good.text, key: "ETH"),
        Bad("future-time", Message.book(at: 6_000, sequence: 1).text),
        Bad(arbitrage: .surface(at: 0, sequence: 1, arbitrage: true)),
    ]

    @Test func everyRefusedRecordGoesToTheDeadLettersAsItCameAndTheStreamGoesOn() throws {
        let bus = try Bus(partitions: 2)
        let own = [Header("trace", "abc"), Header("empty", nil), Header("trace", "def")]
        var places: [String: Bad] = [:]
        var offsets = [Bus.topics.quotes: 0, Bus.topics.surfaces: 0]
        for bad in Self.bad {
            let topic = bad.isSurface ? Bus.topics.surfaces : Bus.topics.quotes
            let offset = offsets[topic, default: 0]
            places["\(topic) \(offset)"] = bad
            offsets[topic] = offset + 1
            try bus.send(
                bad.body, to: topic, key: bad.key, partition: 1, time: Message.at(0), headers: own)
        }
        try bus.send(.book(at: 10, sequence: 1), partition: 1)
        try bus.send(.book(at: 500, sequence: 1), partition: 1)  // a duplicate
        try bus.send(.book(at: 510, sequence: 2, mid: 61_000), partition: 1)
        try bus.flush()
        let service = bus.serve()
        defer { bus.stop(service) }
        try wait(for: "dead letters and tables") {
            try bus.deadLetters().count >= Self.bad.count && bus.haircuts().count >= 2
        }
        let letters = try bus.deadLetters()
        #expect(letters.count == Self.bad.count)
        for letter in letters {
            let topic = try #require(letter.header("__connect.errors.topic"))
            let offset = try #require(letter.header("__connect.errors.offset"))
            let found = places.removeValue(forKey: "\(topic) \(offset)")
            let bad = try #require(found)
            #expect(letter.header("__connect.errors.exception.class.name") == bad.code)
            #expect(letter.header("__connect.errors.stage") == bad.stage)
            #expect(letter.header("__connect.errors.partition") == "1")
            #expect(letter.header("__connect.errors.exception.message")?.isEmpty == false)
            #expect(letter.value == bad.body)
            #expect(letter.key == bad.key)
            #expect(Array(letter.headers.prefix(3)) == own)
            #expect(letter.headers.count == 9)
        }
        #expect(places.isEmpty)
        let tables = try bus.haircuts().map { try $0.table() }
        #expect(tables.last?.mid == FixedDecimal(61_000))
        #expect(tables.last?.components.surfaceAge == nil)
        let counters = service.counters
        #expect(counters.refused == Self.bad.count)
        #expect(counters.refusals["malformed-json"] == 2)
        #expect(counters.duplicates == 1)
        #expect(counters.applied == 2)
        #expect(counters.records == Self.bad.count + 3)
    }

    @Test func aRecordTooLargeIsBuriedShortAndTheStreamGoesOn() throws {
        let bus = try Bus(partitions: 1)
        let spaces = String(repeating: " ", count: 900_001)
        try bus.send(Array(spaces.utf8), key: "BTC", time: Message.at(0))
        // Small enough to be read, but with the headers of a dead letter too large to be sent.
        let body = Array(String(repeating: "x", count: 890_000).utf8)
        let large = Header("large", String(repeating: "h", count: 200_000))
        try bus.send(body, key: "BTC", time: Message.at(0), headers: [large])
        let key = String(repeating: "k", count: 1_100_000)
        try bus.send([], key: key, time: Message.at(0))
        try bus.send(.book(at: 10, sequence: 1))
        try bus.flush()
        let service = bus.serve(properties: ["fetch.message.max.bytes": "4000000"])
        defer { bus.stop(service) }
        try wait(for: "dead letters and a table") {
            try bus.deadLetters().count >= 3 && bus.haircuts().count >= 1
        }
        let letters = try bus.deadLetters()
        #expect(letters.count == 3)
        #expect(letters.map { $0.value?.count } == [65_536, 65_536, 0])
        #expect(
            letters.map { $0.header("breakwater.truncated") } == ["900001", "890000", "0"])
        #expect(
            letters.map { $0.header("__connect.errors.exception.class.name") }
                == ["too-large", "malformed-json", "empty-body"])
        #expect(letters.map(\.key) == ["BTC", "BTC", nil])
        #expect(letters.allSatisfy { $0.header("large") == nil })
        #expect(service.counters.refused == 3)
        #expect(service.failures.isEmpty)
    }

    @Test func twentyThousandMutatedRecordsDoNotStopTheStream() throws {
        let bus = try Bus(partitions: 2)
        let service = bus.serve()
        defer { bus.stop(service) }
        try wait(for: "an assignment") { service.counters.partitions == [0, 1] }
        let seed: UInt64 = 0x5eed
        var random = SplitMix64(seed: seed)
        let count = 20_000
        for number in 1...count {
            let asset = ["BTC", "ETH", "DOGE"][number % 3]
            let message =
                number % 10 == 0
                ? Message.surface(asset, at: number, sequence: number)
                : Message.book(asset, at: number, sequence: number)
            var bytes = Array(message.text.utf8)
            if number % 4 != 0 {
                for _ in 0...random.next() % 3 {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
                        truncatingIfNeeded: random.next())
                }
            }
            try bus.send(
                bytes, to: message.isSurface ? Bus.topics.surfaces : Bus.topics.quotes,
                key: asset, partition: Int32(number % 2), time: message.time)
            // The broker keeps 5 MiB a partition.
            if number % 500 == 0 {
                try bus.flush()
                try wait(for: "\(number) records, seed \(seed)") {
                    service.counters.records >= number
                }
            }
        }
        let last = Message.book(at: count + 10_000, sequence: count + 1, mid: 65_000)
        try bus.send(last, partition: 0)
        try bus.flush()
        try wait(for: "the last table") {
            try bus.haircuts().contains { $0.time == last.time }
        }
        // With their headers they are more than the broker keeps, so what counts is what it took.
        try wait(for: "the dead letters") {
            try bus.written(Bus.topics.deadLetters) >= service.counters.refused
        }
        let counters = service.counters
        #expect(counters.records == count + 1)
        #expect(
            counters.applied + counters.duplicates + counters.refused + counters.unlisted
                == count + 1)
        #expect(counters.refused > 10_000, "seed \(seed)")
        #expect(counters.applied > 2_000, "seed \(seed)")
        #expect(try bus.written(Bus.topics.deadLetters) == counters.refused)
        #expect(counters.offsetResets == 0)
        #expect(service.failures.isEmpty)
    }
}
