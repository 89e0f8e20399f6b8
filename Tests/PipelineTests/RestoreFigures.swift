import Foundation
import Kafka
import MemoryLog
import Pipeline
import Quantities
import Testing

/// What a restore costs: run by hand with `BREAKWATER_RESTORE=accounts`, prints what
/// docs/reliability.md quotes. CPU time of one thread; the log in memory costs no network.
@Suite(.serialized) struct RestoreFigures {
    static let accounts =
        ProcessInfo.processInfo.environment["BREAKWATER_RESTORE"].flatMap { Int($0) } ?? 0

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
        }
        let start = now()
        try body()
        return now() - start
    }

    private func resident() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return try #require(Int(text.split(separator: " ")[1])) * 4_096
    }

    private func serve(_ run: MemoryBus.Run, _ bus: MemoryBus) throws {
        let end = bus.log.now + 1_000_000
        while !run.worker.isServing {
            try run.worker.step(upTo: .zero)
            bus.log.advance(to: bus.log.now + 1)
            try #require(bus.log.now < end)
        }
    }

    @Test(.enabled(if: accounts > 0)) func accountsOfAMarginShard() throws {
        let bus = try MemoryBus()
        try bus.sendTable(1, price: 60_000, at: 0)
        for number in 0..<Self.accounts {
            try bus.sendAccount("A-\(number)", debt: 1_000 + number % 30_000)
        }
        let first = try bus.margin()
        let published = try seconds {
            try serve(first, bus)
            try first.settle()
        }
        #expect(bus.records(Bus.topics.requirements).count >= Self.accounts)
        first.kill()
        bus.log.advance(to: bus.log.now + 30_000)
        let before = try resident()
        let second = try bus.margin()
        let restored = try seconds { try serve(second, bus) }
        let bytes = try (resident() - before) / Self.accounts
        print(
            """
            \(Self.accounts) accounts: first start to all published \(published) s; restart to \
            serving \(restored) s, \(Int(Double(Self.accounts) / restored)) accounts/s, then \
            \(bytes) more bytes resident an account
            """)
    }

    @Test(.enabled(if: accounts > 0)) func assetsOfAHaircutShard() throws {
        let bus = try MemoryBus()
        let assets = (0..<Self.accounts / 100).map { "A\($0)" }
        for (number, asset) in assets.enumerated() {
            try bus.send(.book(asset, at: number, sequence: 1))
        }
        let first = try bus.haircut(assets: assets)
        try first.settle()
        first.kill()
        bus.log.advance(to: bus.log.now + 30_000)
        let second = try bus.haircut(assets: assets)
        let restored = try seconds { try serve(second, bus) }
        print(
            """
            \(assets.count) assets: restart to serving \(restored) s, \
            \(Int(Double(assets.count) / restored)) assets/s
            """)
    }

    /// Virtual milliseconds during which a partition has no owner that serves.
    @Test func whoTakesOverFromADeadOneServesWithinASecondOfItsSession() throws {
        for isKilled in [true, false] {
            let bus = try MemoryBus(partitions: 2)
            try bus.sendTable(1, price: 60_000, at: 0)
            for number in 0..<200 {
                try bus.sendAccount("A-\(number)", debt: 30_000, partition: Int32(number % 2))
            }
            let (first, second) = (try bus.margin(), try bus.margin())
            try second.step(until: "they share") {
                try first.worker.step(upTo: .zero)
                return second.worker.counters.serving.count == 1
                    && first.worker.counters.serving.count == 1
            }
            let start = bus.log.now
            isKilled ? second.kill() : second.stop()
            try first.step(until: "it has all") { first.worker.counters.serving == [0, 1] }
            let pause = bus.log.now - start
            print("\(isKilled ? "killed" : "stopped"): \(pause) ms until another serves")
            #expect(pause < (isKilled ? 11_000 : 1_000))
        }
    }
}
