import Haircuts
import Kafka
import MemoryLog
import Pipeline
import Quantities
import Testing

/// Transactions, checkpoints and restore of the haircut stage, seen by a reader of committed
/// records.
@Suite struct ExactlyOnceTests {
    private let bus: MemoryBus

    init() throws { bus = try MemoryBus() }

    private func feed(_ numbers: ClosedRange<Int>) throws {
        for number in numbers {
            try bus.send(
                .book(at: number * 200, sequence: number, mid: 50_000 + Double(number) * 100))
        }
    }

    private func expectGapless(
        _ count: Int, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let sequences = try bus.tables().map(\.sequence)
        #expect(
            sequences == Array(1...Int64(count)), sourceLocation: sourceLocation)
    }

    /// Interferes once with the n-th request of a kind from now.
    private func strike(
        _ run: MemoryBus.Run, _ call: Call, at number: Int = 1, _ interference: Interference
    ) {
        var left = number
        run.process.interfere = { asked in
            guard asked == call else { return .none }
            left -= 1
            return left == 0 ? interference : .none
        }
    }

    private let timeOut = KafkaError(code: KafkaError.Code.timedOut, operation: "wait")
    private let refused = KafkaError(
        code: KafkaError.Code.unknownTopicOrPartition, operation: "wait", isRetriable: false)

    @Test func eachQuoteCausesItsTableOnceAcrossAKillAtAnyCommit() throws {
        try feed(1...40)
        for number in 1...6 {
            let run = try bus.haircut()
            strike(
                run, .commitTransaction, at: number,
                number.isMultiple(of: 2) ? .killedAfter : .killedBefore)
            for _ in 0..<2_000 where !run.process.isKilled {
                do { try run.worker.step(upTo: .milliseconds(10)) } catch {}
                bus.log.advance(to: bus.log.now + 1)
            }
            bus.log.advance(to: bus.log.now + 30_000)
        }
        let last = try bus.haircut()
        try last.settle()
        last.stop()
        try expectGapless(40)
    }

    @Test func anUnansweredCommitIsNotMadeTwice() throws {
        try feed(1...5)
        let run = try bus.haircut()
        strike(run, .commitTransaction, .answerLost(timeOut))
        try run.settle()
        try feed(6...10)
        try run.settle()
        run.stop()
        try expectGapless(10)
    }

    @Test func aCommitThatStaysUndecidedIsAskedOfTheGroupsOffsets() throws {
        try feed(1...5)
        let run = try bus.haircut()
        // The first commit is made, and no answer comes before it is given up.
        var isMade = false
        let begin = bus.log.now
        run.process.interfere = { [bus, timeOut] call in
            guard call == .commitTransaction, bus.log.now < begin + 40_000,
                run.worker.counters.replacements == 0
            else { return .none }
            defer { isMade = true }
            return isMade ? .refused(timeOut) : .answerLost(timeOut)
        }
        try run.step(until: "another producer") { run.worker.counters.replacements > 0 }
        try run.settle()
        run.stop()
        try expectGapless(5)
    }

    @Test func anAbortedTransactionIsSentAgainAsItWas() throws {
        try feed(1...5)
        let run = try bus.haircut()
        let abort = KafkaError(
            code: KafkaError.Code.timedOut, operation: "wait", isRetriable: false,
            requiresAbort: true)
        strike(run, .commitTransaction, .refused(abort))
        try run.settle()
        #expect(run.worker.counters.aborts == 1)
        run.stop()
        try expectGapless(5)
        let all = bus.log.partitions(of: Bus.topics.haircuts)
            .flatMap { $0.records(.readUncommitted) }
        let committed = bus.records(Bus.topics.haircuts)
        #expect(all.count == committed.count + 1)
        #expect(all.first?.valueText == committed.first?.valueText)
    }

    @Test func aWriteRefusedForGoodIsNotCommittedPastAndTheWorkerStartsAgain() throws {
        try feed(1...5)
        let run = try bus.haircut()
        run.process.interfere = { [refused] in $0 == .produce ? .refused(refused) : .none }
        #expect(throws: KafkaError.self) { try run.settle() }
        run.worker.close()
        #expect(try bus.tables().isEmpty)
        #expect(bus.records(Bus.topics.checkpoints).isEmpty)
        let next = try bus.haircut()
        try next.settle()
        next.stop()
        try expectGapless(5)
    }

    @Test func aCheckpointOfOtherPartitionCountsRefusesInASentence() throws {
        try bus.send(
            """
            {"schema":"checkpoint.v1","kind":"partition","partition":0,"nextOffset":3,\
            "time":null,"quotesPartitions":8,"positionsPartitions":1,"inputs":[]}
            """, to: Bus.topics.checkpoints, key: "partition|0")
        let run = try bus.haircut()
        let error = #expect(throws: KafkaError.self) { try run.settle() }
        let sentence = error?.description ?? ""
        #expect(sentence.contains("written with 8 partitions of quotes, and now there are 1"))
    }

    @Test func aSecondWorkerTakesOverWhereTheFirstWasFrozen() throws {
        try feed(1...5)
        let first = try bus.haircut()
        try first.settle()
        try feed(6...10)
        first.process.isFrozen = true
        bus.log.advance(to: bus.log.now + 30_000)
        let second = try bus.haircut()
        try second.settle()
        try expectGapless(10)
        // It wakes, with what it had read, and is told that it is no member any more.
        first.process.isFrozen = false
        try feed(11...12)
        for _ in 0..<200 {
            do { try first.worker.step(upTo: .milliseconds(1)) } catch { break }
            try second.worker.step(upTo: .milliseconds(1))
        }
        try second.settle()
        try expectGapless(12)
    }

    @Test func aRefusedRecordIsBuriedOnceAcrossRestarts() throws {
        try bus.send("{", to: Bus.topics.surfaces, key: "BTC")
        try bus.send("{", to: Bus.topics.quotes, key: "BTC")
        try bus.send("{", to: Bus.topics.controls, key: "BTC|freeze")
        for _ in 0..<3 {
            let run = try bus.haircut()
            try run.settle()
            run.stop()
        }
        #expect(bus.records(Bus.topics.deadLetters).count == 3)
    }

    /// The late end of the first transaction would end the second one half done.
    @Test func afterAnUnansweredCommitAnotherProducerBeginsTheNextTransaction() throws {
        try feed(1...5)
        let run = try bus.haircut()
        strike(run, .commitTransaction, .late(timeOut, milliseconds: 700))
        let begin = bus.log.now
        for number in 6...40 {
            try run.step(until: "its time") { bus.log.now >= begin + Int64(number) * 50 }
            try feed(number...number)
        }
        try run.settle()
        #expect(run.worker.counters.replacements == 1)
        run.stop()
        try expectGapless(40)
    }

    /// The shard it kept is given the controls once more beside the one it takes over.
    @Test func anOverrideOutlastsAnOlderWithdrawalWhenAnotherWorkerLeaves() throws {
        let bus = try MemoryBus(partitions: 2)
        try bus.send(.book(at: 0, sequence: 1))
        try bus.send(nil, to: Bus.topics.controls, key: "BTC|override", time: Message.at(1_000))
        try bus.send(
            """
            {"schema":"control.v1","asset":"BTC","time":"\(Message.at(2_000))","sequence":1,\
            "action":"override","initial":0.5,"maintenance":0.3,\
            "expires":"\(Message.at(3_600_000))","reason":"outage","by":"a","approvedBy":"b"}
            """, to: Bus.topics.controls, key: "BTC|override", time: Message.at(2_000))
        let first = try bus.haircut()
        try first.settle()
        let second = try bus.haircut()
        try second.step(until: "they share") {
            try first.worker.step(upTo: .zero)
            return second.worker.isServing && first.worker.counters.partitions == [0]
        }
        second.stop()
        try first.step(until: "it has both") { first.worker.counters.serving == [0, 1] }
        try bus.send(.book(at: 9_000, sequence: 2))
        try first.settle()
        let last = try #require(try bus.tables().last)
        #expect(last.time == Message.at(9_000))
        #expect(last.boundBy.contains(.override) && last.maintenance.double == 0.3)
    }

    @Test func whoGetsItsPartitionsBackSaysThatItServesThem() throws {
        let first = try bus.haircut()
        try first.settle()
        // There is one partition: the second gets none, but all have to join again.
        let second = try bus.haircut()
        try second.worker.step(upTo: .zero)
        try first.step(until: "it gives back") { first.worker.counters.serving.isEmpty }
        try first.step(until: "it serves again") { first.worker.counters.serving == [0] }
    }
}
