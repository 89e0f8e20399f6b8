import Engine
import Haircuts
import Margin
import Market
import Quantities
import TestSupport
import Testing

/// Plans of many accounts on many shards share what the market can take.
struct MarginPacingTests {
    /// What is due to be sold in each minute since the start, by asset, over all shards.
    ///
    /// - Parameter price: at a time, in seconds since the start.
    private func due(
        _ alerts: [LiquidationAlert], price: (Double) -> Double
    ) -> [Int: Double] {
        var due: [Int: Double] = [:]
        for alert in alerts {
            for step in alert.plan {
                let minute = Int(step.notBefore.seconds(since: MarginShardTests.start) / 60)
                let price = price(alert.time.seconds(since: MarginShardTests.start))
                due[minute, default: 0] += step.quantity.double * price
            }
        }
        return due
    }

    @Test(arguments: 0..<40)
    func whatIsDueInAMinuteIsAtMostAQuarterOfTheDepth(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let count = 1 + seed % 16
        // Shares that the haircut table names, or none: then all shards have the same part.
        var shares = (0..<count).map { _ in random.double(in: 0...1) }
        let total = shares.reduce(0, +)
        shares = seed % 3 == 0 || total == 0 ? [] : shares.map { $0 / total }
        var sinks = (0..<count).map { _ in MarginOutputs() }
        let opening = MarginShardTests.table(1, price: 100, shares: shares)
        let cause = Cause.timer(MarginShardTests.start)
        for number in 0..<count {
            var shard = MarginShardTests.shard(Int32(number), of: count)
            _ = shard.apply(opening, cause: cause, to: &sinks[number])
            shard.serve(to: &sinks[number])
            for index in 0..<30 {
                let quantity = Int(random.logarithmic(in: 10...20_000))
                let debt = Int(Double(quantity) * random.double(in: 60...88))
                _ = try shard.apply(
                    MarginShardTests.account("\(number)-\(index)", holds: quantity, owes: debt),
                    cause: cause, to: &sinks[number])
            }
            sinks[number].outputs = []
            // It falls in four steps, ten seconds apart.
            for step in 1...4 {
                let table = MarginShardTests.table(
                    Int64(1 + step), price: 100 - 6 * step, seconds: Double(10 * step),
                    shares: shares)
                _ = shard.apply(table, cause: cause, to: &sinks[number])
            }
        }
        let alerts = sinks.flatMap(\.alerts)
        let due = due(alerts) { seconds in 100 - 6 * (seconds / 10).rounded() }
        #expect(due.values.contains { $0 > 0 }, "seed \(seed) sells nothing")
        for (minute, amount) in due {
            #expect(amount <= 250_000 * 1.000_1, "seed \(seed), minute \(minute)")
        }
    }

    @Test func theLargestShortfallSellsFirst() throws {
        var shard = MarginShardTests.shard()
        var sink = MarginOutputs()
        let cause = Cause.timer(MarginShardTests.start)
        _ = shard.apply(MarginShardTests.table(1, price: 100), cause: cause, to: &sink)
        shard.serve(to: &sink)
        for (name, quantity) in [("small", 3_000), ("large", 30_000)] {
            _ = try shard.apply(
                MarginShardTests.account(name, holds: quantity, owes: 80 * quantity), cause: cause,
                to: &sink)
        }
        sink.outputs = []
        _ = shard.apply(
            MarginShardTests.table(2, price: 85, seconds: 1), cause: cause, to: &sink)
        let alerts = sink.alerts
        #expect(alerts.map(\.account.description) == ["large", "small"])
        let first = try #require(alerts.first?.plan.first?.notBefore)
        let last = try #require(alerts.first?.plan.last?.notBefore)
        let small = try #require(alerts.last?.plan.first?.notBefore)
        #expect(first == MarginShardTests.start.advanced(bySeconds: 1))
        #expect(last > first)
        #expect(small >= last)
    }

    @Test func aShardWithoutAShareSellsNothing() throws {
        var shard = MarginShardTests.shard(1, of: 2)
        var sink = MarginOutputs()
        let cause = Cause.timer(MarginShardTests.start)
        _ = shard.apply(
            MarginShardTests.table(1, price: 100, shares: [1, 0]), cause: cause, to: &sink)
        shard.serve(to: &sink)
        _ = try shard.apply(
            MarginShardTests.account("a", holds: 10, owes: 950), cause: cause, to: &sink)
        #expect(sink.alerts.first?.level == .liquidation)
        #expect(sink.alerts.first?.plan == [])
    }

