import Market
import Messages
import Quantities
import Testing

/// Each rule of `positions.v1` with both sides of its boundary.
struct PositionsRefusalTests {
    func positions(_ replacements: (String, String)...) -> Outcome<AccountSnapshot> {
        decodePositions(changed(Examples.positions, replacements).utf8)
    }

    static let perpetual = #""contract":"linear","multiplier":"1","quantity":"-2""#
    static let option = #""strike":"60000","right":"put""#

    @Test(arguments: [
        "schema", "account", "owner", "time", "sequence", "balances", "positions", "instrument",
        "kind", "underlying", "contract", "multiplier", "quantity", "entryPrice", "asset",
        "initial", "maintenance", "strike", "right",
    ])
    func eachFieldIsNeeded(field: String) throws {
        let expected = try #require(MessageField(rawValue: field))
        expect(positions(("\"\(field)\":", "\"x\":")), .missingField, expected)
    }

    @Test func aRequirementMayBeLeftOutAndIsInOrder() {
        #expect(positions((#""requirement":"#, #""other":"#)).value?.requirement == nil)
        expect(
            positions((#""requirement":{"#, #""requirement":null,"x":{"#)), .wrongType,
            .requirement)
        let equal = positions((#""maintenance":"7200""#, #""maintenance":"9000""#))
        #expect(equal.value?.requirement?.maintenance == decimal("9000"))
        expect(
            positions((#""maintenance":"7200""#, #""maintenance":"9000.000000000000000001""#)),
            .outOfRange, .maintenance)
        #expect(positions((#""maintenance":"7200""#, #""maintenance":"0""#)).value != nil)
        expect(
            positions((#""maintenance":"7200""#, #""maintenance":"-1""#)), .outOfRange,
            .maintenance)
        expect(positions((#""initial":"9000""#, #""initial":"-9000""#)), .outOfRange, .initial)
    }

    @Test func anAssetComesOnce() {
        expect(positions((#""USDT""#, #""BTC""#)), .duplicateAsset, .balances)
        #expect(positions((#""USDT""#, #""BTC2""#)).value?.balances.count == 2)
    }

    @Test func anInstrumentComesOnce() {
        expect(
            positions((#""BTC-25DEC26-60000-P""#, #""BTC-PERP""#)), .duplicateInstrument,
            .positions)
        #expect(positions((#""BTC-25DEC26-60000-P""#, #""BTC""#)).value?.positions.count == 3)
    }

    @Test func balancesOfAnySignAndOfNothingAreTaken() {
        #expect(positions((#""1.5""#, #""0""#)).value?.balances[0].quantity == .zero)
        #expect(positions((#""1.5""#, #""-1.5""#)).value?.balances[0].quantity == decimal("-1.5"))
        expect(positions((#""1.5""#, "1.5")), .wrongType, .quantity)
    }

    @Test func multipliersAndPricesAreAboveZero() {
        for (field, name) in [(MessageField.multiplier, "10"), (.entryPrice, "61500")] {
            let old = "\"\(field.rawValue)\":\"\(name)\""
            func new(_ value: String) -> String { "\"\(field.rawValue)\":\"\(value)\"" }
            #expect(positions((old, new("0.000000000000000001"))).value != nil)
            expect(positions((old, new("0"))), .outOfRange, field)
            expect(positions((old, new("-1"))), .outOfRange, field)
        }
        expect(positions((#""strike":"60000""#, #""strike":"0""#)), .outOfRange, .strike)
    }

    @Test func theEntryPriceOfAnOptionSaysNothingAndIsNotNegative() {
        #expect(positions((#""1200""#, #""0""#)).value?.positions[2].entryPrice == .zero)
        expect(positions((#""1200""#, #""-1""#)), .outOfRange, .entryPrice)
    }

    @Test func aPerpetualHasNoExpiry() {
        let expiry = #","expiry":"2026-12-25T08:00:00Z""#
        expect(positions((Self.perpetual, Self.perpetual + expiry)), .outOfRange, .expiry)
    }

    @Test func aFutureHasAnExpiryAndNoStrike() {
        let expiry = #","expiry":"2026-12-25T08:00:00.000000Z"}"#
        expect(positions((expiry, "}")), .missingField, .expiry)
        expect(
            positions((expiry, #","strike":"1""# + expiry)), .outOfRange, .strike)
        expect(
            positions((expiry, #","right":"call""# + expiry)), .outOfRange, .right)
    }

    @Test func anOptionHasAnExpiryAStrikeAndARight() {
        let expiry = #""expiry":"2026-12-25T08:00:00.000000Z","strike""#
        expect(positions((expiry, #""strike""#)), .missingField, .expiry)
        #expect(
            positions((#""put""#, #""call""#)).value?.positions[2].terms
                == .option(.call, strike: decimal("60000"), expiry: instant("2026-12-25T08:00:00Z"))
        )
        expect(positions((#""put""#, #""straddle""#)), .outOfRange, .right)
    }

    @Test func anOptionIsLinearAndSettlesInTheValuationCurrency() {
        let linear = #""contract":"linear","multiplier":"1","quantity":"-5""#
        let inverse = #""contract":"inverse","multiplier":"1","quantity":"-5""#
        expect(positions((linear, inverse)), .outOfRange, .contract)
        expect(
            positions((Self.option, Self.option + #","settlement":"USDT""#)), .outOfRange,
            .settlement)
    }

    @Test func perpetualsAndFuturesMaySettleInAnyAsset() {
        let settled = positions(
            (Self.perpetual, Self.perpetual + #","settlement":"USDT""#),
            (#""entryPrice":"61500""#, #""entryPrice":"61500","settlement":"BTC""#))
        #expect(
            settled.value?.positions[0].terms == .perpetual(.linear, settlement: name("USDT")))
        #expect(
            settled.value?.positions[1].terms
                == .future(
                    .inverse, settlement: name("BTC"), expiry: instant("2026-12-25T08:00:00Z")))
        expect(
            positions((Self.perpetual, Self.perpetual + #","settlement":null"#)), .wrongType,
            .settlement)
    }

    @Test func unknownWordsAreRefused() {
        expect(positions((#""perpetual""#, #""swap""#)), .outOfRange, .kind)
        expect(positions((#""inverse""#, #""Inverse""#)), .outOfRange, .contract)
    }

    @Test func fieldsOfAPositionMayComeInAnyOrder() {
        let kind = #""instrument":"BTC-25DEC26","kind":"future""#
        let expiry = #""expiry":"2026-12-25T08:00:00.000000Z"}"#
        let turned = positions(
            (kind, #""expiry":"2026-12-25T08:00:00Z","kind":"future""#),
            (#""entryPrice":"61500","# + expiry, #""entryPrice":"61500","instrument":"F"}"#))
        #expect(turned.value?.positions[1].instrument == name("F"))
        #expect(turned.value?.positions[1].terms == Golden.positions.positions[1].terms)
    }

    @Test func theKeyIsTheAccountAndTimeIsNotAhead() {
        expect(decodePositions(Examples.positions.utf8, key: "A-2"), .keyMismatch, .account)
        let sent = instant("2026-11-22T13:59:55.123456Z")
        #expect(decodePositions(Examples.positions.utf8, timestamp: sent).value != nil)
        let earlier = sent.advanced(byNanoseconds: -1)
        expect(
            decodePositions(Examples.positions.utf8, timestamp: earlier), .futureTime, .time)
    }

    @Test func aTombstoneNamesItsAccountInItsKey() throws {
        let key = Array("A-1".utf8)
        #expect(try key.withUnsafeBytes { try PositionsDecoder.decodeKey($0) } == name("A-1"))
        for bad in ["", "A|1", String(repeating: "A", count: 65), "A 1"] {
            let outcome = decoding([], key: bad) { (_, key) throws(Refusal) in
                try PositionsDecoder.decodeKey(key)
            }
            #expect(outcome.refusal == Refusal(.outOfRange, .key), "\(bad)")
        }
    }

    // MARK: Large accounts

    func large(balances: Int, positions: Int = 0) -> AccountSnapshot {
        var snapshot = Golden.positions
        snapshot.requirement = nil
        // Neither rising nor falling, so that names have to be sorted: 7 919 is prime.
        snapshot.balances = (0..<balances).map {
            Balance(asset: name("\($0 * 7_919 % max(balances, 1))"), quantity: .one)
        }
        let perpetual = snapshot.positions[0]
        snapshot.positions = (0..<positions).map {
            var position = perpetual
            position.instrument = name("\($0 * 7_919 % max(positions, 1))")
            return position
        }
        return snapshot
    }

    @Test func anAccountOf10000HoldingsIsTaken() {
        let snapshot = large(balances: 5_000, positions: 5_000)
        let text = written { $0.write(snapshot) }
        #expect(text.utf8.count < 900_000)
        #expect(decodePositions(text.utf8).value == snapshot)
    }

    @Test func aSnapshotHasUpTo16384BalancesAndNotOneMore() {
        let most = large(balances: 16_384)
        #expect(decodePositions(written { $0.write(most) }.utf8).value == most)
        let more = large(balances: 16_385)
        expect(decodePositions(written { $0.write(more) }.utf8), .outOfRange, .balances)
    }

    @Test(arguments: [2, 16, 17, 1_000, 5_000])
    func aNameThatComesTwiceIsFoundWhereverItStands(count: Int) {
        let snapshot = large(balances: count, positions: count)
        #expect(decodePositions(written { $0.write(snapshot) }.utf8).value == snapshot)
        for (first, second) in [(0, count - 1), (0, 1), (count / 2, count - 1)]
        where first != second {
            var assets = snapshot
            assets.balances[second].asset = assets.balances[first].asset
            expect(
                decodePositions(written { $0.write(assets) }.utf8), .duplicateAsset, .balances)
            var instruments = snapshot
            instruments.positions[second].instrument = instruments.positions[first].instrument
            expect(
                decodePositions(written { $0.write(instruments) }.utf8), .duplicateInstrument,
                .positions)
        }
    }
}

/// A text with parts of it replaced, each of which must be there.
func changed(_ text: String, _ replacements: [(String, String)]) -> String {
    var text = text
    for (old, new) in replacements {
        #expect(text.contains(old), "the example has no \(old)")
        text = text.replacing(old, with: new, maxReplacements: 1)
    }
    return text
}

func expect<Value>(
    _ outcome: Outcome<Value>, _ code: RefusalCode, _ field: MessageField,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(outcome.refusal?.code == code, sourceLocation: sourceLocation)
    #expect(outcome.refusal?.field == field, sourceLocation: sourceLocation)
}
