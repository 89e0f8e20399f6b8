import Kafka

/// The group coordinator's requests.
extension MemoryLog {
    func group(_ name: String) -> MemoryGroup {
        if let group = groups[name] { return group }
        let group = MemoryGroup(name: name)
        groups[name] = group
        return group
    }

    /// Joins, or joins again when the group rebalances.
    ///
    /// - Parameter member: the id this returned before; nil the first time.
    /// - Returns: the member's id. Its partitions follow once all members have joined: see
    ///   ``assignment(of:in:)``.
    /// - Throws: `unknownMember` when the group has dropped this member: join as a new one;
    ///   `fencedInstance` when another instance of its name has taken its place.
    public func join(
        _ name: String, as member: String? = nil, _ membership: Membership
    ) throws(BrokerError) -> String {
        let group = group(name)
        if let member {
            try rejoin(group, as: member, membership)
            return member
        }
        let id = "member-\(nextMember)"
        nextMember += 1
        let deadline = now + membership.sessionTimeout
        var newcomer = MemoryGroup.Member(id: id, membership: membership, deadline: deadline)
        if let instance = membership.instance,
            let index = group.members.firstIndex(where: { $0.membership.instance == instance })
        {
            // A static member that comes back takes its partitions over, without a rebalance.
            let old = group.members[index]
            group.fenced.insert(old.id)
            newcomer.assignment = old.assignment
            group.members[index] = newcomer
            if case .stable = group.state, old.membership.topics == membership.topics {
                return id
            }
            prepare(group)
            group.members[index].hasJoined = true
        } else {
            prepare(group)
            group.members.append(newcomer)
        }
        completeIfAllJoined(group)
        return id
    }

    private func rejoin(
        _ group: MemoryGroup, as member: String, _ membership: Membership
    ) throws(BrokerError) {
        let index = try group.index(of: member)
        let isChanged = group.members[index].membership.topics != membership.topics
        group.members[index].membership = membership
        group.members[index].deadline = now + membership.sessionTimeout
        // In a stable group a member that joins again is told what it has.
        if case .stable = group.state, !isChanged { return }
        prepare(group)
        group.members[index].hasJoined = true
        completeIfAllJoined(group)
    }

    /// The member's partitions, with the generation they belong to; nil while the group waits for
    /// others to join.
    ///
    /// - Throws: `rebalanceInProgress` when the group has begun to wait once more since the member
    ///   joined: it must join again, or it is waited for until it is out; `unknownMember` or
    ///   `fencedInstance` when it has lost its place.
    public func assignment(
        of member: String, in name: String
    ) throws(BrokerError) -> (member: GroupMember, partitions: [TopicPartition])? {
        let group = group(name)
        let index = try group.index(of: member)
        guard case .stable = group.state else {
            if group.members[index].hasJoined { return nil }
            throw .rebalanceInProgress
        }
        let instance = group.members[index].membership.instance
        return (
            GroupMember(
                group: name, id: member, generation: group.generation, instance: instance),
            group.members[index].assignment
        )
    }

    /// Says that a member is alive.
    ///
    /// - Throws: `rebalanceInProgress` when it must give its partitions back and join again;
    ///   `unknownMember`, `fencedInstance` or `illegalGeneration` when it has lost them.
    public func heartbeat(_ member: GroupMember) throws(BrokerError) {
        let group = group(member.group)
        let index = try group.index(of: member.id)
        guard member.generation == group.generation else { throw .illegalGeneration }
        group.members[index].deadline = now + group.members[index].membership.sessionTimeout
        if case .preparing = group.state { throw .rebalanceInProgress }
    }

    /// Leaves; the others share what it held. A static member does not leave, it is waited for.
    public func leave(_ name: String, member: String) {
        let group = group(name)
        guard let index = group.members.firstIndex(where: { $0.id == member }),
            group.members[index].membership.instance == nil
        else { return }
        group.members.remove(at: index)
        prepare(group)
        completeIfAllJoined(group)
    }

    /// Commits offsets outside of a transaction.
    public func commit(
        _ offsets: [CommittedOffset], of member: GroupMember
    ) throws(BrokerError) {
        let group = group(member.group)
        try group.checkCommit(of: member)
        for offset in offsets { group.committed[offset.topicPartition] = offset }
    }

    /// What was committed for partitions, those alone for which something was.
    ///
    /// - Throws: `unstableOffsetCommit` while a transaction that is open holds one of them: its
    ///   outcome decides, so ask again.
    public func committed(
        _ partitions: [TopicPartition], of name: String
    ) throws(BrokerError) -> [CommittedOffset] {
        let group = group(name)
        for offsets in group.pending.values where partitions.contains(where: { offsets[$0] != nil })
        {
            throw .unstableOffsetCommit
        }
        return partitions.compactMap { group.committed[$0] }
    }

    /// The ids of a group's members, in the order in which they came.
    public func members(of name: String) -> [String] { groups[name]?.members.map(\.id) ?? [] }

    // MARK: Rebalance

    /// All members have to join again, within the longest time one of them asks for.
    private func prepare(_ group: MemoryGroup) {
        if case .preparing = group.state { return }
        for index in group.members.indices { group.members[index].hasJoined = false }
        let wait = group.members.map(\.membership.rebalanceTimeout).max() ?? 0
        group.state = .preparing(deadline: now + wait)
    }

    private func completeIfAllJoined(_ group: MemoryGroup) {
        guard case .preparing = group.state, group.members.allSatisfy(\.hasJoined) else { return }
        complete(group)
    }

    /// Ends the wait: who has not come back is out, unless it is static, and the others share.
    private func complete(_ group: MemoryGroup) {
        group.members.removeAll { !$0.hasJoined && $0.membership.instance == nil }
        group.generation += 1
        group.state = group.members.isEmpty ? .empty : .stable
        for index in group.members.indices {
            group.members[index].assignment = []
            group.members[index].deadline = now + group.members[index].membership.sessionTimeout
        }
        for topic in Set(group.members.flatMap(\.membership.topics)).sorted() {
            assign(topic, in: group)
        }
    }

    /// The range assignor: neighbouring partitions to each member in the order of their names.
    private func assign(_ topic: String, in group: MemoryGroup) {
        let takers = group.members.indices.filter {
            group.members[$0].membership.topics.contains(topic)
        }.sorted { group.members[$0].rank < group.members[$1].rank }
        let count = partitionCount(of: topic) ?? 0
        var next = 0
        for (place, member) in takers.enumerated() {
            let share = count / takers.count + (place < count % takers.count ? 1 : 0)
            group.members[member].assignment += (next..<next + share).map {
                TopicPartition(topic, Int32($0))
            }
            next += share
        }
    }

    func expireGroups() {
        for name in groups.keys.sorted() {
            guard let group = groups[name] else { continue }
            expireSessions(of: group)
            if case .preparing(let deadline) = group.state, deadline <= now { complete(group) }
        }
    }

    private func expireSessions(of group: MemoryGroup) {
        var hasLost = false
        let isPreparing = if case .preparing = group.state { true } else { false }
        for member in group.members where member.deadline <= now {
            guard let index = group.members.firstIndex(where: { $0.id == member.id }) else {
                continue
            }
            // One that has joined again waits for the others and is not counted out meanwhile.
            if member.membership.isBeating() || isPreparing && member.hasJoined {
                group.members[index].deadline = now + member.membership.sessionTimeout
            } else {
                group.members.remove(at: index)
                hasLost = true
            }
        }
        guard hasLost else { return }
        prepare(group)
        completeIfAllJoined(group)
    }
}
