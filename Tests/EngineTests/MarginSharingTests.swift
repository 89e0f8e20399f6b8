import Engine
import Haircuts
import Margin
import Market
import Quantities
import Testing

/// Accounts of one owner are haircut together: what one holds, another may fall for.
@Suite("Accounts that share an owner")
struct MarginSharingTests {
    private static let usdt = MarginWorld.name("USDT")
    private static let btc = MarginWorld.name("BTC")

    private var shard = MarginShardTests.shard()
    private var sink = MarginOutputs()
    private var sequence: Int64 = 0

    private mutating func apply(_ table: HaircutTable) {
        _ = shard.apply(table, cause: .timer(table.time), to: &sink)
    }

    /// 90 % of the first 100 000 count, and nothing beyond.
    private mutating func applyUSDT(halfSpread: Double = 0.001) {
        var table = MarginShardTests.table(1, price: 1, asset: Self.usdt)
        table.tiers = [
            HaircutTier(
                from: .zero, to: FixedDecimal(100_000), initial: Ratio(millionths: 100_000),
                maintenance: Ratio(millionths: 100_000)),
            HaircutTier(from: FixedDecimal(100_000), to: nil, initial: .one, maintenance: .one),
        ]
        table.impact = Impact(
            halfSpread: halfSpread, dailyDeviation: 0.05, volume: FixedDecimal(10_000_000))
        apply(table)
    }

    private mutating func apply(
        _ account: String, holds held: Int, owes debt: Int, contracts: Int = 0, bitcoins: Int = 0
    ) throws {
        sequence += 1
        var snapshot = AccountSnapshot(
            account: MarginWorld.name(account), owner: MarginWorld.name("owner"),
            time: MarginShardTests.start, sequence: sequence,
            balances: [
                Balance(asset: Self.usdt, quantity: FixedDecimal(held)),
                Balance(asset: MarginWorld.valuation, quantity: FixedDecimal(-debt)),
            ])
        if bitcoins != 0 {
            snapshot.balances.append(
                Balance(asset: Self.btc, quantity: FixedDecimal(bitcoins)))
        }
        if contracts != 0 {
            snapshot.positions = [
                Position(
                    instrument: MarginWorld.name("BTC-PERP"),
                    terms: .perpetual(.linear, settlement: Self.usdt), underlying: Self.btc,
                    multiplier: .one, quantity: FixedDecimal(contracts),
                    entryPrice: FixedDecimal(60_000))
            ]
        }
        _ = try shard.apply(snapshot, cause: .timer(snapshot.time), to: &sink)
    }

    private mutating func levels(of account: String) -> [MarginStatus] {
        sink.take().compactMap(\.alert).filter { $0.account == MarginWorld.name(account) }
            .map(\.level)
    }

    @Test mutating func whatAnotherAccountIsSentMayBringOneDownAndUpAgain() throws {
        applyUSDT()
        try apply("A", holds: 60_000, owes: 40_000)
        try apply("B", holds: 10_000, owes: 0)
        shard.serve(to: &sink)
        #expect(levels(of: "A") == [])
        // Of 160 000 together 90 000 count: of A's 60 000, 33 750.
        try apply("B", holds: 100_000, owes: 0)
        #expect(levels(of: "A") == [.liquidation])
        _ = shard.close(
            MarginWorld.name("B"), cause: .timer(MarginShardTests.start), to: &sink)
        #expect(levels(of: "A") == [.healthy])
    }

    @Test mutating func aMarkThatSettlesIntoAnotherAccountMayBringOneDown() throws {
        applyUSDT()
        apply(MarginShardTests.table(1, price: 60_000, asset: Self.btc))
        try apply("A", holds: 60_000, owes: 45_000)
        try apply("B", holds: 40_000, owes: 0, contracts: 100)
        shard.serve(to: &sink)
        #expect(levels(of: "A") == [])
        // B's contracts gain 30 000 by half a percent, far too little for all accounts to be
        // valued. A has nothing to do with BTC, but with B's balance.
        apply(MarginShardTests.table(2, price: 60_300, asset: Self.btc))
        #expect(levels(of: "A") == [.liquidation])
        apply(MarginShardTests.table(3, price: 60_000, asset: Self.btc))
        #expect(levels(of: "A") == [.healthy])
    }

    /// A rung of BTC's ladder moves B's marks, they settle into USDT, and A's USDT counts less: A
    /// sells BTC then, though its own BTC loses far less than it could bear. USDT costs too much to
    /// sell.
    @Test mutating func aLadderCountsTheSalesThatAnotherAccountsMarksForce() throws {
        applyUSDT(halfSpread: 0.6)
        apply(MarginShardTests.table(1, price: 60_000, asset: Self.btc))
        try apply("A", holds: 60_000, owes: 100_000, bitcoins: 1)
        try apply("B", holds: 40_000, owes: 0, contracts: -1)
        shard.serve(to: &sink)
        var forced: [Double] = []
        for (sequence, contracts) in [(Int64(2), -1), (3, 0)] {
            try apply("B", holds: 40_000, owes: 0, contracts: contracts)
            apply(
                MarginShardTests.table(
                    sequence, price: 60_000, asset: Self.btc, seconds: Double(sequence)))
            let ladder = try #require(sink.exposures.last { $0.asset == Self.btc })
            let rung = try #require(ladder.byPrice.first { $0.step == 0.1 })
            forced.append(rung.value.double)
        }
        #expect(levels(of: "A") == [])
        // Of 60 000 + 46 000, 90 000 count: of A's, 50 943, and 48 600 of its BTC; it owes 100 000.
        #expect(forced[0] > 457)
        // Alone with 40 000: 54 000 and 48 600.
        #expect(forced[1] == 0)
    }

    @Test mutating func accountsOfAnOwnerMayBeMany() throws {
        applyUSDT()
        // 64 are rows; then all are kept apart, and rows again when some have gone.
        for index in 0..<70 { try apply("B-\(index)", holds: 1_000, owes: 0) }
        try apply("A", holds: 60_000, owes: 40_000)
        shard.serve(to: &sink)
        // Of 130 000 together 90 000 count: of A's 60 000, 41 538.
        let count = { (shard: MarginShard) in
            shard.figures(of: MarginWorld.name("A"))?.collateral.maintenance
        }
        #expect(abs((count(shard) ?? 0) - 60_000 * 90_000 / 130_000) < 1e-6)
        for index in 10..<70 {
            _ = shard.close(
                MarginWorld.name("B-\(index)"), cause: .timer(MarginShardTests.start), to: &sink)
        }
        try apply("A", holds: 60_000, owes: 40_000)
        #expect(abs((count(shard) ?? 0) - 54_000) < 1e-6)
    }
}
