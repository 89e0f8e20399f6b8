import Engine
import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

/// The incremental shard against the naive one, event by event.
struct MarginDifferentialTests {
    /// Seeds of one run, and events of each: a million in all.
    static let seeds = 0..<250
    static let events = 4_000

    static var configuration: MarginConfiguration {
        var configuration = MarginConfiguration(valuationCurrency: MarginWorld.valuation)
        // Ladders have a test of their own.
        configuration.parameters.exposureMilliseconds = 1e12
        return configuration
    }

    @Test(arguments: Self.seeds)
    func afterEveryEventTheShardAgreesWithTheNaiveOne(seed: Int) throws {
        // One world in five has derivatives; in that and another, accounts share an owner.
        let isSimple = seed % 5 != 0
        var world = MarginWorld(
            seed: UInt64(seed), accounts: isSimple ? 3 : 4, isSimple: isSimple,
            sharing: [2, 3, 0, 0, 0][seed % 5])
        var shard = MarginShard(Self.configuration, shard: 0, shardCount: 1)
        var naive = NaiveMarginShard(Self.configuration)
        var sink = MarginOutputs()
        for event in world.opening() {
            try shard.take(event, offset: 0, to: &sink)
            _ = naive.take(event, offset: 0)
        }
        shard.serve(to: &sink)
        #expect(naive.serve() == sink.take())
        for offset in 1...Self.events {
            let event = world.next()
            try shard.take(event, offset: offset, to: &sink)
            let expected = naive.take(event, offset: offset)
            let published = sink.take()
            guard published == expected else {
                Issue.record(
                    """
                    seed \(seed), event \(offset) \(event):
                    published \(published)
                    expected \(expected)
                    """)
                return
            }
            try compareFigures(shard, naive, seed: seed, offset: offset)
        }
    }

    /// Every account's figures, to 1e-9 of the largest amount in them.
    private func compareFigures(
        _ shard: MarginShard, _ naive: NaiveMarginShard, seed: Int, offset: Int
    ) throws {
        for (account, expected) in naive.figures() {
            let figures = try #require(shard.figures(of: account))
            let size = max(
                1, expected.collateral.initial, expected.debts.initial, abs(expected.equity))
            let differences = [
                figures.equity - expected.equity,
                figures.excess.initial - expected.excess.initial,
                figures.excess.maintenance - expected.excess.maintenance,
                figures.requirement.maintenance - expected.requirement.maintenance,
            ]
            if differences.contains(where: { !(abs($0) <= 1e-9 * size) }) {
                Issue.record("seed \(seed), event \(offset), \(account): \(figures) \(expected)")
            }
        }
        #expect(shard.accountCount == naive.snapshots.count)
    }
}
