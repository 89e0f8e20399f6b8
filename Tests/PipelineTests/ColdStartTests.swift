import Haircuts
import Kafka
import Margin
import MemoryLog
import Pipeline
import Quantities
import Testing

/// A margin worker that is there before the first haircut tables: missing input never by itself
/// liquidates.
@Suite struct ColdStartTests {
    private let bus: MemoryBus

    init() throws { bus = try MemoryBus() }

    @Test func nobodyIsCalledForCollateralWhoseFirstTableIsStillToCome() throws {
        try bus.sendAccount("sound", debt: 30_000)
        let run = try bus.margin()
        let start = bus.log.now
        try run.step(until: "ten seconds pass") { bus.log.now >= start + 10_000 }
        #expect(!run.worker.isServing)
        #expect(run.worker.counters.awaited == ["BTC"])
        #expect(try bus.requirements().isEmpty)

        try bus.sendTable(1, price: 60_000, at: 10_000)
        try run.settle()
        #expect(try bus.requirements().map(\.status) == [.healthy])
        #expect(try bus.alerts().isEmpty)
        #expect(run.worker.counters.awaited.isEmpty)
        #expect(bus.log.now < start + 20_000)
    }

    @Test func aTableThatDoesNotComeInAMinuteCallsButDoesNotLiquidate() throws {
        try bus.sendTable(1, price: 60_000, at: 0)
        try bus.sendAccount("sound", debt: 30_000)
        try bus.sendAccount("unpriced", of: "ETH", debt: 1_000)
        try bus.sendAccount("lost", debt: 90_000)
        let run = try bus.margin(assets: ["BTC", "ETH"])
        let start = bus.log.now
        while bus.log.now < start + 59_000 {
            try run.worker.step(upTo: .zero)
            bus.log.advance(to: bus.log.now + 20)
        }
        #expect(!run.worker.isServing)
        bus.log.advance(to: start + 61_000)
        try run.settle()
        var ended = Dictionary(
            uniqueKeysWithValues: try bus.requirements().map { ("\($0.account)", $0) })
        #expect(ended["sound"]?.status == .healthy)
        #expect(ended["lost"]?.status == .bankrupt)
        #expect(ended["unpriced"]?.status == .marginCall)
        #expect(ended["unpriced"]?.reasons.contains(.unknownAsset) == true)
        #expect(try bus.alerts().allSatisfy { "\($0.account)" != "unpriced" || $0.plan.isEmpty })

        try bus.sendTable(1, of: "ETH", price: 3_000, at: 70_000)
        try run.settle()
        ended = Dictionary(
            try bus.requirements().map { ("\($0.account)", $0) }, uniquingKeysWith: { $1 })
        #expect(ended["unpriced"]?.status == .healthy)
    }

    @Test func aRestartWithTablesDoesNotWait() throws {
        try bus.sendTable(1, price: 60_000, at: 0)
        try bus.sendAccount("sound", debt: 30_000)
        let first = try bus.margin()
        try first.settle()
        first.kill()
        bus.log.advance(to: bus.log.now + 30_000)
        let second = try bus.margin()
        let start = bus.log.now
        try second.settle()
        #expect(bus.log.now < start + 10_000)
    }

    /// Also accounts that come later than the worker, but before the tables.
    @Test func withoutAccountsItIsReadyAndStillDoesNotCallTheFirstOnesTooEarly() throws {
        let run = try bus.margin()
        let start = bus.log.now
        try run.step(until: "ten seconds pass") { bus.log.now >= start + 10_000 }
        #expect(run.worker.counters.serving == [0])
        #expect(run.worker.counters.awaited.isEmpty)
        bus.log.advance(to: bus.log.now + 100_000)
        try bus.sendAccount("sound", debt: 30_000, at: 110_000)
        try run.step(until: "it waits") { run.worker.counters.awaited == ["BTC"] }
        try bus.sendTable(1, price: 60_000, at: 111_000)
        try run.settle()
        #expect(try bus.requirements().map(\.status) == [.healthy])
        #expect(try bus.alerts().isEmpty)
    }
}
