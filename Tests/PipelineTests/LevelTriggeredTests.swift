import Haircuts
import Kafka
import Margin
import MemoryLog
import Messages
import Pipeline
import Quantities
import Testing

/// The margin stage: what is published is the difference between what should be and what was said
/// last, whoever said it.
@Suite struct LevelTriggeredTests {
    private let bus: MemoryBus

    init() throws { bus = try MemoryBus() }

    /// Each account's statuses as its alerts tell them, in order.
    private func told() throws -> [String: [MarginStatus]] {
        Dictionary(grouping: try bus.alerts(), by: { "\($0.account)" })
            .mapValues { $0.map(\.level) }
    }

    /// Each alert is the difference of two requirements that follow each other.
    private func expectAlertsAreDifferences(
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var expected: [[String]] = []
        var last: [Identifier: MarginRequirement] = [:]
        for requirement in try bus.requirements() {
            let before = last[requirement.account]
            #expect(
                requirement.sequence == (before?.sequence ?? 0) + 1,
                sourceLocation: sourceLocation)
            let status = before?.status ?? .healthy
            if requirement.status != status {
                expected.append(["\(requirement.account)", "\(status)", "\(requirement.status)"])
            }
            last[requirement.account] = requirement
        }
        let seen = try bus.alerts().map { ["\($0.account)", "\($0.previous)", "\($0.level)"] }
        #expect(seen == expected, sourceLocation: sourceLocation)
    }

    @Test func whatChangedWhileNobodyServedIsAlertedOnce() throws {
        try bus.sendTable(1, price: 60_000, at: 0)
        try bus.sendAccount("safe", debt: 1_000)
        try bus.sendAccount("edge", debt: 46_000)
        try bus.sendAccount("lost", debt: 53_000)
        let first = try bus.margin()
        try first.settle()
        let before = try told()
        #expect(before["safe"] == nil)
        #expect(Set(try bus.requirements().map { "\($0.account)" }) == ["safe", "edge", "lost"])
        try expectAlertsAreDifferences()
        first.kill()
        bus.log.advance(to: bus.log.now + 30_000)

        // 50 000: maintenance collateral 45 000 is below both debts; the safe one is untouched.
        try bus.sendTable(2, price: 50_000, at: 60_000)
        let second = try bus.margin()
        try second.settle()
        let after = try told()
        #expect(after["safe"] == nil)
        #expect(after["edge"]?.last == .liquidation)
        #expect(after["edge"]?.count == (before["edge"]?.count ?? 0) + 1)
        #expect(after["lost"]?.count == (before["lost"]?.count ?? 0) + 1)
        try expectAlertsAreDifferences()
        second.kill()
        bus.log.advance(to: bus.log.now + 30_000)

        let third = try bus.margin()
        try third.settle()
        third.stop()
        #expect(try told() == after)
        try expectAlertsAreDifferences()
    }

    @Test func aKillAtAnyCommitNeitherLosesNorRepeatsAnAlert() throws {
        try bus.sendTable(1, price: 60_000, at: 0)
        for number in 0..<20 { try bus.sendAccount("A-\(number)", debt: 30_000 + 1_000 * number) }
        for round in 1...8 {
            let run = try bus.margin()
            var left = 1 + round % 3
            run.process.interfere = { call in
                guard call == .commitTransaction else { return .none }
                left -= 1
                guard left == 0 else { return .none }
                return round.isMultiple(of: 2) ? .killedAfter : .killedBefore
            }
            let step = round * 10_000
            for _ in 0..<400 where !run.process.isKilled {
                do { try run.worker.step(upTo: .milliseconds(10)) } catch {}
                bus.log.advance(to: bus.log.now + 1)
            }
            run.kill()
            bus.log.advance(to: bus.log.now + 30_000)
            try bus.sendTable(
                Int64(1 + round), price: round.isMultiple(of: 2) ? 60_000 : 48_000, at: step)
        }
        let last = try bus.margin()
        try last.settle()
        last.stop()
        try expectAlertsAreDifferences()
        var final: [Identifier: MarginStatus] = [:]
        for requirement in try bus.requirements() {
            final[requirement.account] = requirement.status
        }
        #expect(final.count == 20)
        // At 60 000 the worst debt is 49 000 against 54 000.
        #expect(final.values.allSatisfy { $0 < .liquidation })
    }

    @Test func aTombstoneClosesTheAccountWithATableThatSaysSo() throws {
        try bus.sendTable(1, price: 60_000, at: 0)
        try bus.sendAccount("A-1", debt: 55_000)
        let run = try bus.margin()
        try run.settle()
        #expect(try told()["A-1"] == [.liquidation])
        try bus.send(nil, to: Bus.topics.positions, key: "A-1")
        try run.settle()
        run.stop()
        #expect(try told()["A-1"] == [.liquidation, .healthy])
        #expect(try bus.requirements().last?.assets.isEmpty == true)
        try expectAlertsAreDifferences()
    }

    @Test func aRefusedSnapshotIsBuriedOnceAndTheLastGoodOneStays() throws {
        try bus.sendTable(1, price: 60_000, at: 0)
        try bus.sendAccount("A-1", debt: 10_000)
        try bus.send("{", to: Bus.topics.positions, key: "A-1")
        for _ in 0..<3 {
            let run = try bus.margin()
            try run.settle()
            run.stop()
        }
        #expect(bus.records(Bus.topics.deadLetters).count == 1)
        #expect(try bus.requirements().map(\.positionsSequence) == [1])
    }

    /// Its partition goes to another before it could bury what it read: the other buries it.
    @Test func whatIsRefusedWhileRestoringIsBuriedByWhoRestoresToTheEnd() throws {
        let bus = try MemoryBus(partitions: 2)
        try bus.sendTable(1, price: 60_000, at: 0)
        for partition: Int32 in 0..<2 {
            try bus.send("{", to: Bus.topics.positions, key: "A-1", partition: partition)
        }
        let first = try bus.margin()
        // The tables do not come: it restores on and on.
        first.process.reads = { $0.topic == Bus.topics.haircuts ? 0 : $1 }
        let start = bus.log.now
        try first.step(until: "half a second passes") { bus.log.now >= start + 500 }
        #expect(first.worker.counters.partitions == [0, 1] && !first.worker.isServing)
        let second = try bus.margin()
        try second.step(until: "both have their share") {
            try first.worker.step(upTo: .zero)
            return second.worker.isServing && first.worker.counters.partitions.count == 1
        }
        first.process.reads = { $1 }
        try first.settle()
        try second.settle()
        #expect(bus.records(Bus.topics.deadLetters).count == 2)
    }

    @Test func whoWaitsForTablesBuriesWhatIsRefused() throws {
        try bus.send("{", to: Bus.topics.positions, key: "A-1")
        let run = try bus.margin()
        try run.step(until: "the snapshot is buried") {
            bus.records(Bus.topics.deadLetters).count == 1
        }
        #expect(!run.worker.isServing)
    }
}
