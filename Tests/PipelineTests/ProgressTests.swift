import MemoryLog
import Pipeline
import Quantities
import Testing

/// How far a worker is, as `/readyz` and `/metrics` have it.
@Suite struct ProgressTests {
    @Test func theLagIsWhatIsNotAppliedYetAndFallsToNothing() throws {
        let bus = try MemoryBus()
        for number in 1...6_000 { try bus.send(.book(at: number * 200, sequence: number)) }
        let run = try bus.haircut()
        var seen: [Int64] = []
        try run.step(until: "all is applied") {
            // A slow machine: 0.3 s a turn.
            bus.log.advance(to: bus.log.now + 300)
            if let lag = run.worker.counters.lags[0] { seen.append(lag) }
            return run.worker.counters.quotes == 6_000
        }
        #expect(try #require(seen.max()) > 0)
        #expect(seen == seen.sorted(by: >))
        try run.settle()
        #expect(run.worker.counters.lags == [0: 0])
        run.stop()
        #expect(run.worker.counters.lags.isEmpty)
    }

    @Test func aLongRestoreSaysHowFarItIs() throws {
        let bus = try MemoryBus()
        try bus.sendTable(1, price: 100, at: 0)
        for number in 1...5_000 { try bus.sendAccount("A-\(number)", debt: 50) }
        let first = try bus.margin()
        try first.settle()
        first.stop()
        let second = try bus.margin()
        var seen: [Int64] = []
        var all: Set<Int64> = []
        try second.step(until: "it serves") {
            // A slow machine: six seconds a turn.
            bus.log.advance(to: bus.log.now + 6_000)
            let counters = second.worker.counters
            if counters.recordsToRestore > 0 {
                seen.append(counters.restoredRecords)
                all.insert(counters.recordsToRestore)
                #expect(counters.restoredRecords <= counters.recordsToRestore)
            }
            return second.worker.isServing
        }
        #expect(seen.count > 1)
        #expect(try #require(all.max()) >= 5_000)
        #expect(bus.lines.all.contains { $0.contains(/restoring \[0\]: \d+ of \d+ records read/) })
        try second.settle()
        #expect(second.worker.counters.recordsToRestore == 0)
        second.stop()
    }
}
