import Engine
import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// The shard's rules, told as events in and tables out.
struct HaircutShardTests {
    struct Collector: HaircutSink {
        var tables: [HaircutTable] = []
        var changes: [BreakerChange] = []
        mutating func publish(_ table: borrowing HaircutTable) { tables.append(copy table) }
        mutating func publish(_ change: BreakerChange) { changes.append(change) }
    }

    /// A shard with one major asset, and a market that talks to it.
    struct World {
        var shard: HaircutShard
        var out = Collector()
        var offset: Int64 = 0
        var sequence: Int64 = 0

        init(
            sources: Int? = nil, exposureShards: Int = 0,
            parameters: HaircutParameters = HaircutParameters(.major)
        ) throws {
            let bitcoin = AssetConfiguration(
                asset: try #require(Identifier("BTC")), assetClass: .major,
                primaryVenue: try #require(Identifier("house")),
                dailyVolume: FixedDecimal(100_000), depthReference: FixedDecimal(40_000_000),
                systemCollateral: FixedDecimal(500_000_000), sources: sources,
                parameters: parameters, parametersHash: "sha256:test")
            shard = HaircutShard(assets: [bitcoin], exposureShards: exposureShards) {
                "sha256:floor-\($0.parameters.floor)"
            }
        }

        /// A book with a tick of spread around `mid` and about `depth` within 2 %.
        mutating func book(
            _ mid: Double, at milliseconds: Int64, depth: Double = 40e6, asset: String = "BTC",
            sequence given: Int64? = nil, sides: (bids: Bool, asks: Bool) = (true, true)
        ) throws -> Disposition {
            sequence += 1
            func level(_ price: Double, _ size: Double) throws -> BookLevel {
                BookLevel(
                    price: try #require(
                        FixedDecimal(price, fractionDigits: 2, rounding: .toNearestOrEven)),
                    size: try #require(FixedDecimal(size, fractionDigits: 8, rounding: .down)))
            }
            let size = depth / mid / 4
            let bids = try (0..<4).map { try level(mid - 0.5 - Double($0), size) }
            let asks = try (0..<4).map { try level(mid + 0.5 + Double($0), size) }
            let quote = Quote(
                asset: try #require(Identifier(asset)), venue: try #require(Identifier("house")),
                kind: .book, time: try #require(Instant(milliseconds: milliseconds)),
                sequence: given ?? sequence, bids: sides.bids ? bids : [],
                asks: sides.asks ? asks : [])
            return apply(quote)
        }

        mutating func apply(_ quote: Quote) -> Disposition {
            offset += 1
            return shard.apply(
                quote,
                cause: .record(topic: "market.quotes.v1", partition: 0, offset: offset),
                to: &out)
        }

        mutating func timer(at milliseconds: Int64) throws {
            shard.apply(timer: try #require(Instant(milliseconds: milliseconds)), to: &out)
        }

        mutating func surface(
            _ volatility: Double, at milliseconds: Int64, sequence: Int64
        ) throws -> Disposition {
            let time = try #require(Instant(milliseconds: milliseconds))
            let surface = Surface(
                asset: try #require(Identifier("BTC")), time: time, sequence: sequence,
                expiries: [7, 30].map { days in
                    .init(
                        expiry: time.advanced(bySeconds: days * 86_400),
                        forward: FixedDecimal(100),
                        smile: .grid(
                            strikes: [FixedDecimal(100)], volatilities: [volatility]))
                })
            return try shard.apply(
                surface,
                cause: .record(topic: "market.iv-surfaces.v1", partition: 0, offset: sequence),
                to: &out)
        }
    }

    @Test func theFirstBookPublishesTheTargetItself() throws {
        var world = try World()
        #expect(try world.book(100_000, at: 0) == .applied)
        let table = try #require(world.out.tables.first)
        #expect(table.sequence == 1 && table.state == .normal)
        #expect(table.gap == .zero && table.next == nil && table.boundBy.isEmpty)
        #expect(table.validUntil.milliseconds == 30_000)
        #expect(table.tiers.count == 8)
        #expect(table.scan.map(\.notional) == HaircutParameters(.major).notionals)
        #expect(table.cause == .record(topic: "market.quotes.v1", partition: 0, offset: 1))
        #expect(table.components.surfaceAge == nil)
        #expect(table.modelVersion == "1" && table.parametersHash == "sha256:test")
    }