    /// Most that is due in any minute, whenever it begins.
    ///
    /// - Parameter price: of what the plans of the alerts were made for.
    private func mostDue(in lives: [(alerts: [LiquidationAlert], price: Double)]) -> Double {
        let steps = lives.flatMap { life in
            life.alerts.flatMap(\.plan).map { step in
                (at: step.notBefore, amount: step.quantity.double * life.price)
            }
        }
        return steps.map { first in
            steps.reduce(0) { sum, step in
                let isWithin =
                    step.at >= first.at && step.at < first.at.advanced(bySeconds: 60)
                return isWithin ? sum + step.amount : sum
            }
        }.max() ?? 0
    }

    /// Plans of two accounts, the second after the shard was stopped and restored; 250 000 may be
    /// sold in a minute.
    ///
    /// - Parameters:
    ///   - first: what the account in liquidation before the stop holds.
    ///   - seconds: how long after the first plan the second is made.
    private func lives(
        first: Int, seconds: Double
    ) throws -> (before: [LiquidationAlert], after: [LiquidationAlert]) {
        let cause = Cause.timer(MarginShardTests.start)
        let accounts = [
            MarginShardTests.account("first", holds: first, owes: 80 * first),
            MarginShardTests.account("second", holds: 2_000, owes: 75 * 2_000),
        ]
        let opening = MarginShardTests.table(1, price: 100)
        let fall = MarginShardTests.table(2, price: 85, seconds: 1)
        var (sink, shard) = (MarginOutputs(), MarginShardTests.shard())
        _ = shard.apply(opening, cause: cause, to: &sink)
        shard.serve(to: &sink)
        for account in accounts { _ = try shard.apply(account, cause: cause, to: &sink) }
        _ = shard.apply(fall, cause: cause, to: &sink)
        let outputs = sink.take()

        var restored = MarginShardTests.shard()
        for output in outputs { restored.restore(output.requirement) }
        for account in accounts { _ = try restored.apply(account, cause: cause, to: &sink) }
        _ = restored.apply(fall, cause: cause, to: &sink)
        restored.serve(to: &sink)
        #expect(sink.take() == [])
        _ = restored.apply(
            MarginShardTests.table(3, price: 80, seconds: 1 + seconds), cause: cause, to: &sink)
        let before = outputs.compactMap(\.alert).filter { $0.level >= .liquidation }
        let after = sink.alerts.filter { "\($0.account)" == "second" }
        #expect(before.map { "\($0.account)" } == ["first"])
        #expect(after.map(\.level) == [.liquidation])
        return (before, after)
    }

    @Test(arguments: [1.0, 20, 58], [6_000, 30_000])
    func plansBeforeAndAfterARestartShareTheBudget(seconds: Double, holds: Int) throws {
        let (before, after) = try lives(first: holds, seconds: seconds)
        let most = mostDue(in: [(before, 85), (after, 80)])
        #expect(most > 0)
        #expect(most <= 250_000 * 1.000_1)
        // Whoever was in liquidation before sells first.
        let last = try #require(before.last?.plan.last?.notBefore)
        let next = try #require(after.first?.plan.first?.notBefore)
        #expect(next >= last)
    }

    @Test func aMinuteAfterTheLastOutputNothingIsHeldBack() throws {
        var (sink, shard) = (MarginOutputs(), MarginShardTests.shard())
        let cause = Cause.timer(MarginShardTests.start)
        let account = MarginShardTests.account("a", holds: 1_000, owes: 80_000)
        _ = shard.apply(MarginShardTests.table(1, price: 100), cause: cause, to: &sink)
        shard.serve(to: &sink)
        _ = try shard.apply(account, cause: cause, to: &sink)
        let outputs = sink.take()
        for (seconds, wait) in [(60, 0), (59, 1), (1, 59)] as [(Int64, Int64)] {
            var restored = MarginShardTests.shard()
            for output in outputs { restored.restore(output.requirement) }
            _ = try restored.apply(account, cause: cause, to: &sink)
            let fall = MarginShardTests.table(2, price: 85, seconds: Double(seconds))
            _ = restored.apply(fall, cause: cause, to: &sink)
            restored.serve(to: &sink)
            let alert = try #require(sink.alerts.first)
            let step = try #require(alert.plan.first)
            #expect(step.notBefore == alert.time.advanced(bySeconds: wait))
            _ = sink.take()
        }
    }
}
