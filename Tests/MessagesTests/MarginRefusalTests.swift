import Haircuts
import Margin
import Messages
import Quantities
import Testing

/// Each rule of requirements, alerts, exposures, breaker changes and the newer parts of tables with
/// both sides of its boundary.
struct MarginRefusalTests {
    func requirement(_ replacements: (String, String)...) -> Outcome<MarginRequirement> {
        decodeRequirement(changed(Examples.requirement, replacements).utf8)
    }

    func alert(_ replacements: (String, String)...) -> Outcome<LiquidationAlert> {
        decodeAlert(changed(Examples.alert, replacements).utf8)
    }

    func exposure(_ replacements: (String, String)...) -> Outcome<Exposure> {
        decodeExposure(changed(Examples.exposure, replacements).utf8)
    }

    func breaker(_ replacements: (String, String)...) -> Outcome<BreakerChange> {
        decodeBreaker(changed(Examples.breaker, replacements).utf8)
    }

    // MARK: margin-requirement.v1

    @Test(arguments: [
        "schema", "account", "time", "sequence", "status", "equity", "collateral", "unrealised",
        "requirement", "excess", "marginRatio", "assets", "reasons", "risk", "positionsSequence",
        "cause", "asset", "quantity", "price", "value", "haircutLoss", "haircutSequence",
        "underlying", "loss", "scenario", "volatility", "initial", "maintenance",
    ])
    func aRequirementNeedsEachField(field: String) throws {
        let expected = try #require(MessageField(rawValue: field))
        expect(requirement(("\"\(field)\":", "\"x\":")), .missingField, expected)
    }

