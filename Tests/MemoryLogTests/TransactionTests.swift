import Kafka
import MemoryLog
import Testing

@Suite struct TransactionTests {
    let bus: Bus

    init() throws { bus = try Bus() }

    // MARK: What readers see

    @Test func nothingOfAnOpenTransactionIsReadCommitted() throws {
        let writer = try Writer(bus)
        try writer.write("a")
        #expect(try bus.values() == [])
        #expect(try bus.values(0, of: Bus.stream, .readUncommitted) == ["a"])
    }

    @Test func aCommitShowsTheWholeTransactionInAllPartitions() throws {
        let writer = try Writer(bus)
        try writer.write("a", "b")
        try writer.write("c", to: 1)
        try writer.end()
        #expect(try bus.values(0) == ["a", "b"])
        #expect(try bus.values(1) == ["c"])
    }

    @Test func whatWasAbortedIsNeverReadCommitted() throws {
        let writer = try Writer(bus)
        try writer.write("a")
        try writer.end(isCommit: false)
        try writer.write("b")
        try writer.end()
        #expect(try bus.values() == ["b"])
        #expect(try bus.values(0, of: Bus.stream, .readUncommitted) == ["a", "b"])
    }

    @Test func committedRecordsBehindAnOpenTransactionWaitForItsEnd() throws {
        let slow = try Writer(bus, "slow")
        let quick = try Writer(bus, "quick")
        try bus.append("before")
        try slow.write("slow")
        try quick.write("quick")
        try quick.end()
        try bus.append("plain")
        #expect(try bus.values() == ["before"])
        #expect(try bus.log.partition(bus.place()).lastStableOffset == 1)
        try slow.end(isCommit: false)
        #expect(try bus.values() == ["before", "quick", "plain"])
    }

    @Test func aMarkerTakesUpAnOffset() throws {
        let writer = try Writer(bus)
        try writer.write("a")
        try writer.end()
        try bus.append("b")
        let partition = try bus.log.partition(bus.place())
        #expect(partition.records().map(\.offset) == [0, 2])
        #expect(partition.endOffset == 3)
    }

    @Test func aReaderPassesMarkersAndAbortedRecordsToTheEnd() throws {
        let writer = try Writer(bus)
        try writer.write("a", "b")
        try writer.end(isCommit: false)
        let read = try bus.log.partition(bus.place()).read(from: 0, .readCommitted, atMost: 1)
        #expect(read.records.isEmpty && read.nextOffset == 3 && read.isAtEnd)
    }

    @Test func markersMayBeVisibleInOnePartitionBeforeAnother() throws {
        bus.log.markerDelays = [5, 10]
        let writer = try Writer(bus)
        try writer.write("a", to: 0)
        try writer.write("b", to: 1)
        try writer.end()
        #expect(try bus.values(0) == [])
        bus.log.advance(to: 5)
        #expect(try bus.values(0) == ["a"])
        #expect(try bus.values(1) == [])
        bus.log.advance(to: 15)
        #expect(try bus.values(1) == ["b"])
    }

    // MARK: Ending

    @Test func theSameEndAskedForTwiceIsAnsweredTwiceAndDoneOnce() throws {
        let writer = try Writer(bus)
        try writer.write("a")
        try writer.end()
        try writer.end()
        #expect(try bus.log.partition(bus.place()).endOffset == 2)
    }

    @Test func anEndCannotBeChanged() throws {
        let writer = try Writer(bus)
        try writer.write("a")
        try writer.end()
        #expect(throws: BrokerError.invalidTransactionState) { try writer.end(isCommit: false) }
        #expect(try bus.values() == ["a"])
    }

    @Test func nothingCanBeEndedBeforeAnythingWasBegun() throws {
        let writer = try Writer(bus)
        #expect(throws: BrokerError.invalidTransactionState) { try writer.end() }
    }

    @Test func aTransactionThatIsBeingEndedTakesNoOtherRequest() throws {
        bus.log.markerDelays = [10]
        let writer = try Writer(bus)
        try writer.write("a")
        try writer.end()
        #expect(throws: BrokerError.concurrentTransactions) { try writer.end() }
        #expect(throws: BrokerError.invalidTransactionState) { try writer.end(isCommit: false) }
        #expect(throws: BrokerError.concurrentTransactions) { try writer.write("b") }
        bus.log.advance(to: 20)
        try writer.write("b")
        try writer.end()
        bus.log.advance(to: 40)
        #expect(try bus.values() == ["a", "b"])
    }

    @Test func aTransactionThatTakesTooLongIsAbortedAndItsProducerFenced() throws {
        let writer = try Writer(bus, timeout: 1_000)
        try writer.write("a")
        bus.log.advance(to: 999)
        #expect(bus.log.hasOpenTransaction("writer"))
        bus.log.advance(to: 1_000)
        #expect(!bus.log.hasOpenTransaction("writer"))
        #expect(throws: BrokerError.producerFenced) { try writer.end() }
        #expect(throws: BrokerError.producerFenced) { try writer.write("b") }
        #expect(try bus.values() == [])
    }

