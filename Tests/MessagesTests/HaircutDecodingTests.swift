import Haircuts
import Messages
import Quantities
import Testing

func decodeHaircut(
    _ bytes: some Sequence<UInt8>, key: String = "BTC", timestamp: Instant? = nil
) -> Outcome<HaircutTable> {
    var decoder = HaircutDecoder()
    return decoding(bytes, key: key) { (payload, key) throws(Refusal) in
        var table = GoldenTests.haircut
        table.asset = name("OLD")
        try decoder.decode(payload, key: key, recordTimestamp: timestamp, into: &table)
        return table
    }
}

struct HaircutDecodingTests {
    func table(_ old: String, _ new: String) -> Outcome<HaircutTable> {
        #expect(Examples.haircut.contains(old))
        return decodeHaircut(Examples.haircut.replacing(old, with: new, maxReplacements: 1).utf8)
    }

    @Test func aTableIsReadAsTheContractShows() {
        #expect(decodeHaircut(Examples.haircut.utf8).value == GoldenTests.haircut)
    }

    @Test func aTimerIsACause() {
        let cause = #"{"topic":"market.quotes.v1","partition":3,"offset":991}"#
        let timer = #"{"timer":"2026-11-22T14:00:00Z"}"#
        #expect(table(cause, timer).value?.cause == .timer(instant("2026-11-22T14:00:00Z")))
        #expect(table(cause, "{}").refusal?.code == .missingField)
        #expect(
            table(#""offset":991"#, #""x":1"#).refusal?.anywhere == Refusal(.missingField, .offset))
        #expect(
            table(#""offset":991"#, #""timer":"2026-11-22T14:00:00Z""#).refusal?.code
                == .outOfRange)
    }

    @Test func tiersHaveNoGapsAndNoEnd() {
        #expect(table(#"{"from":"100000""#, #"{"from":"100001""#).refusal?.field == .tiers)
        #expect(table(#"{"from":"0""#, #"{"from":"1""#).refusal?.field == .tiers)
        #expect(table(#""to":null"#, #""to":"200000""#).refusal?.field == .tiers)
        #expect(table(#""to":null"#, #""to":"100000""#).refusal?.code == .outOfRange)
        #expect(
            table(#""initial":1,"maintenance":1"#, #""initial":0.9,"maintenance":1"#)
                .refusal?.code == .outOfRange)
        #expect(
            table(#""initial":1,"maintenance":1"#, #""initial":1.000001,"maintenance":1"#)
                .refusal?.code == .outOfRange)
    }

    @Test func theFirstTierIsTheHeadline() {
        #expect(
            table(
                #""initial":0.0525,"maintenance":0.034,"tiers""#,
                #""initial":0.053,"maintenance":0.034,"tiers""#
            ).refusal?.anywhere
                == Refusal(.outOfRange, .initial))
    }

    @Test func aRatioIsAWholeNumberOfMillionths() {
        #expect(table(#""initial":1,"#, #""initial":0.999999,"#).value == nil)
        #expect(
            table(#""initial":1,"maintenance":1"#, #""initial":1,"maintenance":0.999999"#)
                .value?.tiers.last?.maintenance == Ratio(millionths: 999_999))
        #expect(
            table(#""initial":1,"maintenance":1"#, #""initial":1,"maintenance":0.9999995"#)
                .refusal?.anywhere == Refusal(.outOfRange, .maintenance))
    }

    @Test(arguments: [
        "schema", "asset", "time", "sequence", "state", "price", "debtPrice", "reference", "mid",
        "tiers", "target", "gap", "boundBy", "next", "validUntil", "fallback", "scan",
        "stressVolatility", "branchingRatio", "components", "model", "cause", "horizonSeconds",
        "surfaceAge", "notional", "version",
    ])
    func eachFieldIsNeeded(field: String) throws {
        let expected = try #require(MessageField(rawValue: field))
        #expect(
            table("\"\(field)\":", "\"x\":").refusal?.anywhere == Refusal(.missingField, expected))
    }

    @Test func unknownNamesAreRefusedAndUnknownFieldsAreNot() {
        #expect(table("\"normal\"", "\"calm\"").refusal?.anywhere == Refusal(.outOfRange, .state))
        #expect(table("[\"limiter\"]", "[\"whim\"]").refusal?.field == .boundBy)
        #expect(table("[\"limiter\"]", "[\"limiter\",\"limiter\"]").refusal?.field == .boundBy)
        #expect(table("\"depth\"", #""new":[{}],"depth""#).value == GoldenTests.haircut)
    }

    @Test func theKeyIsTheAssetAndTimeIsNotAhead() {
        #expect(decodeHaircut(Examples.haircut.utf8, key: "ETH").refusal?.code == .keyMismatch)
        #expect(
            decodeHaircut(Examples.haircut.utf8, timestamp: instant("2026-11-22T13:59:55Z"))
                .refusal?.code == .futureTime)
        #expect(decodeHaircut([]).refusal?.code == .emptyBody)
    }
}

extension Refusal {
    /// The same refusal wherever it was noticed.
    var anywhere: Refusal { Refusal(code, field) }
}
