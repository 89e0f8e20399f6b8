import Kafka

/// A member of a group on a log in memory, as ``Consumer`` is one on Kafka.
///
/// Requests happen inside the calls. Heartbeats are sent with each poll, and by the client's own
/// thread as long as the process is neither frozen nor killed and polls within its limit.
public final class MemoryConsumer: LogConsumer {
    private let process: MemoryProcess
    private let groupId: String
    let isolation: Isolation
    private let resetsToBeginning: Bool
    private let sessionTimeout: Int64
    private let pollLimit: Int64
    private let instance: String?

    private var topics: [String] = []
    private var memberId: String?
    private var member: GroupMember?
    /// Of the group's own partitions, those the owner holds; nil while it holds none.
    private var held: [TopicPartition]?
    private var memoryQueues: [MemoryQueue] = []
    private var events: [ClientEvent] = []
    private var lastPoll: Int64
    private var isClosed = false
    private var isFenced = false
    public private(set) var isAssignmentLost = false

    init(_ configuration: ClientConfiguration, of process: MemoryProcess) {
        self.process = process
        let properties = configuration.properties
        groupId = properties["group.id"] ?? ""
        isolation =
            properties["isolation.level"] == "read_uncommitted" ? .readUncommitted : .readCommitted
        resetsToBeginning =
            ["earliest", "smallest", "beginning"].contains(properties["auto.offset.reset"])
        sessionTimeout = properties["session.timeout.ms"].flatMap { Int64($0) } ?? 45_000
        pollLimit = properties["max.poll.interval.ms"].flatMap { Int64($0) } ?? 300_000
        instance = properties["group.instance.id"]
        lastPoll = process.log.now
    }

    public var queues: [any LogQueue] { memoryQueues }
    public var wake: @Sendable () -> Void { {} }

    public func subscribe(_ topics: [String]) throws(KafkaError) {
        try process.checkAlive("subscribe")
        self.topics = topics
    }

    public func describe(
        _ topics: [String], within limit: Duration
    ) throws(KafkaError) -> [String: TopicDescription] {
        try process.checkAlive("describe topics")
        var found: [String: TopicDescription] = [:]
        for name in topics {
            guard let count = process.log.partitionCount(of: name) else { continue }
            found[name] = TopicDescription(
                name: name, partitionCount: count, replication: 1, leaderless: [])
        }
        return found
    }

    public func assign(
        _ offsets: [TopicPartitionOffset], within limit: Duration
    ) throws(KafkaError) {
        try process.checkAlive("assign")
        // Ends are asked for first.
        let isAsking = offsets.contains { $0.start == .beginning || $0.start == .end }
        if isAsking { try process.request(.watermarks, "assign") {} }
        releaseQueues()
        var made: [MemoryQueue] = []
        for each in offsets {
            guard let partition = try? process.log.partition(each.topicPartition) else {
                throw KafkaError(
                    code: KafkaError.Code.unknownPartition,
                    operation: "assign \(each.topicPartition)")
            }
            made.append(
                MemoryQueue(
                    each.topicPartition, of: partition, process: process, isolation: isolation,
                    start: start(each, in: partition)))
        }
        memoryQueues = made
    }

    /// nil where there is no offset to start at: the partition stands still.
    private func start(_ each: TopicPartitionOffset, in partition: MemoryPartition) -> Int64? {
        switch each.start {
        case .beginning: return partition.startOffset
        case .end: return partition.end(isolation)
        case .at(let offset): return offset
        case .stored:
            let stored = process.log.groups[groupId]?.committed[each.topicPartition]?.offset
            return stored ?? (resetsToBeginning ? partition.startOffset : nil)
        }
    }

    private func releaseQueues() {
        for queue in memoryQueues { queue.discard() }
        memoryQueues = []
    }

    public func makeBatch(capacity: Int) -> RecordBatch { RecordBatch(capacity: capacity) }

    /// Does not wait: time passes when the test says so.
    @discardableResult
    public func wait(upTo limit: Duration) -> Bool { true }

    // MARK: Group

    public func poll(owner: (any PartitionOwner)?) {
        guard !isClosed, !process.isKilled, !topics.isEmpty, !isFenced else { return }
        lastPoll = process.log.now
        do throws(KafkaError) {
            if member == nil {
                try join(owner)
            } else {
                try beat(owner)
            }
        } catch {
            guard !process.isKilled else { return }
            events.append(.failure(error))
        }
    }

