import Engine
import Haircuts
import Market
import Messages
import Quantities
import TestSupport
import Testing

/// State that was written down and taken back is the state, and goes on as it would have.
struct HaircutCheckpointTests {
    struct Collector: HaircutSink {
        var tables: [HaircutTable] = []
        var changes: [BreakerChange] = []
        mutating func publish(_ table: borrowing HaircutTable) { tables.append(copy table) }
        mutating func publish(_ change: BreakerChange) { changes.append(change) }
    }

    /// Encodes and decodes a checkpoint; the length of its text comes back as well.
    static func through(
        _ write: (inout OutputBuffer) -> Void, key: String
    ) throws -> (Checkpoint, bytes: Int) {
        var buffer = OutputBuffer()
        write(&buffer)
        let body = buffer.withBytes { Array($0) }
        let key = Array(key.utf8)
        let decoder = CheckpointDecoder()
        let checkpoint = try body.withUnsafeBytes { body in
            try key.withUnsafeBytes { key in try decoder.decode(body, key: key) }
        }
        return (checkpoint, body.count)
    }

    /// A new shard with the state of another, by way of the bytes a worker stores.
    static func restored(
        _ shard: HaircutShard, market: RandomMarket, longest: inout Int
    ) throws -> HaircutShard {
        var copy = try market.makeShard()
        let position = PartitionCheckpoint(
            partition: 3, nextOffset: 17, time: shard.time, quotesPartitions: 8,
            positionsPartitions: 4)
        let (partition, _) = try through({ $0.write(position) }, key: "partition|3")
        #expect(partition == .partition(position))
        copy.restore(position)
        for asset in shard.listed {
            let baselines = try #require(shard.baselines(of: asset))
            let checkpoint = try #require(shard.checkpoint(of: asset))
            let (first, _) = try through({ $0.write(baselines) }, key: "\(asset)|baselines")
            guard case .baselines(let readBaselines) = first else {
                Issue.record("not baselines: \(first)")
                continue
            }
            let (second, bytes) = try through({ $0.write(checkpoint) }, key: "\(asset)")
            guard case .asset(let readCheckpoint) = second else {
                Issue.record("not an asset: \(second)")
                continue
            }
            longest = max(longest, bytes)
            #expect(readBaselines == baselines)
            #expect(readCheckpoint == checkpoint)
            copy.restore(readBaselines)
            copy.restore(readCheckpoint)
        }
        market.readTablesAgain(into: &copy)
        return copy
    }

    /// At every step of a random history: take the state through its bytes into a new shard and
    /// go on with that one. What it publishes is what the uninterrupted shard publishes.
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func aShardRestoredAtEveryStepPublishesTheSameBytes(_ seed: UInt64) throws {
        var market = try RandomMarket(seed: seed)
        var whole = try market.makeShard()
        var broken = try market.makeShard()
        var longest = 0
        for step in 0..<1_500 {
            let event = try market.next()
            var expected = Collector()
            var actual = Collector()
            let first = market.apply(event, to: &whole, &expected)
            let second = market.apply(event, to: &broken, &actual)
            #expect(first == second, "seed \(seed), step \(step)")
            #expect(bytes(expected.tables) == bytes(actual.tables), "seed \(seed), step \(step)")
            #expect(expected.changes == actual.changes, "seed \(seed), step \(step)")
            #expect(whole.takeTouched() == broken.takeTouched())
            market.note(event)
            broken = try Self.restored(broken, market: market, longest: &longest)
            for asset in whole.listed {
                #expect(
                    whole.checkpoint(of: asset) == broken.checkpoint(of: asset),
                    "seed \(seed), step \(step)")
                #expect(whole.baselines(of: asset) == broken.baselines(of: asset))
            }
            #expect(whole.time == broken.time)
        }
        // Far more moves here than in a market; see `aDayOfRecordedMarketFitsItsCheckpoints`.
        #expect(longest < 3_072, "\(longest) bytes")
    }

    private func bytes(_ tables: [HaircutTable]) -> [UInt8] {
        var buffer = OutputBuffer()
        for table in tables { buffer.write(table) }
        return buffer.withBytes { Array($0) }
    }

    @Test func aMessageTouchesItsAssetOnceUntilAsked() throws {
        var market = try RandomMarket(seed: 5)
        var shard = try market.makeShard()
        var out = Collector()
        #expect(shard.takeTouched().isEmpty)
        let names = shard.listed
        let quote = try market.book(of: 1)
        _ = shard.apply(quote, cause: .timer(quote.time), to: &out)
        #expect(shard.takeTouched() == [TouchedAsset(asset: names[1], hasClosedSample: false)])
        #expect(shard.takeTouched().isEmpty)
        _ = shard.apply(quote, cause: .timer(quote.time), to: &out)
        #expect(shard.takeTouched().isEmpty, "a duplicate changes nothing")
    }

    @Test func aTimerTouchesOnlyWhatItPublishes() throws {
        var market = try RandomMarket(seed: 6)
        var shard = try market.makeShard()
        var out = Collector()
        let quote = try market.book(of: 0)
        _ = shard.apply(quote, cause: .timer(quote.time), to: &out)
        _ = shard.takeTouched()
        shard.apply(timer: quote.time.advanced(byNanoseconds: 200_000_000), to: &out)
        #expect(out.tables.count == 1 && shard.takeTouched().isEmpty)
        shard.apply(timer: quote.time.advanced(bySeconds: 1), to: &out)
        #expect(out.tables.count == 2 && shard.takeTouched().map(\.asset) == [quote.asset])
    }

    @Test func anUnlistedAssetIsNotRestored() throws {
        let market = try RandomMarket(seed: 7)
        let shard = try market.makeShard()
        let name = try #require(Identifier("DOGE"))
        #expect(shard.checkpoint(of: name) == nil && shard.baselines(of: name) == nil)
    }

    @Test func aKeyThatIsNotTheBodysIsRefused() throws {
        let market = try RandomMarket(seed: 8)
        let shard = try market.makeShard()
        let name = try #require(shard.listed.first)
        let checkpoint = try #require(shard.checkpoint(of: name))
        #expect(throws: Refusal.self) {
            _ = try Self.through({ $0.write(checkpoint) }, key: "other")
        }
        #expect(throws: Refusal.self) {
            _ = try Self.through({ $0.write(checkpoint) }, key: "\(name)|baselines")
        }
    }
}
