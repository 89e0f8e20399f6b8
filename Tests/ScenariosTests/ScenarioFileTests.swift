import Quantities
import Scenarios
import TestSupport
import Testing

@Suite struct ScenarioFileTests {
    let bytes = ScenarioCatalog.crashOf2025October

    /// A scenario of one minute, to be spoilt line by line.
    static let small = [
        "breakwater-scenario 1", "name small", "description One minute",
        "start 2025-10-10T12:00:00Z", "section all 60 20",
        "asset BTC major house 0.5 10 1000000 0 BTC 1000000",
        "prices BTC house book 1", "200000 10 10 5", "depth BTC 1",
        "0 100 200 300 400 500 100 200 300 400 500", "volumes BTC 12", "surfaces BTC 1 1",
        "expiry 2025-10-31T08:00:00Z 90000 110000", "10000000 5000 5200",
    ]

    static func scenario(_ lines: [String]) throws(ScenarioError) -> Scenario {
        try Scenario(bytes: ScenarioSeal.sealed(lines.joined(separator: "\n") + "\n"))
    }

    @Test func theBinaryCarriesTheFileOfTheTree() throws {
        let path = "Sources/Scenarios/Recorded/crash-2025-10-10.scenario"
        #expect(bytes == Array(try Repository.data(path)))
    }

    @Test func aScenarioIsWrittenAsItWasRead() throws {
        #expect(try Scenario(bytes: bytes).bytes == bytes)
        let small = try Self.scenario(Self.small)
        #expect(try Scenario(bytes: small.bytes) == small)
    }

    @Test func aChangedOrMissingByteIsRefused() throws {
        var random = SplitMix64(seed: 10)
        for _ in 0..<100 {
            var changed = bytes
            let place = Int(random.next() % UInt64(bytes.count))
            changed[place] ^= UInt8(1 + random.next() % 255)
            #expect(throws: ScenarioError.damaged, "byte \(place)") {
                try Scenario(bytes: changed)
            }
        }
        #expect(throws: ScenarioError.damaged) { try Scenario(bytes: bytes.dropLast()) }
        #expect(throws: ScenarioError.damaged) { try Scenario(bytes: []) }
        #expect(
            ScenarioError.damaged.description
                == "The scenario file is damaged: its checksum does not match its content.")
    }

    @Test(arguments: [
        (1, "breakwater-scenario 2", "is not \"breakwater-scenario 1\""),
        (2, "title small", "does not begin with \"name\""),
        (4, "start yesterday", "has no RFC 3339 time"),
        (5, "section all 61 20", "does not divide into minutes"),
        (5, "section all 60 7", "does not divide into minutes"),
        (5, "section all 0 20", "has \"0\" where 60...604800 are due"),
        (6, "asset BTC huge house 0.5 10 1 0 BTC 1", "names the class huge"),
        (6, "asset BTC major house 0 10 1 0 BTC 1", "where a decimal above 0 is due"),
        (6, "asset B|C major house 1 10 1 0 BTC 1", "where a name is due"),
        (6, "asset BTC major house 1", "has 4 words after \"asset\" where 9 are due"),
        (7, "prices BTC house trade 1", "kind trade"),
        (7, "prices BTC house book 2", "has \"2\" where 1 is due"),
        (8, "200000 10 -1 5", "has a low that is not below"),
        (8, "9 10 10 5", "has a low that is not below"),
        (8, "200000 4 10 5", "has a high that is not above"),
        (8, "200000 10 10", "has 3 numbers where 4 are due"),
        (8, "200000 10 10 1e5", "has \"1e5\" where a whole number is due"),
        (8, "9999999999999 10 10 5", "where a whole number is due"),
        (10, "1 100 200 300 400 500 100 200 300 400 500", "out of order"),
        (10, "0 100 90 300 400 500 100 200 300 400 500", "falls with the distance"),
        (10, "0 0 200 300 400 500 100 200 300 400 500", "not above 0"),
        (11, "volumes ETH 12", "where those of BTC are due"),
        (11, "volumes BTC 0", "where 1...1000000000000 are due"),
        (13, "expiry 2025-10-31T08:00:00Z 110000 90000", "strikes that do not increase"),
        (13, "expiry soon 90000 110000", "has no RFC 3339 expiry"),
        (14, "10000000 5000 0", "has a forward or volatility that is not above 0"),
        (15, "more", "is not expected here"),
    ])
    func aLineThatIsNotDueIsRefusedInASentenceThatNamesIt(
        number: Int, line: String, reason: String
    ) throws {
        var lines = Self.small
        if number > lines.count { lines.append(line) } else { lines[number - 1] = line }
        let error = #expect(throws: ScenarioError.self) { try Self.scenario(lines) }
        let sentence = try #require(error).description
        #expect(sentence.contains("line \(number) "), "\(sentence)")
        #expect(sentence.contains(reason), "\(sentence)")
        #expect(sentence.hasSuffix("."))
    }

    @Test func partsThatDoNotBelongTogetherAreRefused() throws {
        var lines = Self.small
        lines[5] = "asset BTC major house 0.5 10 1000000 0 ETH 1000000"
        #expect(throws: ScenarioError.self) { try Self.scenario(lines) }
        lines = Self.small
        lines[5] = "asset BTC major other 0.5 10 1000000 0 BTC 1000000"
        #expect(throws: ScenarioError.self) { try Self.scenario(lines) }
        lines = Self.small
        lines[11] = "surfaces ETH 1 1"
        #expect(throws: ScenarioError.self) { try Self.scenario(lines) }
        #expect(throws: Never.self) { try Self.scenario(Self.small) }
    }

    @Test func anUnknownNameListsTheKnownOnes() {
        let error = #expect(throws: ScenarioError.self) {
            try ScenarioCatalog.scenario(named: "crash")
        }
        #expect(
            error?.description
                == "There is no scenario \"crash\"; there are: crash-2025-10-10.")
    }
}
