import Dispatch
import Foundation
import Synchronization
import Testing

/// The production pipeline and engine on a log in memory, with faults chosen by a seed.
///
/// `SIMULATION_SEEDS` says which seeds: `500` is 1…500, `7-9` is 7, 8 and 9. With
/// `SIMULATION_SHRINK=0` failing histories are not made smaller.
@Suite struct SimulationTests {
    static let environment = ProcessInfo.processInfo.environment

    static var seeds: ClosedRange<UInt64>? {
        let parts = (environment["SIMULATION_SEEDS"] ?? "200").split(separator: "-")
        let numbers = parts.compactMap { UInt64($0) }
        guard numbers.count == parts.count, let last = numbers.last, numbers.count <= 2,
            last >= numbers[0], last > 0
        else { return nil }
        return (numbers.count == 2 ? numbers[0] : 1)...last
    }

    /// The ground of the rest: where nothing goes wrong, all is as in the reference.
    @Test func anUndisturbedRunIsTheReferencesRun() throws {
        for seed: UInt64 in 1...20 {
            var plan = Plan(seed: seed)
            plan.events.removeAll { event in
                switch event.kind {
                case .input, .start(slot: 0): false
                default: true
                }
            }
            let violation = try Shrinking.violation(of: plan)
            #expect(violation == nil, "seed \(seed)")
        }
    }

    /// A seed that once showed a fault, in the traffic that it showed it in.
    struct Regression: CustomTestStringConvertible, Sendable {
        let seed: UInt64
        var extras: Plan.Extras = []
        let showed: String

        var testDescription: String { "seed \(seed): \(showed)" }
    }

    static let regressions = [
        Regression(seed: 20, showed: "a final requirement with positionsSequence −1"),
        Regression(seed: 316, showed: "the same"),
        Regression(seed: 396, showed: "the same"),
        Regression(seed: 811, showed: "the check's bound took the governor for the limiter"),
        Regression(seed: 1264, showed: "the same, with accounts"),
        Regression(
            seed: 812, showed: "a member that slept through a generation never joined again"),
        Regression(seed: 1056, showed: "the same, in the traffic of then"),
        Regression(seed: 1794, showed: "letters of a restore that was broken off, buried twice"),
        Regression(seed: 2751, showed: "the same"),
        Regression(seed: 3323, showed: "the same, between static members"),
        Regression(seed: 3908, showed: "the same"),
        Regression(
            seed: 181, extras: .first, showed: "an override withdrawn by an older tombstone"),
        Regression(seed: 3857, extras: .first, showed: "a control applied a second time"),
        Regression(seed: 4063, extras: .first, showed: "a worker that never said it served again"),
        Regression(
            seed: 182, extras: .all,
            showed: "an alert lost between its requirement's writing and its own"),
    ]

    @Test(arguments: regressions)
    func whatOnceFailedHolds(_ regression: Regression) throws {
        let plan = Plan(seed: regression.seed, with: regression.extras)
        let violation = try Shrinking.violation(of: plan)
        #expect(violation == nil)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["SIMULATION_SEEDS"] != nil))
    func everyPromiseIsKeptThroughEveryFault() throws {
        let start = ContinuousClock.now
        let outcome = Outcome()
        let seeds = try #require(Self.seeds, "SIMULATION_SEEDS is a count or a range")
        DispatchQueue.concurrentPerform(iterations: seeds.count) { index in
            outcome.run(seeds.lowerBound + UInt64(index))
        }
        let seconds = (ContinuousClock.now - start).components.seconds
        print(
            "simulation: seeds \(seeds.lowerBound)-\(seeds.upperBound) in \(seconds) s, \(outcome)")
        for report in outcome.reports { Issue.record("\(report)") }
    }
}

/// What many seeds came to, collected from several threads.
private final class Outcome: Sendable, CustomStringConvertible {
    private let state = Mutex(State())

    private struct State {
        var statistics = World.Statistics()
        var failing: [UInt64] = []
        var reports: [String] = []
    }

    /// The first few failures in full.
    var reports: [String] { state.withLock { $0.reports } }

    func run(_ seed: UInt64) {
        // Enough is known after three.
        guard state.withLock({ $0.failing.count < 3 }) else { return }
        do {
            let world = try World(Plan(seed: seed))
            try world.run()
            state.withLock { $0.statistics = $0.statistics + world.statistics }
            guard let violation = world.violation else { return }
            state.withLock { $0.failing.append(seed) }
            let report = try report(seed, violation)
            state.withLock { $0.reports.append(report) }
        } catch {
            state.withLock { $0.reports.append("seed \(seed): \(error)") }
        }
    }

    private func report(_ seed: UInt64, _ violation: Violation) throws -> String {
        guard SimulationTests.environment["SIMULATION_SHRINK"] != "0" else {
            return "seed \(seed): \(violation)"
        }
        let plan = try Shrinking.shrink(Plan(seed: seed), rule: violation.rule)
        let world = try World(plan)
        try world.run()
        return """
            seed \(seed): \(violation)
            shrunk to \(plan.description)
            what happened:
              \(world.recent)
            then: \(world.violation?.description ?? "nothing")
            """
    }

    var description: String {
        state.withLock {
            let total = $0.statistics
            return "\(total.turns) turns, \(total.starts) starts, \(total.kills) kills, "
                + "\(total.faults) faults, \(total.failures) workers failed; "
                + ($0.failing.isEmpty ? "all promises kept" : "failing seeds: \($0.failing)")
        }
    }
}

extension World.Statistics {
    static func + (left: Self, right: Self) -> Self {
        World.Statistics(
            turns: left.turns + right.turns, failures: left.failures + right.failures,
            kills: left.kills + right.kills, starts: left.starts + right.starts,
            faults: left.faults + right.faults)
    }
}