    // MARK: Fencing

    @Test func aNewInstanceAbortsAndFencesTheOldOne() throws {
        let old = try Writer(bus)
        try old.write("old")
        let new = try Writer(bus)
        #expect(new.identity.id == old.identity.id)
        #expect(new.identity.epoch > old.identity.epoch)
        #expect(throws: BrokerError.producerFenced) { try old.end() }
        #expect(throws: BrokerError.producerFenced) { try old.write("older") }
        #expect(throws: BrokerError.invalidProducerEpoch) {
            try old.resend(["older"], to: bus.place(), sequence: 1)
        }
        try new.write("new")
        try new.end()
        #expect(try bus.values() == ["new"])
    }

    @Test func aNewInstanceWaitsWhileTheOldOnesEndIsBeingWritten() throws {
        bus.log.markerDelays = [10]
        let old = try Writer(bus)
        try old.write("old")
        try old.end()
        #expect(throws: BrokerError.concurrentTransactions) { try Writer(bus) }
        bus.log.advance(to: 20)
        #expect(try bus.values() == ["old"])
        #expect(try Writer(bus).identity.epoch == old.identity.epoch + 1)
    }

    @Test func producersOfOtherIdsDoNotFenceEachOther() throws {
        let one = try Writer(bus, "one")
        let two = try Writer(bus, "two")
        try one.write("a")
        try two.write("b")
        try two.end()
        try one.end()
        #expect(try bus.values() == ["a", "b"])
    }

    @Test func anEndThatComesLateEndsALaterTransactionOfTheSameInstance() throws {
        let writer = try Writer(bus)
        try writer.write("first")
        try writer.end(isCommit: false)
        try writer.write("second")
        // The request of the first transaction's commit, on its way until now.
        try writer.end()
        #expect(try bus.values() == ["second"])
    }

    @Test func anEndThatComesLateIsFencedByANewInstance() throws {
        let old = try Writer(bus)
        try old.write("first")
        let new = try Writer(bus)
        try new.write("second")
        #expect(throws: BrokerError.producerFenced) { try old.end() }
        #expect(try bus.values() == [])
    }

    // MARK: Batches

    @Test func aBatchSentTwiceIsAppendedOnce() throws {
        let writer = try Writer(bus)
        try writer.write("a", "b")
        try writer.resend(["a", "b"], to: bus.place(), sequence: 0)
        try writer.end()
        #expect(try bus.values() == ["a", "b"])
    }

    @Test func aBatchAfterAMissingOneIsRefused() throws {
        let writer = try Writer(bus)
        try writer.write("a")
        #expect(throws: BrokerError.outOfOrderSequence) {
            try writer.resend(["c"], to: bus.place(), sequence: 2)
        }
    }

    @Test func aRecordOutsideOfATransactionIsRefused() throws {
        let writer = try Writer(bus)
        #expect(throws: BrokerError.invalidTransactionState) {
            try writer.resend(["a"], to: bus.place(), sequence: 0)
        }
        try writer.write("a")
        #expect(throws: BrokerError.invalidTransactionState) {
            try writer.resend(["b"], to: bus.place(1), sequence: 0)
        }
        try writer.end()
        #expect(throws: BrokerError.invalidTransactionState) {
            try writer.resend(["late"], to: bus.place(), sequence: 1)
        }
    }

    // MARK: Offsets

    @Test func offsetsOfATransactionCountOnceItIsCommitted() throws {
        let reader = try Reader(bus)
        let writer = try Writer(bus)
        try writer.sendOffset(5, of: reader.member())
        #expect(throws: BrokerError.unstableOffsetCommit) { try reader.committed() }
        try writer.end()
        #expect(try reader.committed() == 5)
    }

    @Test func offsetsOfAnAbortedTransactionNeverCount() throws {
        let reader = try Reader(bus)
        let writer = try Writer(bus)
        try writer.sendOffset(5, of: reader.member())
        try writer.end()
        try writer.sendOffset(9, of: reader.member())
        try writer.end(isCommit: false)
        #expect(try reader.committed() == 5)
    }

    @Test func offsetsOfAnOlderGenerationAreFenced() throws {
        let first = try Reader(bus)
        let zombie = try first.member()
        let second = try Reader(bus)
        try first.joinAgain()
        #expect(try second.member().generation == zombie.generation + 1)
        let writer = try Writer(bus)
        try writer.write("a")
        #expect(throws: BrokerError.illegalGeneration) { try writer.sendOffset(5, of: zombie) }
    }

    @Test func offsetsOfAMemberWhoseSessionEndedAreFenced() throws {
        let zombie = try Reader(bus).member()
        bus.log.advance(to: Reader.session)
        let writer = try Writer(bus, timeout: 60_000)
        #expect(throws: BrokerError.unknownMember) { try writer.sendOffset(5, of: zombie) }
    }
}
