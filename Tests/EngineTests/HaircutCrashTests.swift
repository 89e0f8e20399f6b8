import Engine
import Foundation
import Haircuts
import Market
import Messages
import Quantities
import Scenarios
import TestSupport
import Testing

/// The circuit breaker through the whole of 10 October 2025, as recorded.
struct HaircutCrashTests {
    struct Changes: HaircutSink {
        var lines: [String] = []
        /// Seconds in each state, by asset.
        var seconds: [Identifier: [BreakerState: Double]] = [:]
        private var last: [Identifier: (time: Instant, state: BreakerState)] = [:]

        mutating func publish(_ table: borrowing HaircutTable) {
            if let before = last[table.asset] {
                seconds[table.asset, default: [:]][before.state, default: 0] +=
                    table.time.seconds(since: before.time)
            }
            last[table.asset] = (table.time, table.state)
        }

        mutating func publish(_ change: BreakerChange) {
            let reasons = BreakerReasons.names.filter { change.reasons.contains($0.reason) }
                .map { "\($0.name)" }.joined(separator: " ")
            lines.append(
                "\(Self.clock(change.time)) \(change.asset) \(change.from) → \(change.to)"
                    + (reasons.isEmpty ? "" : ": \(reasons)"))
        }

        /// Hours, minutes and seconds of the day.
        static func clock(_ time: Instant) -> String {
            let second = Int(time.nanoseconds / 1_000_000_000 % 86_400)
            func two(_ number: Int) -> String { (number < 10 ? "0" : "") + "\(number)" }
            return "\(two(second / 3_600)):\(two(second / 60 % 60)):\(two(second % 60))"
        }
    }

    /// Plays the scenario; `look` sees the shard after each event.
    static func play(_ look: (borrowing HaircutShard) -> Void = { _ in }) throws -> Changes {
        let crash = try ScenarioCatalog.scenario(named: "crash-2025-10-10")
        var shard = HaircutShard(
            assets: crash.assets.map {
                AssetConfiguration(
                    asset: $0.asset, assetClass: $0.assetClass, primaryVenue: $0.primaryVenue,
                    dailyVolume: $0.dailyVolume, depthReference: $0.depthReference,
                    systemCollateral: $0.systemCollateral,
                    parameters: HaircutParameters($0.assetClass), parametersHash: "sha256:test")
            })
        var changes = Changes()
        for event in crash.events() {
            switch event {
            case .quote(let quote):
                _ = shard.apply(quote, cause: .timer(quote.time), to: &changes)
            case .surface(let surface):
                _ = try shard.apply(surface, cause: .timer(surface.time), to: &changes)
            }
            look(shard)
        }
        return changes
    }

    @Test func theTransitionsOfTheCrashAreTheCommittedOnes() throws {
        let changes = try Self.play()
        let text = changes.lines.joined(separator: "\n") + "\n"
        let golden = try Repository.data("Tests/EngineTests/Golden/breaker-2025-10-10.txt")
        #expect(Data(text.utf8) == golden)
    }

    @Test func aDayOfRecordedMarketFitsItsCheckpoints() throws {
        let name = try #require(Identifier("BTC"))
        var events = 0
        var sizes: [Int] = []
        _ = try Self.play { shard in
            events += 1
            guard events % 100 == 0, let checkpoint = shard.checkpoint(of: name) else { return }
            var buffer = OutputBuffer()
            buffer.write(checkpoint)
            sizes.append(buffer.count)
        }
        sizes.sort()
        let (median, largest) = (sizes[sizes.count / 2], sizes.last ?? 0)
        print("BTC checkpoints on 2025-10-10: median \(median), largest \(largest) bytes")
        #expect(median < 2_048 && largest < 2_560)
    }
}
