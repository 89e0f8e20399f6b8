import Engine
import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

/// The exposure ladders of a shard against those of the model, and when they are published.
struct MarginExposureTests {
    @Test(arguments: 0..<24)
    func everyExposurePublishedIsThatOfTheModel(seed: Int) throws {
        var world = MarginWorld(
            seed: UInt64(2_000 + seed), accounts: 6, isSimple: seed % 3 != 0,
            sharing: [2, 3, 0][seed % 3])
        let configuration = MarginConfiguration(valuationCurrency: MarginWorld.valuation)
        var shard = MarginShard(configuration, shard: 2, shardCount: 4)
        var naive = NaiveMarginShard(configuration, shard: 2, of: 4)
        var sink = MarginOutputs()
        for event in world.opening() {
            try shard.take(event, offset: 0, to: &sink)
            _ = naive.take(event, offset: 0)
        }
        shard.serve(to: &sink)
        var (forced, lasts) = (0, [Identifier: Exposure]())
        for offset in 0..<300 {
            let event = world.next()
            try shard.take(event, offset: offset, to: &sink)
            _ = naive.take(event, offset: offset)
            for exposure in sink.exposures where !naive.snapshots.isEmpty || offset > 0 {
                if let last = lasts[exposure.asset], last.settlements == exposure.settlements {
                    #expect(exposure.time.seconds(since: last.time) >= 1)
                }
                lasts[exposure.asset] = exposure
                guard offset > 0 || exposure.time == naive.time else { continue }
                try expectEqual(exposure, naive, seed: seed, offset: offset)
                if exposure.byPrice.contains(where: { $0.value > .zero }) { forced += 1 }
            }
            sink.exposures = []
        }
        #expect(forced > 0, "seed \(seed) forces nothing")
    }

    private func expectEqual(
        _ exposure: Exposure, _ naive: NaiveMarginShard, seed: Int, offset: Int
    ) throws {
        let market = try #require(naive.tables[exposure.asset])
        let now = try #require(naive.time)
        let owners = Dictionary(grouping: naive.snapshots.values, by: \.owner).values.map {
            $0.sorted { $0.account < $1.account }
        }
        let expected = naive.model.exposure(
            to: exposure.asset, of: owners, in: naive.tables, at: now)
        func isNear(_ value: FixedDecimal, _ expected: Double) -> Bool {
            abs(value.double - expected) <= 0.011 + 1e-9 * abs(expected)
        }
        let comment = Comment(rawValue: "seed \(seed), event \(offset): \(exposure) \(expected)")
        #expect(exposure.shard == 2)
        #expect(exposure.haircutSequence == market.haircuts.sequence, comment)
        #expect(exposure.accounts == Int64(expected.accounts), comment)
        #expect(isNear(exposure.pledged, expected.pledged), comment)
        #expect(isNear(exposure.pledgedValue, expected.pledgedValue), comment)
        #expect(isNear(exposure.borrowed, expected.borrowed), comment)
        for (rung, value) in zip(exposure.byHaircut, expected.byHaircut) {
            #expect(isNear(rung.value, value), comment)
        }
        for (rung, value) in zip(exposure.byPrice, expected.byPrice) {
            #expect(isNear(rung.value, value), comment)
        }
        #expect(exposure.byHaircut.map(\.step) == Exposure.rises)
        #expect(exposure.byPrice.map(\.step) == Exposure.falls)
    }

    @Test func aShardWithoutAccountsPublishesEmptyLadders() throws {
        var world = MarginWorld(seed: 3, accounts: 1, isSimple: true, sharing: 0)
        var shard = MarginShard(
            MarginConfiguration(valuationCurrency: MarginWorld.valuation), shard: 0, shardCount: 1)
        var sink = MarginOutputs()
        for event in world.opening() { try shard.take(event, offset: 0, to: &sink) }
        shard.serve(to: &sink)
        #expect(Set(sink.exposures.map(\.asset)) == Set(MarginWorld.assets))
        for exposure in sink.exposures {
            #expect(exposure.sequence == 1)
            #expect(exposure.accounts == 0)
            #expect(exposure.byPrice.allSatisfy { $0.value == .zero })
        }
    }

