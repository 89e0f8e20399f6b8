import Kafka
import MemoryLog
import Testing

@Suite struct GroupTests {
    let bus: Bus

    init() throws { bus = try Bus(partitions: 5) }

    @Test func oneMemberHasAllPartitions() throws {
        #expect(try Reader(bus).partitions() == [0, 1, 2, 3, 4])
    }

    @Test func membersShareNeighbouringPartitions() throws {
        let first = try Reader(bus)
        let second = try Reader(bus)
        try first.joinAgain()
        #expect(try first.partitions() == [0, 1, 2])
        #expect(try second.partitions() == [3, 4])
    }

    @Test func nobodyHasPartitionsUntilAllHaveJoinedAgain() throws {
        let first = try Reader(bus)
        let member = try first.member()
        let second = try Reader(bus)
        #expect(try second.partitions() == nil)
        #expect(throws: BrokerError.rebalanceInProgress) { try bus.log.heartbeat(member) }
        try first.joinAgain()
        #expect(try second.partitions() == [3, 4])
        try bus.log.heartbeat(first.member())
    }

    @Test func aMemberThatDoesNotComeBackInTimeIsOut() throws {
        let first = try Reader(bus)
        try bus.log.advanceBeating([first.member()], to: 5_000)
        let second = try Reader(bus)
        bus.log.advance(to: 5_000 + Reader.session)
        #expect(try second.partitions() == [0, 1, 2, 3, 4])
        #expect(throws: BrokerError.unknownMember) { try first.partitions() }
        #expect(throws: BrokerError.unknownMember) { try first.joinAgain() }
    }

    @Test func aMemberThatBeatsButDoesNotJoinIsOutAfterTheRebalanceTimeout() throws {
        let membership = Membership(
            topics: [Bus.stream], sessionTimeout: 1_000, rebalanceTimeout: 20_000,
            isBeating: { true })
        let first = try bus.log.join("readers", membership)
        let second = try Reader(bus)
        bus.log.advance(to: 19_999)
        #expect(try second.partitions() == nil)
        bus.log.advance(to: 20_000)
        #expect(try second.partitions() == [0, 1, 2, 3, 4])
        #expect(bus.log.members(of: "readers") == [second.id])
        #expect(first != second.id)
    }

    @Test func aMemberWithoutHeartbeatsLosesItsPartitionsAfterTheSessionTimeout() throws {
        let reader = try Reader(bus)
        let member = try reader.member()
        bus.log.advance(to: Reader.session - 1)
        try bus.log.heartbeat(member)
        bus.log.advance(to: 2 * Reader.session - 2)
        #expect(bus.log.members(of: "readers") == [reader.id])
        bus.log.advance(to: 2 * Reader.session - 1)
        #expect(bus.log.members(of: "readers") == [])
        #expect(throws: BrokerError.unknownMember) { try bus.log.heartbeat(member) }
    }

    @Test func whatAMemberThatLeavesHeldGoesToTheOthers() throws {
        let first = try Reader(bus)
        let second = try Reader(bus)
        try first.joinAgain()
        bus.log.leave("readers", member: first.id)
        #expect(throws: BrokerError.rebalanceInProgress) { try second.partitions() }
        try second.joinAgain()
        #expect(try second.partitions() == [0, 1, 2, 3, 4])
    }

    /// As on Kafka, whose answer to a sync is then that the group rebalances.
    @Test func aMemberThatDidNotLookWhileTheGroupWasStableMustJoinAgain() throws {
        let first = try Reader(bus)
        let second = try Reader(bus)
        try first.joinAgain()
        let third = try Reader(bus)
        try first.joinAgain()
        #expect(throws: BrokerError.rebalanceInProgress) { try second.partitions() }
        #expect(try first.partitions() == nil)
        try second.joinAgain()
        #expect(try second.partitions() == [2, 3])
        #expect(try third.partitions() == [4])
    }

    @Test func joiningAgainInAStableGroupChangesNothing() throws {
        let reader = try Reader(bus)
        let before = try reader.member()
        try reader.joinAgain()
        #expect(try reader.member() == before)
    }

    // MARK: Static members

    @Test func aStaticMemberComesBackToItsPartitionsWithoutARebalance() throws {
        let first = try Reader(bus, instance: "a")
        let second = try Reader(bus, instance: "b")
        try first.joinAgain()
        let before = try second.member()
        let again = try Reader(bus, instance: "a")
        #expect(try again.partitions() == [0, 1, 2])
        #expect(try again.member().generation == before.generation)
        try bus.log.heartbeat(before)
    }

    @Test func theOlderOfTwoStaticMembersOfOneNameIsFenced() throws {
        let old = try Reader(bus, instance: "a")
        let member = try old.member()
        let new = try Reader(bus, instance: "a")
        #expect(throws: BrokerError.fencedInstance) { try bus.log.heartbeat(member) }
        #expect(throws: BrokerError.fencedInstance) { try old.joinAgain() }
        let writer = try Writer(bus)
        #expect(throws: BrokerError.fencedInstance) { try writer.sendOffset(1, of: member) }
        try writer.sendOffset(1, of: new.member())
    }

    @Test func aStaticMemberThatLeavesIsWaitedForUntilItsSessionEnds() throws {
        let reader = try Reader(bus, instance: "a")
        bus.log.leave("readers", member: reader.id)
        #expect(bus.log.members(of: "readers") == [reader.id])
        bus.log.advance(to: Reader.session)
        #expect(bus.log.members(of: "readers") == [])
    }

    // MARK: Offsets

    @Test func offsetsAreKeptPerGroup() throws {
        let reader = try Reader(bus)
        let other = try Reader(bus, group: "others")
        try bus.log.commit([CommittedOffset(bus.place(), 7)], of: reader.member())
        #expect(try reader.committed() == 7)
        #expect(try other.committed() == nil)
    }

    @Test func anOlderGenerationCannotCommit() throws {
        let first = try Reader(bus)
        let zombie = try first.member()
        _ = try Reader(bus)
        // While the group waits, what was done may still be committed.
        try bus.log.commit([CommittedOffset(bus.place(), 1)], of: zombie)
        try first.joinAgain()
        #expect(throws: BrokerError.illegalGeneration) {
            try bus.log.commit([CommittedOffset(bus.place(), 2)], of: zombie)
        }
        #expect(try first.committed() == 1)
    }

    @Test func offsetsOutliveTheMembers() throws {
        let reader = try Reader(bus)
        try bus.log.commit([CommittedOffset(bus.place(), 7)], of: reader.member())
        bus.log.leave("readers", member: reader.id)
        #expect(try Reader(bus).committed() == 7)
    }
}

extension MemoryLog {
    /// Lets time pass with a heartbeat of each member every second.
    func advanceBeating(_ members: [GroupMember], to time: Int64) throws {
        while now < time {
            advance(to: min(time, now + 1_000))
            for member in members { try heartbeat(member) }
        }
    }
}
