import Kafka

/// A Kafka cluster as a value in memory: what brokers and coordinators promise, and nothing of how
/// they do it. Deterministic and single-threaded; time is what ``advance(to:)`` says.
///
/// The semantics are those of Apache Kafka 4.0 with clients of transactions' first version, as
/// docs/reliability.md describes. Requests are answered at once; delays, losses and failures are
/// the clients' part.
public final class MemoryLog {
    public enum Cleanup: Sendable {
        case delete, compact
    }

    /// Milliseconds since 1970.
    public private(set) var now: Int64
    private var topics: [String: [MemoryPartition]] = [:]
    var transactions: [String: Transaction] = [:]
    var groups: [String: MemoryGroup] = [:]
    var nextProducerId: Int64 = 1_000
    var nextMember = 1
    var transactionCount = 0
    /// How long the coordinator takes to write the markers of a transaction's end, milliseconds
    /// after it was decided, one for each partition in turn. Empty: at once.
    public var markerDelays: [Int64] = []
    /// The largest record that is taken, key and value together.
    public var maximumRecordBytes = 1_000_000

    private struct Scheduled {
        let time: Int64
        let order: Int
        let action: () -> Void
    }
    private var scheduled: [Scheduled] = []
    private var scheduledCount = 0

    /// - Parameter now: milliseconds since 1970.
    public init(now: Int64) { self.now = now }

    // MARK: Topics

    /// - Throws: `topicAlreadyExists`.
    public func createTopic(
        _ name: String, partitions: Int, cleanup: Cleanup = .delete
    ) throws(BrokerError) {
        guard topics[name] == nil else { throw .topicAlreadyExists }
        topics[name] = (0..<partitions).map {
            MemoryPartition(number: Int32($0), isCompacted: cleanup == .compact)
        }
    }

    public var topicNames: [String] { topics.keys.sorted() }

    /// nil for a topic that does not exist.
    public func partitionCount(of topic: String) -> Int? { topics[topic]?.count }

    public func cleanup(of topic: String) -> Cleanup? {
        topics[topic]?.first.map { $0.isCompacted ? .compact : .delete }
    }

    /// - Throws: `unknownTopicOrPartition`.
    public func partition(_ place: TopicPartition) throws(BrokerError) -> MemoryPartition {
        guard let partitions = topics[place.topic], place.partition >= 0,
            Int(place.partition) < partitions.count
        else { throw .unknownTopicOrPartition }
        return partitions[Int(place.partition)]
    }

    /// All partitions of a topic; empty when it does not exist.
    public func partitions(of topic: String) -> [MemoryPartition] { topics[topic] ?? [] }

    /// Appends records outside of any transaction.
    ///
    /// - Returns: the offset of the first.
    @discardableResult
    public func append(
        _ records: [NewRecord], to place: TopicPartition
    ) throws(BrokerError) -> Int64 {
        try check(records)
        return try partition(place).append(records, at: now)
    }

    func check(_ records: [NewRecord]) throws(BrokerError) {
        for record in records
        where (record.key?.count ?? 0) + (record.value?.count ?? 0) > maximumRecordBytes {
            throw .messageTooLarge
        }
    }

    // MARK: Time

    /// Does something when a time has come, milliseconds since 1970; at once if it has.
    public func schedule(at time: Int64, _ action: @escaping () -> Void) {
        guard time > now else { return action() }
        scheduledCount += 1
        let entry = Scheduled(time: time, order: scheduledCount, action: action)
        let index = scheduled.firstIndex { $0.time > time } ?? scheduled.count
        scheduled.insert(entry, at: index)
    }

    /// Lets time pass: what was scheduled happens, sessions, rebalances and transactions time out,
    /// each at its own time and in its order.
    public func advance(to time: Int64) {
        while let next = nextDeadline(), next <= time {
            now = max(now, next)
            if let first = scheduled.first, first.time <= now {
                scheduled.removeFirst()
                first.action()
            } else {
                expireGroups()
                expireTransactions()
            }
        }
        now = max(now, time)
    }

    private func nextDeadline() -> Int64? {
        var next = scheduled.first?.time
        for group in groups.values {
            if let deadline = group.nextDeadline { next = min(next ?? deadline, deadline) }
        }
        for transaction in transactions.values {
            if let deadline = transaction.deadline { next = min(next ?? deadline, deadline) }
        }
        return next
    }
}
