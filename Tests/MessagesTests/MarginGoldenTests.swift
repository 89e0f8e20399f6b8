import Haircuts
import Margin
import Market
import Messages
import Quantities
import Testing

/// The exact bytes of the messages on accounts and on the loop.
struct MarginGoldenTests {
    @Test func positionsAreWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Golden.positions) } == Examples.positions)
        #expect(decodePositions(Examples.positions.utf8).value == Golden.positions)
    }

    @Test func whatMayBeLeftOutOfPositionsIs() {
        var snapshot = Golden.positions
        snapshot.requirement = nil
        snapshot.balances = []
        snapshot.positions = [snapshot.positions[0]]
        snapshot.positions[0].terms = .perpetual(.inverse, settlement: name("USDC"))
        let text = """
            {"schema":"positions.v1","account":"A-1","owner":"O-1",\
            "time":"2026-11-22T14:00:00.123456Z","sequence":55,"balances":[],\
            "positions":[{"instrument":"BTC-PERP","kind":"perpetual","underlying":"BTC",\
            "contract":"inverse","multiplier":"1","quantity":"-2","entryPrice":"61000",\
            "settlement":"USDC"}]}
            """
        #expect(written { $0.write(snapshot) } == text)
        #expect(decodePositions(text.utf8).value == snapshot)
    }

    @Test func aRequirementIsWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Golden.requirement) } == Examples.requirement)
        #expect(decodeRequirement(Examples.requirement.utf8).value == Golden.requirement)
    }

    @Test func aRatioOverNothingIsNullAndReasonsComeInPublishedOrder() {
        var requirement = Golden.requirement
        requirement.marginRatio = nil
        requirement.status = .bankrupt
        requirement.reasons = MarginReasons(rawValue: 127)
        requirement.cause = .timer(instant("2026-11-22T14:00:00.2Z"))
        let text = written { $0.write(requirement) }
        #expect(text.contains(#""status":"bankrupt""#))
        #expect(text.contains(#""marginRatio":null,"#))
        #expect(
            text.contains(
                #""reasons":["unpriced","unknown-asset","unknown-underlying","#
                    + #""stress-volatility","stale-data","stated-requirement","expired"],"#))
        #expect(text.hasSuffix(#""cause":{"timer":"2026-11-22T14:00:00.200000Z"}}"#))
        #expect(decodeRequirement(text.utf8).value == requirement)
    }

    @Test func anAlertIsWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Golden.alert) } == Examples.alert)
        #expect(decodeAlert(Examples.alert.utf8).value == Golden.alert)
    }

    @Test func anAccountThatIsHealthyAgainIsCleared() {
        var alert = Golden.alert
        alert.level = .healthy
        alert.previous = .warning
        alert.distance = nil
        alert.plan = []
        let text = written { $0.write(alert) }
        #expect(text.contains(#""level":"cleared","previous":"warning","#))
        #expect(text.hasSuffix(#""distance":null,"plan":[]}"#))
        #expect(decodeAlert(text.utf8).value == alert)
    }

    @Test func anExposureIsWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Golden.exposure) } == Examples.exposure)
        #expect(decodeExposure(Examples.exposure.utf8).value == Golden.exposure)
        #expect(written { $0.append(Golden.exposure.key) } == "BTC|3")
    }

    @Test func aBreakerChangeIsWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Golden.breaker) } == Examples.breaker)
        #expect(decodeBreaker(Examples.breaker.utf8).value == Golden.breaker)
    }

    @Test func everyReasonOfABreakerHasItsWord() {
        var change = Golden.breaker
        for entry in BreakerReasons.names {
            change.reasons = entry.reason
            let text = written { $0.write(change) }
            #expect(text.contains("\"reasons\":[\"\(entry.name)\"]"))
            #expect(decodeBreaker(text.utf8).value == change)
        }
        change.reasons = BreakerReasons(rawValue: 1 << 18 - 1)
        #expect(decodeBreaker(written { $0.write(change) }.utf8).value == change)
    }

    @Test func aControlIsWrittenAndReadAsTheContractShows() {
        #expect(written { $0.write(Golden.control) } == Examples.control)
        #expect(decodeControl(Examples.control.utf8).value == Golden.control)
        #expect(written { $0.append(Golden.control.key) } == "BTC|override")
    }

    @Test func aChangeOfParametersIsWrittenAndRead() {
        #expect(written { $0.write(Golden.parameters) } == Examples.parameters)
        #expect(
            decodeControl(Examples.parameters.utf8, key: "*|parameters").value
                == Golden.parameters)
        #expect(written { $0.append(Golden.parameters.key) } == "*|parameters")
    }

    @Test func aTableSaysWhatPlansNeed() {
        var table = GoldenTests.haircut
        table.impact = Impact(
            halfSpread: 0.0003, dailyDeviation: 0.0374, volume: decimal("6123475000"))
        table.systemCollateral = decimal("500000000")
        table.shares = [0.25, 0, 0.75]
        let text = written { $0.write(table) }
        #expect(
            text.contains(
                #""surfaceAge":2.5},"impact":{"halfSpread":0.0003,"dailyDeviation":0.0374,"#
                    + #""volume":"6123475000"},"systemCollateral":"500000000","#
                    + #""shares":[0.25,0,0.75],"model":{"#))
        #expect(decodeHaircut(text.utf8).value == table)
    }

    @Test func aDecoderForgetsWhatTheMessageBeforeSaid() {
        var tables = HaircutDecoder()
        var positions = PositionsDecoder()
        var table = GoldenTests.haircut
        table.impact = Impact(halfSpread: 0.1, dailyDeviation: 0.1, volume: .one)
        table.systemCollateral = .one
        table.shares = [1]
        let full = written { $0.write(table) }
        for _ in 0..<2 {
            let long = decoding(full.utf8, key: "BTC") { (payload, key) throws(Refusal) in
                try tables.decode(payload, key: key, recordTimestamp: nil, into: &table)
            }
            #expect(long.refusal == nil && table.shares == [1])
            let short = decoding(Examples.haircut.utf8, key: "BTC") {
                (payload, key) throws(Refusal) in
                try tables.decode(payload, key: key, recordTimestamp: nil, into: &table)
            }
            #expect(short.refusal == nil && table == GoldenTests.haircut)
        }
        var snapshot = Golden.positions
        let bare = """
            {"schema":"positions.v1","account":"A-1","owner":"A-1",\
            "time":"2026-11-22T14:00:00Z","sequence":56,"balances":[],"positions":[]}
            """
        for text in [Examples.positions, bare, Examples.positions, bare] {
            let outcome = decoding(text.utf8, key: "A-1") { (payload, key) throws(Refusal) in
                try positions.decode(payload, key: key, recordTimestamp: nil, into: &snapshot)
            }
            #expect(outcome.refusal == nil)
            #expect(text == bare ? snapshot.requirement == nil : snapshot == Golden.positions)
            #expect(text != bare || snapshot.balances.isEmpty && snapshot.positions.isEmpty)
        }
    }
}
