import Engine
import Haircuts
import Quantities
import TestSupport
import Testing

/// What the margin stage says it would have to sell, and what tables make of it.
struct HaircutExposureTests {
    typealias World = HaircutShardTests.World

    static let cause = Cause.record(topic: "risk.exposures.v1", partition: 0, offset: 5)

    /// A ladder that forces a value from a step on.
    static func exposure(
        shard: Int32, at milliseconds: Int64, sequence: Int64 = 1, resting table: Int64 = 1,
        pledged: Int = 100_000_000, rises: [(Double, Int)] = [], falls: [(Double, Int)] = []
    ) throws -> Exposure {
        func ladder(_ steps: [Double], _ forced: [(Double, Int)]) -> [Exposure.Rung] {
            steps.map { step in
                let value = forced.filter { $0.0 <= step + 1e-12 }.map(\.1).reduce(0, +)
                return Exposure.Rung(step: step, value: FixedDecimal(value))
            }
        }
        return Exposure(
            asset: try #require(Identifier("BTC")), shard: shard,
            time: try #require(Instant(milliseconds: milliseconds)), sequence: sequence,
            haircutSequence: table, price: FixedDecimal(100_000), pledged: FixedDecimal(1_000),
            pledgedValue: FixedDecimal(pledged), borrowed: .zero,
            byHaircut: ladder(Exposure.rises, rises), byPrice: ladder(Exposure.falls, falls),
            accounts: 10)
    }

