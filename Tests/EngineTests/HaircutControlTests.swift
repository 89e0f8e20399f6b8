import Engine
import Haircuts
import Quantities
import Testing

/// What two people order, and what tables show of it.
struct HaircutControlTests {
    typealias World = HaircutShardTests.World

    static let cause = Cause.record(topic: "risk.controls.v1", partition: 0, offset: 5)

    func control(
        _ order: Control.Order, at seconds: Int64, asset: String? = "BTC", lasting: Int64? = 3_600,
        sequence: Int64 = 1
    ) throws -> Control {
        let time = try #require(Instant(milliseconds: seconds * 1_000))
        return Control(
            asset: try asset.map { try #require(Identifier($0)) }, time: time, sequence: sequence,
            order: order, expires: lasting.map { time.advanced(bySeconds: $0) },
            reason: "a test", by: "alice", approvedBy: "bob")
    }

    func key(_ action: Control.Action, asset: String? = "BTC") throws -> Control.Key {
        Control.Key(asset: try asset.map { try #require(Identifier($0)) }, action: action)
    }

    func override(_ initial: Double, _ maintenance: Double) -> Control.Order {
        .override(Haircut(initial: initial, maintenance: maintenance))
    }

    @Test func anOverrideIsAFloorUnderEveryTier() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let before = try #require(world.out.tables.last)
        let control = try control(override(0.5, 0.4), at: 1)
        #expect(try world.shard.apply(control, cause: Self.cause, to: &world.out) == .applied)
        let table = try #require(world.out.tables.last)
        #expect(table.cause == Self.cause && table.boundBy.contains(.override))
        for (tier, old) in zip(table.tiers, before.tiers) {
            #expect(tier.initial.double == max(0.5, old.initial.double))
            #expect(tier.maintenance.double == max(0.4, old.maintenance.double))
        }
        #expect(table.gap == .zero, "an override funds the gap")
        let again = try world.shard.apply(control, cause: Self.cause, to: &world.out)
        #expect(again == .duplicate)
    }

    @Test func anOverrideEndsWithItsTimeAndLeavesNoTrace() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let control = try control(override(0.5, 0.4), at: 1, lasting: 60)
        _ = try world.shard.apply(control, cause: Self.cause, to: &world.out)
        _ = try world.book(100_000, at: 60_800)
        #expect(world.out.tables.last?.boundBy.contains(.override) == true)
        _ = try world.book(100_000, at: 61_000)
        let table = try #require(world.out.tables.last)
        #expect(!table.boundBy.contains(.override))
        #expect(table.tiers == world.out.tables.first?.tiers, "it is an overlay, not a path")
    }

    @Test func aTombstoneWithdrawsAControl() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let control = try control(override(0.5, 0.4), at: 1)
        _ = try world.shard.apply(control, cause: Self.cause, to: &world.out)
        _ = try world.book(100_000, at: 2_000)
        let end = Cause.record(topic: "risk.controls.v1", partition: 0, offset: 6)
        #expect(world.shard.withdraw(try key(.override), cause: end, to: &world.out) == .applied)
        try world.timer(at: 2_100)
        let table = try #require(world.out.tables.last)
        #expect(!table.boundBy.contains(.override) && table.cause == end)
        #expect(world.shard.withdraw(try key(.override), cause: end, to: &world.out) == .duplicate)
    }

