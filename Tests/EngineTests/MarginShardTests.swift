import Engine
import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

/// The rules of a margin shard, one by one.
struct MarginShardTests {
    @Test func aShardPublishesRequirementsAndAlertsOfARandomWorld() throws {
        var world = MarginWorld(seed: 1, accounts: 8, isSimple: false)
        var shard = MarginShard(
            MarginConfiguration(valuationCurrency: MarginWorld.valuation), shard: 0, shardCount: 1)
        var sink = MarginOutputs()
        for event in world.opening() { try shard.take(event, offset: 0, to: &sink) }
        shard.serve(to: &sink)
        for offset in 1...20_000 { try shard.take(world.next(), offset: offset, to: &sink) }
        let levels = Set(sink.alerts.map(\.level))
        #expect(levels == Set(MarginStatus.allCases))
        #expect(Set(sink.alerts.map(\.id)).count == sink.alerts.count)
        #expect(!sink.exposures.isEmpty)
    }
}