    @Test func aRequirementHoldsItsRanges() {
        expect(requirement(("\"sequence\":56", "\"sequence\":0")), .outOfRange, .sequence)
        expect(requirement(("healthy", "cleared")), .outOfRange, .status)
        #expect(requirement(("0.31", "null")).value?.marginRatio == .some(nil))
        expect(requirement(("0.31", "-0.31")), .outOfRange, .marginRatio)
        expect(requirement(("0.31", "\"0.31\"")), .wrongType, .marginRatio)
        expect(requirement(("\"87029.88\"", "\"-1\"")), .outOfRange, .initial)
        expect(requirement(("\"3122.98\"", "\"-1\"")), .outOfRange, .maintenance)
        #expect(requirement(("\"58029.88\"", "\"-1\"")).value?.excess.initial == -.one)
        #expect(requirement(("\"71852.12\"", "\"-1\"")).value?.equity == -.one)
        expect(requirement(("\"price\":\"61234.75\"", "\"price\":\"-1\"")), .outOfRange, .price)
        expect(requirement(("\"loss\":\"7200\"", "\"loss\":\"-1\"")), .outOfRange, .loss)
        #expect(requirement(("\"price\":-1", "\"price\":-2")).value != nil)
        expect(requirement(("\"price\":-1", "\"price\":-2.01")), .outOfRange, .price)
        expect(requirement(("\"up\"", "\"sideways\"")), .outOfRange, .volatility)
        expect(requirement(("[]", "[\"whim\"]")), .outOfRange, .reasons)
        expect(requirement(("[]", "[\"expired\",\"expired\"]")), .outOfRange, .reasons)
        #expect(
            requirement(("[]", "[\"expired\",\"unpriced\"]")).value?.reasons
                == [.expired, .unpriced])
    }

    @Test func theKeyOfARequirementIsTheAccount() {
        expect(decodeRequirement(Examples.requirement.utf8, key: "A-2"), .keyMismatch, .account)
        let key = decoding([], key: "A-1") { (_, key) throws(Refusal) in
            try MarginRequirementDecoder.decodeKey(key)
        }
        #expect(key.value == name("A-1"))
    }

    // MARK: liquidation-alert.v1

    @Test(arguments: [
        "schema", "id", "account", "time", "level", "previous", "cause", "shortfall", "distance",
        "plan", "action", "quantity", "relief", "impact", "notBefore", "asset", "instrument",
        "initial", "maintenance",
    ])
    func anAlertNeedsEachField(field: String) throws {
        let expected = try #require(MessageField(rawValue: field))
        expect(alert(("\"\(field)\":", "\"x\":")), .missingField, expected)
    }

    @Test func anAlertHoldsItsRanges() {
        expect(alert(("\"margin-call\"", "\"healthy\"")), .outOfRange, .level)
        expect(
            alert(("\"previous\":\"healthy\"", "\"previous\":\"cleared\"")), .outOfRange,
            .previous)
        expect(alert(("\"6f1d\"", "\"\"")), .outOfRange, .id)
        expect(alert(("\"1200.5\"", "\"-1\"")), .outOfRange, .initial)
        #expect(alert(("-0.031", "null")).value?.distance == .some(nil))
        expect(alert(("-0.031", "\"far\"")), .wrongType, .distance)
        expect(alert(("\"0.4\"", "\"0\"")), .outOfRange, .quantity)
        expect(alert(("0.0012", "-0.0012")), .outOfRange, .impact)
        expect(alert(("\"cause\":\"haircut\"", "\"cause\":\"greed\"")), .outOfRange, .cause)
        expect(alert(("\"sell\"", "\"buy\"")), .outOfRange, .action)
    }

    @Test func aStepSellsAnAssetOrClosesAnInstrument() {
        expect(alert(("\"sell\"", "\"close\"")), .missingField, .instrument)
        expect(alert(("\"close\"", "\"sell\"")), .missingField, .asset)
        let both = #""asset":"BTC","instrument":"BTC-PERP""#
        expect(alert((#""asset":"BTC""#, both)), .outOfRange, .instrument)
        expect(alert((#""instrument":"BTC-PERP""#, both)), .outOfRange, .asset)
    }

    @Test func theKeyOfAnAlertIsTheAccount() {
        expect(decodeAlert(Examples.alert.utf8, key: "A-2"), .keyMismatch, .account)
    }

    // MARK: exposure.v1

    @Test(arguments: [
        "schema", "asset", "shard", "time", "sequence", "haircutSequence", "price", "pledged",
        "pledgedValue", "borrowed", "byHaircut", "byPrice", "accounts", "rise", "fall", "value",
    ])
    func anExposureNeedsEachField(field: String) throws {
        let expected = try #require(MessageField(rawValue: field))
        expect(exposure(("\"\(field)\":", "\"x\":")), .missingField, expected)
    }

    @Test func laddersRiseAndTheirValuesDoNotFall() {
        expect(exposure(("\"rise\":0.005", "\"rise\":0.0025")), .outOfRange, .byHaircut)
        expect(exposure(("\"rise\":0.0025", "\"rise\":0")), .outOfRange, .byHaircut)
        expect(exposure(("\"fall\":0.005", "\"fall\":1.01")), .outOfRange, .fall)
        #expect(exposure(("\"fall\":0.005", "\"fall\":1")).value != nil)
        expect(exposure(("\"120000\"", "\"120000.1\"")), .outOfRange, .byHaircut)
        #expect(exposure(("\"120000\"", "\"119999\"")).value != nil)
        expect(exposure(("\"90000\"", "\"-1\"")), .outOfRange, .value)
        expect(exposure(("\"fall\"", "\"rise\"")), .missingField, .fall)
    }

    @Test func aLadderHasUpTo64Rungs() {
        func falls(_ count: Int) -> Outcome<Exposure> {
            let rungs = (1...count).map { "{\"fall\":\(Double($0) / 100),\"value\":\"0\"}" }
            return exposure(
                (#"{"fall":0.005,"value":"90000"}"#, rungs.joined(separator: ",")))
        }
        #expect(falls(64).value?.byPrice.count == 64)
        expect(falls(65), .outOfRange, .byPrice)
        #expect(exposure((#"{"fall":0.005,"value":"90000"}"#, "")).value?.byPrice == [])
    }

    @Test func amountsOfAnExposureAreNotNegative() {
        expect(exposure(("\"812.5\"", "\"-812.5\"")), .outOfRange, .pledged)
        expect(exposure(("\"49750000\"", "\"-1\"")), .outOfRange, .pledgedValue)
        expect(exposure(("\"3.1\"", "\"-3.1\"")), .outOfRange, .borrowed)
        expect(exposure(("10234", "-1")), .outOfRange, .accounts)
        expect(exposure(("\"sequence\":77", "\"sequence\":0")), .outOfRange, .sequence)
        #expect(exposure(("3001", "0"), ("61234.75", "0")).value?.price == .zero)
    }

    @Test func theKeyOfAnExposureIsAssetAndShard() {
        for key in ["BTC", "BTC|", "BTC|4", "BTC|03", "BTC|+3", "ETH|3", "BTC|3|", "BTC|3 ", "3"] {
            expect(decodeExposure(Examples.exposure.utf8, key: key), .keyMismatch, .key)
        }
        let last = changed(Examples.exposure, [("\"shard\":3", "\"shard\":2147483647")])
        #expect(decodeExposure(last.utf8, key: "BTC|2147483647").value?.shard == .max)
        expect(exposure(("\"shard\":3", "\"shard\":2147483648")), .outOfRange, .shard)
        expect(exposure(("\"shard\":3", "\"shard\":-1")), .outOfRange, .shard)
        func key(_ text: String) -> Outcome<Exposure.Key> {
            decoding([], key: text) { (_, key) throws(Refusal) in
                try ExposureDecoder.decodeKey(key)
            }
        }
        #expect(key("BTC|0").value == Exposure.Key(asset: name("BTC"), shard: 0))
        #expect(key("BTC|2147483648").refusal == Refusal(.outOfRange, .key))
        #expect(key("BTC|99999999999999999999").refusal == Refusal(.outOfRange, .key))
    }

    // MARK: breaker.v1

    @Test(arguments: ["schema", "asset", "time", "from", "to", "reasons", "since"])
    func aBreakerChangeNeedsEachField(field: String) throws {
        let expected = try #require(MessageField(rawValue: field))
        expect(breaker(("\"\(field)\":", "\"x\":")), .missingField, expected)
    }

    @Test func aBreakerChangeHasKnownStatesAndReasons() {
        expect(breaker(("\"elevated\"", "\"calm\"")), .outOfRange, .to)
        expect(breaker(("\"normal\"", "\"calm\"")), .outOfRange, .from)
        expect(breaker(("\"depth-below-half\"", "\"whim\"")), .outOfRange, .reasons)
        let twice = #""empty-side","empty-side""#
        expect(breaker(("\"depth-below-half\"", twice)), .outOfRange, .reasons)
        #expect(breaker(("\"depth-below-half\"", "")).value?.reasons == [])
        expect(decodeBreaker(Examples.breaker.utf8, key: "ETH"), .keyMismatch, .asset)
    }

    // MARK: haircut.v1, what plans need

    func table(_ members: String) -> Outcome<HaircutTable> {
        decodeHaircut(changed(Examples.haircut, [("\"model\":", members + ",\"model\":")]).utf8)
    }

    @Test func impactIsNotNegativeAndItsVolumeAboveZero() {
        func impact(_ halfSpread: String, _ deviation: String, _ volume: String) -> Outcome<
            HaircutTable
        > {
            table(
                "\"impact\":{\"halfSpread\":\(halfSpread),\"dailyDeviation\":\(deviation),"
                    + "\"volume\":\(volume)}")
        }
        #expect(impact("0", "0", "\"1\"").value?.impact?.volume == .one)
        expect(impact("-1", "0", "\"1\""), .outOfRange, .halfSpread)
        expect(impact("0", "-1", "\"1\""), .outOfRange, .dailyDeviation)
        expect(impact("0", "0", "\"0\""), .outOfRange, .volume)
        expect(impact("0", "0", "1"), .wrongType, .volume)
        expect(table("\"impact\":null"), .wrongType, .impact)
        expect(table("\"impact\":{\"halfSpread\":0}"), .missingField, .dailyDeviation)
    }

    @Test func systemCollateralIsNotNegative() {
        #expect(table("\"systemCollateral\":\"0\"").value?.systemCollateral == .zero)
        expect(table("\"systemCollateral\":\"-1\""), .outOfRange, .systemCollateral)
        expect(table("\"systemCollateral\":null"), .wrongType, .systemCollateral)
    }

    @Test func sharesAreFractionsOfAtMostOne() {
        func shares(_ list: [String]) -> Outcome<HaircutTable> {
            table("\"shares\":[" + list.joined(separator: ",") + "]")
        }
        #expect(shares([]).value?.shares == [])
        #expect(shares(["0.5", "0.5"]).value?.shares == [0.5, 0.5])
        #expect(shares(["0.5", "0.500000001"]).value != nil)
        expect(shares(["0.5", "0.50000001"]), .outOfRange, .shares)
        expect(shares(["-0.1"]), .outOfRange, .shares)
        expect(shares(["1.1"]), .outOfRange, .shares)
        expect(shares(["\"0.1\""]), .wrongType, .shares)
        let most = Array(repeating: "0.0005", count: 1_024)
        #expect(shares(most).value?.shares.count == 1_024)
        expect(shares(most + ["0"]), .outOfRange, .shares)
    }
}
