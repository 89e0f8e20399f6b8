import Engine
import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

/// The rules of a margin shard, one by one.
struct MarginShardTests {
    static let start = Instant(nanoseconds: 1_790_000_000_000_000_000)
    static let asset = MarginWorld.name("BTC")
    static let usd = MarginWorld.valuation

    private var sink = MarginOutputs()
    private var shard = Self.shard()

    static func shard(_ number: Int32 = 0, of count: Int = 1) -> MarginShard {
        MarginShard(
            MarginConfiguration(valuationCurrency: usd), shard: number, shardCount: count)
    }

    /// A table at a price, a haircut of 10 %, depth 1 000 000.
    static func table(
        _ sequence: Int64, price: Int, asset: Identifier = asset, seconds: Double = 0,
        haircut: Int32 = 100_000, shares: [Double] = []
    ) -> HaircutTable {
        var table = HaircutTable.blank
        table.asset = asset
        table.time = start.advanced(byNanoseconds: Int64(seconds * 1e9))
        table.sequence = sequence
        (table.price, table.debtPrice) = (FixedDecimal(price), FixedDecimal(price))
        (table.reference, table.mid) = (FixedDecimal(price), FixedDecimal(price))
        table.tiers = [
            HaircutTier(
                from: .zero, to: nil, initial: Ratio(millionths: haircut * 3 / 2),
                maintenance: Ratio(millionths: haircut))
        ]
        table.validUntil = table.time.advanced(bySeconds: 30)
        table.fallback = 0.3
        table.scan = [ScanRange(notional: FixedDecimal(100_000), down: 0.1, up: 0.1 / 0.9)]
        table.stressVolatility = 1
        table.components.depth = FixedDecimal(1_000_000)
        table.impact = Impact(
            halfSpread: 0.001, dailyDeviation: 0.05, volume: FixedDecimal(10_000_000))
        table.shares = shares
        return table
    }

    /// An account that holds some of the asset and owes valuation currency.
    static func account(
        _ text: String, holds quantity: Int, owes debt: Int, sequence: Int64 = 1,
        seconds: Double = 0
    ) -> AccountSnapshot {
        AccountSnapshot(
            account: MarginWorld.name(text), owner: MarginWorld.name("owner-of-\(text)"),
            time: start.advanced(byNanoseconds: Int64(seconds * 1e9)), sequence: sequence,
            balances: [
                Balance(asset: asset, quantity: FixedDecimal(quantity)),
                Balance(asset: usd, quantity: FixedDecimal(-debt)),
            ])
    }

    private static let cause = Cause.record(topic: "test", partition: 0, offset: 7)

    @discardableResult
    private mutating func apply(_ snapshot: AccountSnapshot) throws -> Disposition {
        try shard.apply(snapshot, cause: Self.cause, to: &sink)
    }

    @discardableResult
    private mutating func apply(_ table: HaircutTable) -> Disposition {
        shard.apply(table, cause: Self.cause, to: &sink)
    }

    // Publishing

    @Test mutating func nothingIsPublishedBeforeServing() throws {
        apply(Self.table(1, price: 100))
        try apply(Self.account("a", holds: 10, owes: 990))
        #expect(sink.outputs.isEmpty && sink.exposures.isEmpty)
        shard.serve(to: &sink)
        #expect(sink.outputs.count == 1)
        #expect(sink.outputs.first?.requirement.sequence == 1)
        #expect(sink.alerts.first?.level == .liquidation)
    }