    @Test func whatTheIntervalHoldsBackStillNamesTheControl() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let count = world.out.tables.count
        // Both at time 0: a second table within 100 ms may not be.
        let control = try control(override(0.5, 0.4), at: 0)
        _ = try world.shard.apply(control, cause: Self.cause, to: &world.out)
        #expect(world.out.tables.count == count)
        _ = try world.book(100_000, at: 100)
        #expect(world.out.tables.last?.cause == Self.cause)
        _ = try world.book(100_000, at: 1_200)
        #expect(world.out.tables.last?.cause != Self.cause)
    }

    @Test func anAssetsOwnOverrideStandsBeforeTheGeneralOne() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        for (order, asset) in [(override(0.7, 0.6), nil), (override(0.5, 0.4), "BTC")] {
            let control = try control(order, at: 1, asset: asset)
            _ = try world.shard.apply(control, cause: Self.cause, to: &world.out)
        }
        _ = try world.book(100_000, at: 3_000)
        #expect(world.out.tables.last?.initial.double == 0.5)
        _ = world.shard.withdraw(try key(.override), cause: Self.cause, to: &world.out)
        _ = try world.book(100_000, at: 5_000)
        #expect(world.out.tables.last?.initial.double == 0.7)
    }

    @Test func aFreezeFreezesAtOnceAndAFallbackLiesOverInitial() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let calm = try #require(world.out.tables.last)
        let control = try control(.freeze, at: 0)
        _ = try world.shard.apply(control, cause: Self.cause, to: &world.out)
        let table = try #require(world.out.tables.last)
        #expect(table.state == .frozen && table.cause == Self.cause)
        #expect(table.boundBy.isSuperset(of: [.freeze, .fallback]))
        #expect(table.initial.double == 0.3 && table.maintenance == calm.maintenance)
        let change = try #require(world.out.changes.last)
        #expect(change.from == .normal && change.to == .frozen)
        #expect(change.reasons == .freezeControl && change.since == change.time)
        // A crash of the depth moves the target, and what is frozen does not follow.
        for second in 1...600 as ClosedRange<Int64> {
            _ = try world.book(100_000, at: second * 1_000, depth: 1e5)
        }
        let held = try #require(world.out.tables.last)
        #expect(held.maintenance == calm.maintenance && held.gap.maintenance > 0.05)
        #expect(held.initial >= table.initial)
    }

    @Test func theFallbackLiftsWhenTheFreezeIsWithdrawnAndTheStateFollowsByDwells() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let calm = try #require(world.out.tables.last)
        _ = try world.shard.apply(
            try control(.freeze, at: 1), cause: Self.cause, to: &world.out)
        _ = try world.book(100_000, at: 2_000)
        _ = world.shard.withdraw(try key(.freeze), cause: Self.cause, to: &world.out)
        try world.timer(at: 2_100)
        let table = try #require(world.out.tables.last)
        #expect(table.state == .frozen && table.boundBy.contains(.freeze))
        #expect(!table.boundBy.contains(.fallback) && table.initial == calm.initial)
        for second in 3...2_800 as ClosedRange<Int64> {
            _ = try world.book(100_000, at: second * 1_000)
        }
        #expect(world.out.changes.map(\.to) == [.frozen, .stressed, .elevated, .normal])
        #expect(
            world.out.changes.map(\.time.milliseconds) == [1_000, 902_000, 1_802_000, 2_702_000])
    }

    @Test func parametersChangeFromTheirTimeWithTheirHash() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        #expect(world.out.tables.last?.parametersHash == "sha256:test")
        let order = Control.Order.parameters([
            .init(name: "floor", value: .number(0.33)),
            .init(name: "validitySeconds", value: .number(45)),
            .init(
                name: "notionals", value: .amounts([FixedDecimal(100_000), FixedDecimal(9_000)])),
        ])
        let wrong = try control(order, at: 1, lasting: nil)
        #expect(throws: ControlRefusal.self) {
            _ = try world.shard.apply(wrong, cause: Self.cause, to: &world.out)
        }
        let right = try control(
            .parameters([
                .init(name: "floor", value: .number(0.33)),
                .init(name: "validitySeconds", value: .number(45)),
                .init(
                    name: "notionals",
                    value: .amounts([FixedDecimal(100_000), FixedDecimal(900_000)])),
            ]), at: 1, lasting: nil)
        #expect(try world.shard.apply(right, cause: Self.cause, to: &world.out) == .applied)
        let table = try #require(world.out.tables.last)
        #expect(table.parametersHash == "sha256:floor-0.33" && table.cause == Self.cause)
        #expect(table.validUntil == table.time.advanced(bySeconds: 45))
        #expect(table.tiers.count == 3 && table.scan.count == 2)
        #expect(table.target.initial >= 0.33 && table.boundBy.contains(.floor))
        // The path is the limiter's: no jump to the new target.
        #expect(table.initial.double < 0.2 && table.boundBy.contains(.limiter))
        _ = world.shard.withdraw(try key(.parameters), cause: Self.cause, to: &world.out)
        _ = try world.book(100_000, at: 2_000)
        #expect(world.out.tables.last?.parametersHash == "sha256:test")
        #expect(world.out.tables.last?.tiers.count == 8)
    }

    @Test func aParameterThatBreaksTheModelIsRefusedAndChangesNothing() throws {
        var world = try World()
        _ = try world.book(100_000, at: 0)
        let before = world.shard.checkpoint(of: try #require(Identifier("BTC")))
        let cases: [(Control.ParameterChange, String)] = [
            (.init(name: "floor", value: .number(1.5)), "floor must be between"),
            (.init(name: "flor", value: .number(0.1)), "no parameter \"flor\""),
            (.init(name: "floor", value: .amounts([])), "another kind"),
        ]
        for (change, words) in cases {
            let control = try control(.parameters([change]), at: 1, asset: nil, lasting: nil)
            do throws(ControlRefusal) {
                _ = try world.shard.apply(control, cause: Self.cause, to: &world.out)
                Issue.record("taken: \(change)")
            } catch {
                #expect("\(error)".contains(words), "\(error)")
            }
        }
        #expect(world.shard.checkpoint(of: try #require(Identifier("BTC"))) == before)
        #expect(world.out.tables.count == 1)
    }

    @Test func aControlForAnotherAssetIsNotForThisShard() throws {
        var world = try World()
        let control = try control(.freeze, at: 1, asset: "DOGE")
        #expect(try world.shard.apply(control, cause: Self.cause, to: &world.out) == .unlisted)
        let key = try key(.freeze, asset: "DOGE")
        #expect(world.shard.withdraw(key, cause: Self.cause, to: &world.out) == .unlisted)
    }
}
