import Kafka

/// A member of a group in one generation: what fences commits.
public struct GroupMember: Hashable, Sendable {
    public let group: String
    public let id: String
    public let generation: Int32
    /// Of static membership; nil for none.
    public let instance: String?

    public init(group: String, id: String, generation: Int32, instance: String?) {
        self.group = group
        self.id = id
        self.generation = generation
        self.instance = instance
    }
}

/// How a consumer takes part in its group.
public struct Membership {
    public var topics: [String]
    /// Of static membership; nil for none.
    public var instance: String?
    /// Milliseconds without a heartbeat after which the member is gone.
    public var sessionTimeout: Int64
    /// Milliseconds that members have to come back in when the group rebalances.
    public var rebalanceTimeout: Int64
    /// Asked when the session would end: whether the client's own thread has sent heartbeats.
    public var isBeating: () -> Bool

    public init(
        topics: [String], instance: String? = nil, sessionTimeout: Int64,
        rebalanceTimeout: Int64, isBeating: @escaping () -> Bool = { false }
    ) {
        self.topics = topics
        self.instance = instance
        self.sessionTimeout = sessionTimeout
        self.rebalanceTimeout = rebalanceTimeout
        self.isBeating = isBeating
    }
}

/// A consumer group as its coordinator knows it.
final class MemoryGroup {
    enum State {
        case empty, stable
        /// Waiting for members to join again, at most until the deadline.
        case preparing(deadline: Int64)
    }

    struct Member {
        let id: String
        var membership: Membership
        /// When its session ends.
        var deadline: Int64
        var hasJoined = true
        var assignment: [TopicPartition] = []

        /// By which members are put in order.
        var rank: String { membership.instance ?? id }
    }

    let name: String
    var state = State.empty
    var generation: Int32 = 0
    var members: [Member] = []
    var committed: [TopicPartition: CommittedOffset] = [:]
    /// Of transactions that have not ended, by producer id.
    var pending: [Int64: [TopicPartition: CommittedOffset]] = [:]
    /// Members whose place an instance of the same name has taken.
    var fenced: Set<String> = []

    init(name: String) { self.name = name }

    var nextDeadline: Int64? {
        let session = members.map(\.deadline).min()
        guard case .preparing(let deadline) = state else { return session }
        return min(session ?? deadline, deadline)
    }

    func index(of id: String) throws(BrokerError) -> Int {
        if let index = members.firstIndex(where: { $0.id == id }) { return index }
        throw fenced.contains(id) ? .fencedInstance : .unknownMember
    }

    /// Whether a commit comes from the present owner: a member of this generation, who may still
    /// commit what it did while the group waits for all to join again.
    ///
    /// As on Kafka, a commit that names neither member nor generation is not checked.
    func checkCommit(of member: GroupMember) throws(BrokerError) {
        if member.id.isEmpty, member.generation < 0, member.instance == nil { return }
        _ = try index(of: member.id)
        guard member.generation == generation else { throw .illegalGeneration }
    }

    func finishPending(of producer: Int64, isCommit: Bool) {
        guard let offsets = pending.removeValue(forKey: producer), isCommit else { return }
        for (place, offset) in offsets { committed[place] = offset }
    }
}
