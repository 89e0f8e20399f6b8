import Engine
import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

/// A shard is level-triggered: it can stop anywhere, the market may move while nobody runs, and
/// what it publishes on coming back is exactly the difference.
struct MarginRestoreTests {
    /// The newest of everything, as compacted topics hold it.
    struct Log {
        var snapshots: [Identifier: AccountSnapshot] = [:]
        var tables: [Identifier: HaircutTable] = [:]
        var surfaces: [Identifier: Surface] = [:]
        var outputs: [Identifier: MarginRequirement] = [:]

        mutating func append(_ event: MarginEvent) {
            switch event {
            case .positions(let snapshot):
                let last = snapshots[snapshot.account]
                if snapshot.sequence > last?.sequence ?? -1
                    || snapshot.time > last?.time.advanced(bySeconds: 60) ?? snapshot.time
                {
                    snapshots[snapshot.account] = snapshot
                }
            case .close(let account): snapshots[account] = nil
            case .haircuts(let table): tables[table.asset] = table
            case .surface(let surface): surfaces[surface.asset] = surface
            case .timer, .refresh: break
            }
        }

        mutating func append(_ outputs: [MarginOutputs.Output]) {
            for output in outputs { self.outputs[output.requirement.account] = output.requirement }
        }
    }

    static var configuration: MarginConfiguration { MarginDifferentialTests.configuration }

    /// A fresh shard that was given the log, in an order that the seed chooses.
    private func restored(
        _ log: Log, random: inout SplitMix64, to sink: inout MarginOutputs
    ) throws -> MarginShard {
        var shard = MarginShard(Self.configuration, shard: 0, shardCount: 1)
        var steps: [(inout MarginShard, inout MarginOutputs) throws -> Void] = []
        for account in log.outputs.keys.sorted() {
            guard let output = log.outputs[account] else { continue }
            steps.append { shard, _ in shard.restore(output) }
        }
        let events =
            log.snapshots.keys.sorted().compactMap { log.snapshots[$0].map(MarginEvent.positions) }
            + log.tables.keys.sorted().compactMap { log.tables[$0].map(MarginEvent.haircuts) }
            + log.surfaces.keys.sorted().compactMap { log.surfaces[$0].map(MarginEvent.surface) }
        for event in events {
            steps.append { shard, sink in try shard.take(event, offset: 0, to: &sink) }
        }
        steps.shuffle(using: &random)
        for step in steps { try step(&shard, &sink) }
        return shard
    }

    @Test(arguments: 0..<60)
    func theAlertsAfterAStopAreExactlyThoseOfTheDifferenceOnce(seed: Int) throws {
        var world = MarginWorld(
            seed: UInt64(1_000 + seed), accounts: 5, isSimple: seed % 2 == 0,
            sharing: [0, 2, 3][seed % 3])
        var random = SplitMix64(seed: UInt64(seed))
        var log = Log()
        var sink = MarginOutputs()
        for event in world.opening() { log.append(event) }
        for round in 0..<12 {
            var shard = try restored(log, random: &random, to: &sink)
            #expect(sink.outputs.isEmpty, "nothing is published before serving")
            let before = log.outputs
            shard.serve(to: &sink)
            let published = sink.take()
            try expectDifference(published, from: before, in: log, seed: seed, round: round)
            log.append(published)
            // Serving again, at once: there is no difference left.
            var again = try restored(log, random: &random, to: &sink)
            again.serve(to: &sink)
            #expect(sink.take() == [], "seed \(seed), round \(round)")
            // It runs, stops anywhere, and the market moves while it is away.
            for offset in 0..<40 {
                let event = world.next()
                log.append(event)
                try shard.take(event, offset: offset, to: &sink)
                log.append(sink.take())
            }
            for _ in 0..<40 { log.append(world.next()) }
        }
    }

    /// Every account's status and positions against its last output, by the model alone.
    private func expectDifference(
        _ published: [MarginOutputs.Output], from before: [Identifier: MarginRequirement],
        in log: Log, seed: Int, round: Int
    ) throws {
        let model = MarginModel(valuationCurrency: MarginWorld.valuation)
        var tables = MarketTables(valuationCurrency: MarginWorld.valuation)
        for table in log.tables.values { tables.apply(table) }
        for surface in log.surfaces.values {
            tables.apply(PreparedSurface(surface), of: surface.asset)
        }
        let times =
            log.tables.values.map(\.time) + log.snapshots.values.map(\.time)
            + log.surfaces.values.map(\.time) + before.values.map(\.time)
        let now = try #require(times.max())
        var expected: [Identifier: MarginStatus] = [:]
        for owner in Dictionary(grouping: log.snapshots.values, by: \.owner).values {
            let accounts = owner.sorted { $0.account < $1.account }
            for account in accounts { tables.watch(account.positions) }
            for assessment in model.assess(accounts, in: tables, at: now) {
                let previous = before[assessment.account]?.status ?? .healthy
                let status = assessment.figures.status(after: previous, model.parameters)
                if status != previous { expected[assessment.account] = status }
            }
        }
        for (account, output) in before where log.snapshots[account] == nil {
            if output.status != .healthy { expected[account] = .healthy }
        }
        let alerts = published.compactMap(\.alert)
        #expect(
            Dictionary(uniqueKeysWithValues: alerts.map { ($0.account, $0.level) }) == expected,
            "seed \(seed), round \(round)")
        for alert in alerts {
            let sequence = (before[alert.account]?.sequence ?? 0) + 1
            #expect(alert.previous == before[alert.account]?.status ?? .healthy)
            #expect(
                alert.id
                    == LiquidationAlert.identity(
                        of: alert.account, sequence: sequence, level: alert.level))
        }
    }
}
