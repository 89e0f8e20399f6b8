import Kafka
import MemoryLog
import Testing

/// A log at time 0 with one topic of each kind, and short names for what tests do with it.
struct Bus {
    let log = MemoryLog(now: 0)
    static let stream = "stream"
    static let table = "table"

    init(partitions: Int = 2) throws {
        try log.createTopic(Self.stream, partitions: partitions)
        try log.createTopic(Self.table, partitions: partitions, cleanup: .compact)
    }

    func place(_ partition: Int32 = 0, of topic: String = stream) -> TopicPartition {
        TopicPartition(topic, partition)
    }

    /// The values a reader of a partition is shown, in order; a tombstone is `key:`.
    func values(
        _ partition: Int32 = 0, of topic: String = stream, _ isolation: Isolation = .readCommitted
    ) throws -> [String] {
        try log.partition(place(partition, of: topic)).records(isolation).map {
            $0.valueText ?? "\($0.keyText ?? ""):"
        }
    }

    func append(_ values: String..., to partition: Int32 = 0) throws {
        try log.append(values.map { record("key", $0) }, to: place(partition))
    }

    /// Sets a key of the table; nil is a tombstone.
    func set(_ key: String, _ value: String?) throws {
        try log.append([record(key, value)], to: place(of: Self.table))
    }

    func record(_ key: String, _ value: String?) -> NewRecord {
        NewRecord(key: Array(key.utf8), value: value.map { Array($0.utf8) }, timestamp: log.now)
    }
}

/// An instance of a transactional id that counts its batches.
final class Writer {
    let bus: Bus
    let id: String
    let identity: ProducerIdentity
    private var sequences: [TopicPartition: Int] = [:]

    init(_ bus: Bus, _ id: String = "writer", timeout: Int64 = 10_000) throws {
        self.bus = bus
        self.id = id
        identity = try bus.log.initializeProducer(id, timeout: timeout)
    }

    func write(_ values: String..., to partition: Int32 = 0) throws {
        let place = bus.place(partition)
        try bus.log.addPartitions([place], to: id, identity)
        try resend(values, to: place, sequence: sequences[place, default: 0])
        sequences[place, default: 0] += values.count
    }

    func resend(_ values: [String], to place: TopicPartition, sequence: Int) throws {
        try bus.log.append(
            values.map { bus.record("key", $0) }, to: place, in: id, identity, sequence: sequence)
    }

    func sendOffset(_ offset: Int64, of member: GroupMember) throws {
        try bus.log.sendOffsets(
            [CommittedOffset(bus.place(), offset)], of: member, to: id, identity)
    }

    func end(isCommit: Bool = true) throws {
        try bus.log.endTransaction(id, identity, isCommit: isCommit)
    }
}

/// A member of a group that does what it is told.
final class Reader {
    let bus: Bus
    let group: String
    let membership: Membership
    var id: String
    static let session: Int64 = 10_000
    static let rebalance: Int64 = 20_000

    init(_ bus: Bus, group: String = "readers", instance: String? = nil) throws {
        self.bus = bus
        self.group = group
        membership = Membership(
            topics: [Bus.stream], instance: instance, sessionTimeout: Self.session,
            rebalanceTimeout: Self.rebalance)
        id = try bus.log.join(group, membership)
    }

    func joinAgain() throws { id = try bus.log.join(group, as: id, membership) }

    /// Numbers of the partitions it holds; nil while the group waits.
    func partitions() throws -> [Int32]? {
        try bus.log.assignment(of: id, in: group)?.partitions.map(\.partition)
    }

    func member() throws -> GroupMember {
        try #require(try bus.log.assignment(of: id, in: group)).member
    }

    func committed() throws -> Int64? {
        try bus.log.committed([bus.place()], of: group).first?.offset
    }
}