    @Test func withoutAMarginStageTheConfiguredCollateralCounts() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let table = try #require(world.out.tables.last)
        #expect(table.systemCollateral == FixedDecimal(500_000_000))
        #expect(table.branchingRatio == 0 && table.shares.isEmpty)
    }

    @Test func aShardThatIsSilentCountsWithItsPartNeverAsZero() throws {
        var world = try World(exposureShards: 4)
        _ = try world.book(100_000, at: 0)
        let silent = try #require(world.out.tables.last)
        #expect(silent.systemCollateral == FixedDecimal(500_000_000))
        #expect(silent.branchingRatio > 0 && silent.shares.isEmpty)
        let first = try Self.exposure(shard: 2, at: 500, falls: [(0.01, 3_000_000)])
        #expect(world.shard.apply(first, cause: Self.cause, to: &world.out) == .applied)
        _ = try world.book(100_000, at: 1_000)
        let heard = try #require(world.out.tables.last)
        // Three silent shards with 125 million each, and what the fourth said.
        #expect(heard.systemCollateral == FixedDecimal(475_000_000))
        // 1 % of each silent part, and three million.
        let ratio = (6_750_000 / 5_000_000.0).squareRoot()
        #expect(abs(heard.branchingRatio / silent.branchingRatio / ratio - 1) < 1e-6)
    }

    @Test func aLadderCountsForAMinute() throws {
        var world = try World(exposureShards: 1)
        _ = try world.book(100_000, at: 0)
        _ = world.shard.apply(
            try Self.exposure(shard: 0, at: 0), cause: Self.cause, to: &world.out)
        _ = try world.book(100_000, at: 60_000)
        #expect(world.out.tables.last?.systemCollateral == FixedDecimal(100_000_000))
        _ = try world.book(100_000, at: 60_100)
        #expect(world.out.tables.last?.systemCollateral == FixedDecimal(500_000_000))
    }

    @Test func theBranchingRatioIsThatOfTheFallByOnePercent() throws {
        var world = try World(exposureShards: 2)
        _ = try world.book(100_000, at: 0)
        for shard in [0, 1] as [Int32] {
            let exposure = try Self.exposure(
                shard: shard, at: 1_000,
                falls: [(0.01, 20_000_000), (0.02, 900_000_000)])
            _ = world.shard.apply(exposure, cause: Self.cause, to: &world.out)
        }
        _ = try world.book(100_000, at: 2_000)
        let table = try #require(world.out.tables.last)
        let impact = try #require(table.impact)
        let expected = impact.dailyDeviation * (40e6 / impact.volume.double).squareRoot() / 0.01
        #expect(abs(table.branchingRatio / expected - 1) < 1e-9)
        #expect(table.branchingRatio >= 0.5 && table.state == .stressed)
        #expect(world.out.changes.last?.reasons == .branchingHalf)
    }

    @Test func sharesAddUpToOneAndLeaveNobodyOut() throws {
        var world = try World(exposureShards: 3)
        _ = try world.book(100_000, at: 0)
        for (shard, forced) in [(0, 9_000_000), (1, 1_000_000), (2, 0)] as [(Int32, Int)] {
            let exposure = try Self.exposure(shard: shard, at: 1_000, falls: [(0.05, forced)])
            _ = world.shard.apply(exposure, cause: Self.cause, to: &world.out)
        }
        _ = try world.book(100_000, at: 2_000)
        let shares = try #require(world.out.tables.last?.shares)
        #expect(shares.count == 3)
        #expect(shares.reduce(0, +) <= 1 && shares.reduce(0, +) > 0.999_999)
        for (share, expected) in zip(shares, [0.25 / 3 + 0.675, 0.25 / 3 + 0.075, 0.25 / 3]) {
            #expect(abs(share - expected) < 1e-6)
        }
    }

    @Test func aShardThatIsNotExpectedIsNotCounted() throws {
        var world = try World(exposureShards: 2)
        _ = try world.book(100_000, at: 0)
        let exposure = try Self.exposure(shard: 2, at: 1_000)
        #expect(world.shard.apply(exposure, cause: Self.cause, to: &world.out) == .unlisted)
        let negative = try Self.exposure(shard: -1, at: 1_000)
        #expect(world.shard.apply(negative, cause: Self.cause, to: &world.out) == .unlisted)
    }

    @Test func aRepeatedExposureChangesNothing() throws {
        var world = try World(exposureShards: 1)
        _ = try world.book(100_000, at: 0)
        let first = try Self.exposure(shard: 0, at: 1_000, sequence: 4)
        #expect(world.shard.apply(first, cause: Self.cause, to: &world.out) == .applied)
        let second = try Self.exposure(shard: 0, at: 1_100, sequence: 4, pledged: 7)
        #expect(world.shard.apply(second, cause: Self.cause, to: &world.out) == .duplicate)
        _ = try world.book(100_000, at: 2_000)
        #expect(world.out.tables.last?.systemCollateral == FixedDecimal(100_000_000))
    }

    /// A ladder that rests on an older table than the published one tells what the steps since
    /// force; what they were charged by the ladder before is taken off.
    @Test func whatLaggingLaddersMissedIsCounted() throws {
        var world = try World(exposureShards: 1)
        let name = try #require(Identifier("BTC"))
        _ = try world.book(100_000, at: 0)
        let first = try Self.exposure(shard: 0, at: 0, sequence: 1, resting: 1)
        _ = world.shard.apply(first, cause: Self.cause, to: &world.out)
        // A surface lifts the target: steps that this ladder says force nothing.
        for second in 1...30 as ClosedRange<Int64> {
            _ = try world.surface(4, at: second * 1_000, sequence: second)
            _ = try world.book(100_000, at: second * 1_000 + 500)
        }
        let start = try #require(world.out.tables.first)
        let now = try #require(world.out.tables.last)
        #expect(now.maintenance > start.maintenance)
        #expect(world.shard.governorOvershoot(of: name) == 0)
        let late = try Self.exposure(
            shard: 0, at: 31_000, sequence: 2, resting: 1, rises: [(0.0002, 750_000)])
        _ = world.shard.apply(late, cause: Self.cause, to: &world.out)
        #expect(world.shard.governorOvershoot(of: name) == 750_000)
        let current = try Self.exposure(
            shard: 0, at: 31_500, sequence: 3, resting: now.sequence, rises: [(0.0002, 750_000)])
        _ = world.shard.apply(current, cause: Self.cause, to: &world.out)
        #expect(world.shard.governorOvershoot(of: name) == 750_000, "nothing was published since")
    }
}