    private func join(_ owner: (any PartitionOwner)?) throws(KafkaError) {
        if memberId == nil {
            // Nobody sends heartbeats for a member whose joining was never answered.
            let answer = JoinAnswer()
            let membership = Membership(
                topics: topics, instance: instance, sessionTimeout: sessionTimeout,
                rebalanceTimeout: pollLimit,
                isBeating: { [weak self] in answer.hasCome && self?.isBeating ?? false })
            let (log, groupId) = (process.log, groupId)
            memberId = try process.request(.join, "join group \(groupId)") {
                () throws(BrokerError) in try log.join(groupId, membership)
            }
            answer.hasCome = true
        }
        try takeAssignment(owner)
    }

    private func takeAssignment(_ owner: (any PartitionOwner)?) throws(KafkaError) {
        guard let memberId else { return }
        let answer: (member: GroupMember, partitions: [TopicPartition])?
        do throws(BrokerError) {
            answer = try process.log.assignment(of: memberId, in: groupId)
        } catch {
            return error == .rebalanceInProgress ? joinAgain(owner) : lose(owner, error)
        }
        guard let answer else { return }
        member = answer.member
        held = answer.partitions
        isAssignmentLost = false
        guard !answer.partitions.isEmpty else { return }
        let wanted =
            owner?.partitionsAssigned(answer.partitions, to: self)
            ?? answer.partitions.map { TopicPartitionOffset($0, .stored) }
        guard !process.isKilled else { return }
        try assign(wanted, within: .seconds(5))
    }

    private var isBeating: Bool {
        !isClosed && !process.isFrozen && !process.isKilled
            && process.log.now - lastPoll < pollLimit
    }

    private func beat(_ owner: (any PartitionOwner)?) throws(KafkaError) {
        guard let member else { return }
        let log = process.log
        var answer: BrokerError?
        try process.request(.heartbeat, "send a heartbeat") { () throws(BrokerError) in
            do throws(BrokerError) {
                try log.heartbeat(member)
            } catch {
                answer = error
            }
        }
        guard let answer else { return }
        guard answer == .rebalanceInProgress else { return lose(owner, answer) }
        revoke(owner, lost: false)
        guard !process.isKilled else { return }
        // What the owner did may have taken longer than the others waited.
        joinAgain(owner)
        try takeAssignment(owner)
    }

    private func joinAgain(_ owner: (any PartitionOwner)?) {
        guard let memberId else { return }
        let membership = Membership(
            topics: topics, instance: instance, sessionTimeout: sessionTimeout,
            rebalanceTimeout: pollLimit, isBeating: { [weak self] in self?.isBeating ?? false })
        do throws(BrokerError) {
            _ = try process.log.join(groupId, as: memberId, membership)
        } catch {
            lose(owner, error)
        }
    }

    private func lose(_ owner: (any PartitionOwner)?, _ error: BrokerError) {
        isAssignmentLost = true
        revoke(owner, lost: true)
        memberId = nil
        guard error == .fencedInstance else { return }
        isFenced = true
        events.append(
            .failure(
                KafkaError(
                    code: error.rawValue, operation: "stay in group \(groupId)", isFatal: true)))
    }

    private func revoke(_ owner: (any PartitionOwner)?, lost: Bool) {
        if let held, !held.isEmpty { owner?.partitionsRevoked(held, lost: lost, from: self) }
        releaseQueues()
        held = nil
        member = nil
    }

    public func takeEvents() -> [ClientEvent] {
        defer { events = [] }
        return events
    }

    public func groupMetadata() throws(KafkaError) -> any GroupMetadata {
        try process.checkAlive("read the group's metadata")
        return MemoryGroupMetadata(
            member
                ?? GroupMember(group: groupId, id: "", generation: -1, instance: instance))
    }

    // MARK: Offsets

    public func commit(
        _ offsets: [CommittedOffset], within limit: Duration
    ) throws(KafkaError) {
        let log = process.log
        let member = member ?? GroupMember(group: groupId, id: "", generation: -1, instance: nil)
        try process.request(.commit, "commit offsets of group \(groupId)") {
            () throws(BrokerError) in try log.commit(offsets, of: member)
        }
    }