    @Test mutating func aSnapshotIsPublishedAtOnceWhateverItsStatus() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        try apply(Self.account("a", holds: 10, owes: 0))
        try apply(Self.account("a", holds: 10, owes: 0, sequence: 2))
        #expect(sink.outputs.map(\.requirement.positionsSequence) == [1, 2])
        #expect(sink.outputs.map(\.requirement.sequence) == [1, 2])
        #expect(sink.alerts.isEmpty)
    }

    @Test mutating func aFallOfThePriceAlertsOnceAndNamesThePrice() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        try apply(Self.account("a", holds: 10, owes: 700))
        apply(Self.table(2, price: 76, seconds: 1))
        apply(Self.table(3, price: 75, seconds: 2))
        let alert = try #require(sink.alerts.last)
        #expect(sink.alerts.count == 1)
        #expect(alert.level == .liquidation && alert.previous == .healthy)
        #expect(alert.cause == .price)
        #expect(alert.plan.first?.action == .sell(asset: Self.asset))
    }

    @Test mutating func aRecoveryClearsTheAlert() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        try apply(Self.account("a", holds: 10, owes: 700))
        apply(Self.table(2, price: 76, seconds: 1))
        apply(Self.table(3, price: 120, seconds: 2))
        #expect(sink.alerts.map(\.level) == [.liquidation, .healthy])
        #expect(sink.alerts.last?.plan == [])
    }

    @Test mutating func theLargestShortfallIsPublishedFirst() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        for (name, quantity) in [("b", 10), ("a", 10), ("c", 40), ("d", 20)] {
            try apply(Self.account(name, holds: quantity, owes: 70 * quantity))
        }
        _ = sink.take()
        apply(Self.table(2, price: 70, seconds: 1))
        #expect(sink.alerts.map(\.account.description) == ["c", "d", "a", "b"])
    }

    // Closing

    @Test mutating func aTombstoneClosesTheAccount() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        try apply(Self.account("a", holds: 10, owes: 990))
        let name = MarginWorld.name("a")
        #expect(shard.close(name, cause: Self.cause, to: &sink) == .applied)
        let last = try #require(sink.outputs.last)
        #expect(last.requirement.sequence == 2)
        #expect(last.requirement.assets.isEmpty && last.requirement.equity == .zero)
        #expect(last.alert?.level == .healthy && last.alert?.previous == .liquidation)
        #expect(shard.accountCount == 0 && shard.figures(of: name) == nil)
        let published = sink.outputs.count
        #expect(shard.close(name, cause: Self.cause, to: &sink) == .duplicate)
        apply(Self.table(2, price: 10, seconds: 1))
        #expect(sink.outputs.count == published)
    }

    @Test mutating func anAccountOpenedAgainGoesOnWithItsSequence() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        try apply(Self.account("a", holds: 10, owes: 0, sequence: 9))
        _ = shard.close(MarginWorld.name("a"), cause: Self.cause, to: &sink)
        try apply(Self.account("a", holds: 5, owes: 0, sequence: 1))
        #expect(sink.outputs.map(\.requirement.sequence) == [1, 2, 3])
    }

    // Time

    @Test mutating func aStaleTableRaisesInitialAndNeverLiquidates() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        try apply(Self.account("a", holds: 10, owes: 750))
        shard.apply(timer: Self.start.advanced(bySeconds: 30), to: &sink)
        #expect(sink.alerts.isEmpty)
        shard.apply(timer: Self.start.advanced(bySeconds: 31), to: &sink)
        let last = try #require(sink.outputs.last)
        #expect(last.alert?.level == .marginCall && last.alert?.cause == .staleData)
        #expect(last.requirement.reasons.contains(.staleData))
        // The fresh table lifts it at once.
        apply(Self.table(2, price: 100, seconds: 32))
        #expect(sink.alerts.last?.level == .healthy)
    }

    @Test mutating func shardTimeDoesNotGoBack() throws {
        apply(Self.table(1, price: 100, seconds: 10))
        try apply(Self.account("a", holds: 1, owes: 0, seconds: 3))
        #expect(shard.time == Self.start.advanced(bySeconds: 10))
    }

    // Repeated and bad input

    @Test mutating func aRepeatedTableOrSnapshotChangesNothing() throws {
        apply(Self.table(5, price: 100))
        shard.serve(to: &sink)
        try apply(Self.account("a", holds: 10, owes: 700, sequence: 3))
        let published = sink.outputs.count
        #expect(apply(Self.table(5, price: 10, seconds: 60)) == .duplicate)
        #expect(apply(Self.table(4, price: 10, seconds: 61)) == .sequenceReset)
        #expect(
            try apply(Self.account("a", holds: 0, owes: 900, sequence: 3, seconds: 60))
                == .duplicate)
        #expect(
            try apply(Self.account("a", holds: 10, owes: 700, sequence: 1, seconds: 61))
                == .sequenceReset)
        #expect(sink.outputs.count == published + 2)
    }

    @Test mutating func aTableOfTheValuationCurrencyIsNotNeeded() {
        #expect(apply(Self.table(1, price: 2, asset: Self.usd)) == .unlisted)
    }

    @Test mutating func aSnapshotWithAnAssetTwiceIsRefused() throws {
        var snapshot = Self.account("a", holds: 1, owes: 0)
        snapshot.balances.append(Balance(asset: Self.asset, quantity: .one))
        let error = #expect(throws: MarginRefusal.self) { try apply(snapshot) }
        #expect(error?.reason == .duplicateAsset)
        #expect(shard.accountCount == 0)
    }

    @Test mutating func aSnapshotWithAnInstrumentTwiceIsRefused() throws {
        var snapshot = Self.account("a", holds: 1, owes: 0)
        let position = Position(
            instrument: MarginWorld.name("BTC-PERP"),
            terms: .perpetual(.linear, settlement: nil), underlying: Self.asset,
            multiplier: .one, quantity: .one, entryPrice: FixedDecimal(100))
        snapshot.positions = [position, position]
        let error = #expect(throws: MarginRefusal.self) { try apply(snapshot) }
        #expect(error?.reason == .duplicateInstrument)
        snapshot.positions = [position]
        snapshot.positions[0].entryPrice = .zero
        let other = #expect(throws: MarginRefusal.self) { try apply(snapshot) }
        #expect(other?.reason == .outOfRange)
    }

    @Test mutating func aQuantityBeyondWhatMoneyCountsIsRefused() throws {
        var snapshot = Self.account("a", holds: 1_000_000_000_000_000, owes: 0)
        #expect(try apply(snapshot) == .applied)
        snapshot.sequence = 2
        snapshot.balances[0].quantity = FixedDecimal(1_000_000_000_000_001)
        let error = #expect(throws: MarginRefusal.self) { try apply(snapshot) }
        #expect(error?.reason == .overflow)
    }

    @Test mutating func anUnknownAssetCountsNothingAndIsReportedOnce() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        for name in ["a", "b"] {
            var snapshot = Self.account(name, holds: 1, owes: 0)
            snapshot.balances[0].asset = MarginWorld.name("NOBODY")
            try apply(snapshot)
        }
        #expect(shard.takeUnknownAssets() == [MarginWorld.name("NOBODY")])
        #expect(shard.takeUnknownAssets() == [])
        #expect(sink.outputs.last?.requirement.collateral == .zero)
        #expect(sink.outputs.last?.requirement.reasons.contains(.unknownAsset) ?? false)
    }

    @Test mutating func anAccountOfTenThousandPositionsWorks() throws {
        apply(Self.table(1, price: 100))
        shard.serve(to: &sink)
        var snapshot = Self.account("a", holds: 1_000, owes: 0)
        snapshot.positions = (0..<10_000).map { index in
            Position(
                instrument: MarginWorld.name("PERP-\(index)"),
                terms: .perpetual(.linear, settlement: nil), underlying: Self.asset,
                multiplier: .one, quantity: FixedDecimal(index % 2 == 0 ? 1 : -1),
                entryPrice: FixedDecimal(100))
        }
        try apply(snapshot)
        #expect(sink.outputs.last?.requirement.status == .healthy)
    }

    // Refreshing

    @Test mutating func aMoveBeyondItsToleranceIsRefreshedAfterFiveSeconds() throws {
        apply(Self.table(1, price: 1_000))
        shard.serve(to: &sink)
        try apply(Self.account("a", holds: 10, owes: 1_000))
        _ = sink.take()
        apply(Self.table(2, price: 1_050, seconds: 4.9))
        #expect(shard.refresh(atMost: 10, to: &sink) == 0)
        apply(Self.table(3, price: 1_050, seconds: 5.2))
        #expect(shard.refresh(atMost: 0, to: &sink) == 0)
        #expect(shard.refresh(atMost: 10, to: &sink) == 1)
        #expect(sink.outputs.count == 1 && sink.alerts.isEmpty)
        // A move within the tolerance waits for the heartbeat.
        apply(Self.table(4, price: 1_053, seconds: 20))
        #expect(shard.refresh(atMost: 10, to: &sink) == 0)
        apply(Self.table(5, price: 1_053, seconds: 606))
        #expect(shard.refresh(atMost: 10, to: &sink) == 1)
    }

    @Test mutating func theNearestItsLineIsRefreshedFirst() throws {
        apply(Self.table(1, price: 1_000))
        shard.serve(to: &sink)
        try apply(Self.account("far", holds: 10, owes: 1_000))
        try apply(Self.account("near", holds: 10, owes: 7_000))
        try apply(Self.account("middle", holds: 10, owes: 4_000))
        _ = sink.take()
        apply(Self.table(2, price: 1_060, seconds: 6))
        #expect(shard.refresh(atMost: 2, to: &sink) == 2)
        #expect(shard.refresh(atMost: 2, to: &sink) == 1)
        #expect(
            sink.outputs.map(\.requirement.account.description) == ["near", "middle", "far"])
    }
}
