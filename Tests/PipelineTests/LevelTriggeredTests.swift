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

    /// A table with one tier: initial 20 %, maintenance 10 %.
    private func sendTable(_ sequence: Int64, price: Int, at milliseconds: Int) throws {
        let time = Message.at(milliseconds)
        let end = Message.at(milliseconds + 86_400_000)
        try bus.send(
            """
            {"schema":"haircut.v1","asset":"BTC","time":"\(time)","sequence":\(sequence),\
            "state":"normal","price":"\(price)","debtPrice":"\(price)","reference":"\(price)",\
            "mid":"\(price)","initial":0.2,"maintenance":0.1,"tiers":[\
            {"from":"0","to":"1000000","initial":0.2,"maintenance":0.1},\
            {"from":"1000000","to":null,"initial":1,"maintenance":1}],\
            "target":{"initial":0.2,"maintenance":0.1},"gap":{"initial":0,"maintenance":0},\
            "boundBy":[],"next":null,"validUntil":"\(end)","fallback":0.3,\
            "scan":[{"notional":"1000000","down":0.1,"up":0.1112}],"stressVolatility":1.2,\
            "confidence":1,"branchingRatio":0.1,"components":{"volatility":0.7,"market":0.03,\
            "liquidity":0.004,"peg":0,"divergence":0,"confidence":0,"horizonSeconds":3800,\
            "depth":"40000000","depthBaseline":"40000000","spread":0.0001,"quoteAge":0.1,\
            "surfaceAge":2.5},"model":{"version":"1","parameters":"sha256:\
            \(String(repeating: "0", count: 64))"},\
            "cause":{"topic":"market.quotes.v1","partition":0,"offset":\(sequence)}}
            """, to: Bus.topics.haircuts, key: "BTC", time: time)
    }

    /// An account of one bitcoin and a debt.
    private func sendAccount(
        _ name: String, debt: Int, sequence: Int = 1, at milliseconds: Int = 0
    ) throws {
        try bus.send(
            """
            {"schema":"positions.v1","account":"\(name)","owner":"\(name)",\
            "time":"\(Message.at(milliseconds))","sequence":\(sequence),"balances":[\
            {"asset":"BTC","quantity":"1"},{"asset":"USD","quantity":"-\(debt)"}],"positions":[]}
            """, to: Bus.topics.positions, key: name, time: Message.at(milliseconds))
    }

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
        try sendTable(1, price: 60_000, at: 0)
        try sendAccount("safe", debt: 1_000)
        try sendAccount("edge", debt: 46_000)
        try sendAccount("lost", debt: 53_000)
        let first = try bus.margin()
        try first.settle()
        let before = try told()
        #expect(before["safe"] == nil)
        #expect(Set(try bus.requirements().map { "\($0.account)" }) == ["safe", "edge", "lost"])
        try expectAlertsAreDifferences()
        first.kill()
        bus.log.advance(to: bus.log.now + 30_000)

        // 50 000: maintenance collateral 45 000 is below both debts; the safe one is untouched.
        try sendTable(2, price: 50_000, at: 60_000)
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
        try sendTable(1, price: 60_000, at: 0)
        for number in 0..<20 { try sendAccount("A-\(number)", debt: 30_000 + 1_000 * number) }
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
            try sendTable(
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
        try sendTable(1, price: 60_000, at: 0)
        try sendAccount("A-1", debt: 55_000)
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
        try sendTable(1, price: 60_000, at: 0)
        try sendAccount("A-1", debt: 10_000)
        try bus.send("{", to: Bus.topics.positions, key: "A-1")
        for _ in 0..<3 {
            let run = try bus.margin()
            try run.settle()
            run.stop()
        }
        #expect(bus.records(Bus.topics.deadLetters).count == 1)
        #expect(try bus.requirements().map(\.positionsSequence) == [1])
    }
}