    /// MODEL §8: what expired is settled at the first reference at or after expiry, and keeps it.
    @Test func whatSettledKeepsItsPriceThroughARestart() throws {
        let btc = MarginShardTests.asset
        let expiry = MarginShardTests.start.advanced(bySeconds: 10)
        var snapshot = MarginShardTests.account("A", holds: 0, owes: 0)
        snapshot.balances = [
            Balance(asset: MarginWorld.valuation, quantity: FixedDecimal(100_000))
        ]
        snapshot.positions = [
            Position(
                instrument: MarginWorld.name("BTC-FUT"),
                terms: .future(.linear, settlement: nil, expiry: expiry), underlying: btc,
                multiplier: .one, quantity: FixedDecimal(2), entryPrice: FixedDecimal(60_000))
        ]
        var sink = MarginOutputs()
        func table(_ sequence: Int64, _ price: Int, at seconds: Double) -> HaircutTable {
            MarginShardTests.table(sequence, price: price, seconds: seconds)
        }
        func equity(_ shard: MarginShard) throws -> Double {
            try #require(shard.figures(of: snapshot.account)).equity
        }
        var shard = MarginShardTests.shard()
        for table in [table(1, 60_000, at: 0), table(2, 60_100, at: 9)] {
            _ = shard.apply(table, cause: .timer(table.time), to: &sink)
        }
        _ = try shard.apply(snapshot, cause: .timer(snapshot.time), to: &sink)
        shard.serve(to: &sink)
        // A tenth of a second after the last exposure: what settled is said at once.
        sink.exposures = []
        let settling = table(3, 61_000, at: 10.1)
        _ = shard.apply(settling, cause: .timer(settling.time), to: &sink)
        #expect(
            sink.exposures.map(\.settlements) == [
                [Exposure.Settlement(expiry: expiry, price: FixedDecimal(61_000))]
            ])
        let later = table(4, 65_000, at: 20)
        _ = shard.apply(later, cause: .timer(later.time), to: &sink)
        #expect(try equity(shard) == 102_000)

        var restored = MarginShardTests.shard()
        for exposure in sink.exposures { restored.restore(exposure) }
        for output in sink.take() { restored.restore(output.requirement) }
        _ = try restored.apply(snapshot, cause: .timer(snapshot.time), to: &sink)
        let newest = table(5, 70_000, at: 30)
        _ = restored.apply(newest, cause: .timer(newest.time), to: &sink)
        restored.serve(to: &sink)
        #expect(try equity(restored) == 102_000)
        #expect(sink.exposures.last?.settlements.count == 1)

        // One that had expired when it came is settled at the reference of then.
        var late = snapshot
        late.account = MarginWorld.name("B")
        late.owner = late.account
        late.positions[0].terms = .future(
            .linear, settlement: nil, expiry: MarginShardTests.start.advanced(bySeconds: 5))
        sink.exposures = []
        _ = try restored.apply(late, cause: .timer(newest.time), to: &sink)
        #expect(sink.exposures.map(\.settlements.count) == [2])
        #expect(sink.exposures.first?.settlements.first?.price == FixedDecimal(70_000))
        // The next settlement waits until an exposure is due: ladders cost much.
        late.sequence += 1
        late.positions[0].terms = .future(
            .linear, settlement: nil, expiry: MarginShardTests.start.advanced(bySeconds: 6))
        _ = try restored.apply(late, cause: .timer(newest.time), to: &sink)
        #expect(sink.exposures.count == 1)
        let next = table(6, 71_000, at: 31)
        _ = restored.apply(next, cause: .timer(next.time), to: &sink)
        #expect(sink.exposures.map(\.settlements.count) == [2, 3])
    }

    @Test func theSequenceGoesOnFromTheExposureRestored() throws {
        var world = MarginWorld(seed: 4, accounts: 1, isSimple: true, sharing: 0)
        var shard = MarginShard(
            MarginConfiguration(valuationCurrency: MarginWorld.valuation), shard: 0, shardCount: 1)
        var sink = MarginOutputs()
        for event in world.opening() { try shard.take(event, offset: 0, to: &sink) }
        var exposure = Exposure.blank
        exposure.asset = MarginWorld.assets[0]
        exposure.sequence = 41
        shard.restore(exposure)
        shard.serve(to: &sink)
        #expect(sink.exposures.first { $0.asset == exposure.asset }?.sequence == 42)
    }
}