    public func commitLater(_ offsets: [CommittedOffset]) throws(KafkaError) {
        try process.checkAlive("commit offsets of group \(groupId)")
        do throws(KafkaError) {
            try commit(offsets, within: .zero)
            events.append(.committed(offsets, nil))
        } catch {
            events.append(.committed(offsets, error))
        }
    }

    public func committed(
        _ partitions: [TopicPartition], within limit: Duration
    ) throws(KafkaError) -> [CommittedOffset] {
        let (log, groupId) = (process.log, groupId)
        return try process.request(.committed, "read the offsets of group \(groupId)") {
            () throws(BrokerError) in try log.committed(partitions, of: groupId)
        }
    }

    public func watermarks(
        of partitions: [TopicPartition], within limit: Duration
    ) throws(KafkaError) -> [TopicPartition: Watermarks] {
        let (log, isolation) = (process.log, isolation)
        return try process.request(.watermarks, "ask for ends") { () throws(BrokerError) in
            var marks: [TopicPartition: Watermarks] = [:]
            for place in partitions {
                let partition = try log.partition(place)
                marks[place] = Watermarks(
                    low: partition.startOffset, high: partition.end(isolation))
            }
            return marks
        }
    }

    /// The end, records of open transactions included, as each fetch tells it.
    public func knownEnd(of partition: TopicPartition) -> Int64? {
        try? process.log.partition(partition).end(.readUncommitted)
    }

    @discardableResult
    public func close(owner: (any PartitionOwner)?, within limit: Duration) -> Shutdown {
        guard !isClosed else { return .clean }
        if !process.isKilled {
            revoke(owner, lost: false)
            if !process.isKilled, let memberId { process.log.leave(groupId, member: memberId) }
        }
        isClosed = true
        releaseQueues()
        return .clean
    }
}

/// Whether a member knows that it is one.
private final class JoinAnswer {
    var hasCome = false
}

/// A member of a generation, for a transaction.
final class MemoryGroupMetadata: GroupMetadata {
    let member: GroupMember

    init(_ member: GroupMember) { self.member = member }
}

/// One partition that is read. What is fetched is what is there at the moment of the drain.
public final class MemoryQueue: LogQueue {
    public let topicPartition: TopicPartition
    private let partition: MemoryPartition
    private let process: MemoryProcess
    private let isolation: Isolation
    /// Where to read on; nil when there is no such place, or the queue is discarded.
    private var position: Int64?
    private var isDiscarded = false
    private var hasReported = false

    init(
        _ topicPartition: TopicPartition, of partition: MemoryPartition, process: MemoryProcess,
        isolation: Isolation, start: Int64?
    ) {
        self.topicPartition = topicPartition
        self.partition = partition
        self.process = process
        self.isolation = isolation
        position = start
    }

    func discard() {
        isDiscarded = true
        position = nil
    }

    public var waiting: Int {
        guard let position else { return 0 }
        return max(0, Int(partition.end(isolation) - position))
    }

    @discardableResult
    public func drain(into batch: RecordBatch, wait: Duration) -> Int {
        batch.release()
        guard !isDiscarded, !process.isKilled else { return 0 }
        switch process.interfere(.fetch) {
        case .slow(let milliseconds): process.pass(milliseconds)
        case .frozen(let milliseconds): process.freeze(milliseconds: milliseconds)
        case .killedBefore, .killedAfter: process.kill()
        // The client fetches again by itself.
        case .refused, .answerLost, .late: return 0
        case .none: break
        }
        guard !isDiscarded, !process.isKilled else { return 0 }
        do throws(BrokerError) {
            guard let position else { throw .offsetOutOfRange }
            let limit = process.reads(topicPartition, batch.capacity)
            let fetched = try partition.read(from: position, isolation, atMost: limit)
            self.position = fetched.nextOffset
            batch.fill(
                with: fetched.records, source: topicPartition,
                endOffset: fetched.isAtEnd ? fetched.nextOffset : nil)
        } catch {
            guard !hasReported else { return 0 }
            hasReported = true
            let failure = KafkaError(
                code: KafkaError.Code.offsetReset, operation: "read \(topicPartition)")
            batch.fill(
                with: [], source: topicPartition, endOffset: nil,
                failures: [
                    PartitionFailure(
                        topicPartition: topicPartition, offset: position ?? -1, error: failure)
                ])
        }
        return batch.count
    }
}