    @Test func nothingIsPublishedBeforeTheFirstTwoSidedBook() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0, sides: (true, false))
        try world.timer(at: 1_000)
        #expect(world.out.tables.isEmpty)
        _ = try world.book(100_000, at: 2_000)
        #expect(world.out.tables.count == 1)
    }

    @Test func aQuietMarketPublishesOnceASecond() throws {
        var world = try World()
        for tenth in 0..<100 { _ = try world.book(100_000, at: Int64(tenth) * 100) }
        #expect(world.out.tables.map(\.time.milliseconds) == (0..<10).map { $0 * 1_000 })
        #expect(world.out.tables.map(\.sequence) == Array(1...10))
    }

    @Test func aPriceMoveOfFiveBasisPointsPublishesAndASmallerOneWaits() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        _ = try world.book(100_049.9, at: 200)
        #expect(world.out.tables.count == 1)
        _ = try world.book(100_050, at: 250)
        #expect(world.out.tables.count == 2)
    }

    @Test func neverTwiceWithinAHundredMilliseconds() throws {
        var world = try World()
        for millisecond in 0..<500 {
            _ = try world.book(
                100_000 + Double(millisecond % 2) * 1_000, at: Int64(millisecond))
        }
        let times = world.out.tables.map(\.time.milliseconds)
        #expect(times.count >= 4)
        for (earlier, later) in zip(times, times.dropFirst()) { #expect(later - earlier >= 100) }
    }

    @Test func whatTheIntervalHeldBackATimerPublishes() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        _ = try world.book(101_000, at: 50)
        #expect(world.out.tables.count == 1)
        try world.timer(at: 100)
        #expect(world.out.tables.count == 2)
        #expect(world.out.tables.last?.mid == FixedDecimal(101_000))
        #expect(world.out.tables.last?.cause == .timer(Instant(nanoseconds: 100_000_000)))
    }

    @Test func aDryBookIsStressAndRaisesHaircutsNoFasterThanTwoPointsAMinute() throws {
        var world = try World()
        for second in 0..<60 { _ = try world.book(100_000, at: Int64(second) * 1_000) }
        let calm = try #require(world.out.tables.last)
        for second in 60...120 {
            _ = try world.book(100_000, at: Int64(second) * 1_000, depth: 1e5)
        }
        let dry = try #require(world.out.tables.last)
        #expect(dry.maintenance > calm.maintenance)
        #expect(dry.state == .stressed)
        #expect(dry.maintenance.double - calm.maintenance.double <= 0.02 + 0.0005 + 1e-12)
        #expect(dry.boundBy == [.limiter])
        #expect(dry.gap.maintenance > 0.01)
        let next = try #require(dry.next)
        #expect(next.maintenance > dry.maintenance)
        #expect(next.at == dry.time.advanced(bySeconds: 60))
    }

    /// The range of the largest notional before a book dries up, and after a minute of that.
    private func scanOfADryBook(share: Double) throws -> (calm: Double, dry: Double) {
        var parameters = HaircutParameters(.major)
        parameters.scanLimiterShare = share
        var world = try World(parameters: parameters)
        for second in 0..<60 { _ = try world.book(100_000, at: Int64(second) * 1_000) }
        let calm = try #require(world.out.tables.last?.scan.last)
        for second in 60...120 {
            _ = try world.book(100_000, at: Int64(second) * 1_000, depth: 1e5)
            let scan = try #require(world.out.tables.last?.scan)
            for (smaller, larger) in zip(scan, scan.dropFirst()) {
                #expect(smaller.down <= larger.down)
            }
            for range in scan { #expect(abs(range.up - range.down / (1 - range.down)) < 1e-12) }
        }
        return (calm.down, try #require(world.out.tables.last?.scan.last).down)
    }

    @Test func scanRangesRiseInBoundedStepsToo() throws {
        let bounded = try scanOfADryBook(share: 0.15)
        #expect(bounded.dry > bounded.calm)
        // 61 seconds of two points a minute.
        #expect(bounded.dry - bounded.calm <= 0.15 * 0.02 * 61 / 60 + 1e-12)
        let free = try scanOfADryBook(share: 1_000)
        #expect(free.calm == bounded.calm)
        #expect(free.dry - free.calm > 0.1)
    }

    @Test func anOutageEarnsTheLimiterNoLeap() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let calm = try #require(world.out.tables.last)
        _ = try world.book(100_000, at: 3_600_000, depth: 1e5)
        let after = try #require(world.out.tables.last)
        // Five seconds of two points a minute, and the tick it is rounded up to.
        #expect(after.state == .stressed)
        #expect(after.maintenance.double - calm.maintenance.double <= 0.02 / 12 + 0.0005 + 1e-12)
    }

    @Test func anEmptySideHoldsThePriceAndLeavesNoDepth() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        _ = try world.book(90_000, at: 1_000, sides: (false, true))
        let table = try #require(world.out.tables.last)
        #expect(table.mid == FixedDecimal(100_000))
        #expect(table.components.depth == .zero)
    }

    @Test func aDuplicateChangesNothingNotEvenTime() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0, sequence: 7)
        let before = world.shard.time
        #expect(try world.book(50_000, at: 5_000, sequence: 7) == .duplicate)
        #expect(try world.book(50_000, at: 60_000, sequence: 6) == .duplicate)
        #expect(world.shard.time == before)
        #expect(world.out.tables.count == 1)
    }

    @Test func aSenderThatRestartedIsHeardAfterAMinute() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0, sequence: 1_000)
        #expect(try world.book(100_000, at: 60_001, sequence: 1) == .sequenceReset)
        #expect(try world.book(100_000, at: 60_002, sequence: 2) == .applied)
    }

    @Test func anUnlistedAssetChangesNothing() throws {
        var world = try World()
        #expect(try world.book(1, at: 0, asset: "DOGE") == .unlisted)
        #expect(world.shard.time == nil)
    }

    @Test func aSurfaceRaisesWhatTheGateLetsPassAndAgesOtherwise() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        #expect(try world.surface(0.5, at: 1_000, sequence: 1) == .applied)
        let calm = try #require(world.out.tables.last)
        #expect(calm.components.surfaceAge == 0)
        #expect(throws: SurfaceRefusal.self) {
            _ = try world.surface(11, at: 2_000, sequence: 2)
        }
        _ = try world.book(100_000, at: 4_000)
        let aged = try #require(world.out.tables.last)
        #expect(aged.components.surfaceAge == 3)
        #expect(aged.components.volatility == calm.components.volatility)
        #expect(try world.surface(2, at: 5_000, sequence: 3) == .applied)
        #expect(try #require(world.out.tables.last).target.initial > aged.target.initial)
        #expect(try world.surface(3, at: 5_000, sequence: 3) == .duplicate)
    }

    @Test func oldQuotesLengthenTheHorizon() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        try world.timer(at: 45_000)
        let aged = try #require(world.out.tables.last)
        let fresh = try #require(world.out.tables.first)
        #expect(aged.components.quoteAge == 45)
        #expect(
            abs(aged.components.horizonSeconds - fresh.components.horizonSeconds - 45) < 1e-6)
    }

    @Test func theSameEventsGiveTheSameTables() throws {
        func run(seed: UInt64) throws -> [HaircutTable] {
            var world = try World()
            var random = SplitMix64(seed: seed)
            var mid = 100_000.0
            for step in 0..<2_000 {
                mid *= 1 + random.double(in: -0.002...0.002)
                let milliseconds = Int64(step) * 70
                switch random.next() % 20 {
                case 0: _ = try world.surface(0.5, at: milliseconds, sequence: Int64(step))
                case 1: try world.timer(at: milliseconds)
                default:
                    _ = try world.book(
                        mid, at: milliseconds, depth: random.logarithmic(in: 1e5...1e8))
                }
            }
            return world.out.tables
        }
        let first = try run(seed: 3)
        #expect(first.count > 100)
        #expect(try run(seed: 3) == first)
    }
}
