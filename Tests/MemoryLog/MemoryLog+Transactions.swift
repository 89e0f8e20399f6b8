import Kafka

/// A transactional id as its coordinator knows it.
final class Transaction {
    enum State {
        case empty, ongoing
        /// Decided; markers are being written.
        case preparing(isCommit: Bool)
        case complete(isCommit: Bool)
    }

    let id: String
    var producer: ProducerIdentity
    /// Milliseconds.
    var timeout: Int64
    var state = State.empty
    /// In the order in which they were added, which is that of the markers.
    var partitions: [TopicPartition] = []
    var groups: [String] = []
    var startedAt: Int64 = 0
    /// Of the present transaction, counted over the log.
    var number = 0

    init(id: String, producer: ProducerIdentity, timeout: Int64) {
        self.id = id
        self.producer = producer
        self.timeout = timeout
    }

    /// When the coordinator aborts it by itself.
    var deadline: Int64? {
        if case .ongoing = state { startedAt + timeout } else { nil }
    }
}

/// The transaction coordinator's requests.
extension MemoryLog {
    /// Registers an instance of a transactional id: older ones are fenced, and their transaction
    /// is aborted.
    ///
    /// - Parameter timeout: milliseconds after which an open transaction is aborted.
    /// - Throws: `concurrentTransactions` while an older transaction is being ended: ask again.
    public func initializeProducer(
        _ id: String, timeout: Int64
    ) throws(BrokerError) -> ProducerIdentity {
        guard let transaction = transactions[id] else {
            let producer = ProducerIdentity(id: nextProducerId, epoch: 0)
            nextProducerId += 1
            transactions[id] = Transaction(id: id, producer: producer, timeout: timeout)
            return producer
        }
        transaction.timeout = timeout
        switch transaction.state {
        case .ongoing:
            bumpEpoch(of: transaction)
            finish(transaction, isCommit: false)
            guard case .complete = transaction.state else { throw .concurrentTransactions }
        case .preparing:
            throw .concurrentTransactions
        case .empty, .complete:
            bumpEpoch(of: transaction)
        }
        transaction.state = .empty
        return transaction.producer
    }

    private func bumpEpoch(of transaction: Transaction) {
        if transaction.producer.epoch < .max - 1 {
            transaction.producer = ProducerIdentity(
                id: transaction.producer.id, epoch: transaction.producer.epoch + 1)
        } else {
            transaction.producer = ProducerIdentity(id: nextProducerId, epoch: 0)
            nextProducerId += 1
        }
    }

    /// The transaction of an id, if this producer is its newest instance.
    private func transaction(
        _ id: String, _ producer: ProducerIdentity
    ) throws(BrokerError) -> Transaction {
        guard let transaction = transactions[id], transaction.producer.id == producer.id else {
            throw .invalidProducerIdMapping
        }
        guard transaction.producer.epoch == producer.epoch else { throw .producerFenced }
        return transaction
    }

    /// Opens the transaction if none is open.
    private func open(_ transaction: Transaction) throws(BrokerError) {
        switch transaction.state {
        case .preparing: throw .concurrentTransactions
        case .ongoing: return
        case .empty, .complete:
            transaction.state = .ongoing
            transactionCount += 1
            transaction.number = transactionCount
            transaction.startedAt = now
            transaction.partitions = []
            transaction.groups = []
        }
    }

    /// Makes partitions part of the transaction, and begins it with the first.
    public func addPartitions(
        _ partitions: [TopicPartition], to id: String, _ producer: ProducerIdentity
    ) throws(BrokerError) {
        for place in partitions { _ = try partition(place) }
        let transaction = try transaction(id, producer)
        try open(transaction)
        for place in partitions where !transaction.partitions.contains(place) {
            transaction.partitions.append(place)
        }
    }

    /// Appends a batch within the transaction.
    ///
    /// - Parameter sequence: of the batch's first record; see
    ///   ``MemoryPartition/append(_:producer:sequence:transaction:at:)``.
    /// - Throws: `invalidTransactionState` when the partition was not added to a transaction that
    ///   is open: a record that comes after its transaction's end leaves nothing hanging.
    public func append(
        _ records: [NewRecord], to place: TopicPartition, in id: String,
        _ producer: ProducerIdentity, sequence: Int
    ) throws(BrokerError) {
        try check(records)
        let partition = try partition(place)
        guard let transaction = transactions[id], transaction.producer.id == producer.id,
            transaction.producer.epoch == producer.epoch
        else { throw .invalidProducerEpoch }
        guard case .ongoing = transaction.state, transaction.partitions.contains(place) else {
            throw .invalidTransactionState
        }
        try partition.append(
            records, producer: producer, sequence: sequence, transaction: transaction.number,
            at: now)
    }

    /// Makes input offsets part of the transaction: they count once it is committed.
    ///
    /// - Throws: `illegalGeneration`, `unknownMember` or `fencedInstance` when the group has moved
    ///   on: that fences a member that does not know it yet.
    public func sendOffsets(
        _ offsets: [CommittedOffset], of member: GroupMember, to id: String,
        _ producer: ProducerIdentity
    ) throws(BrokerError) {
        let transaction = try transaction(id, producer)
        try open(transaction)
        if !transaction.groups.contains(member.group) { transaction.groups.append(member.group) }
        let group = group(member.group)
        try group.checkCommit(of: member)
        for offset in offsets {
            group.pending[producer.id, default: [:]][offset.topicPartition] = offset
        }
    }

    /// Commits or aborts. Asked again after it was done, it says so again.
    ///
    /// - Throws: `producerFenced` for an older instance; `invalidTransactionState` when there is
    ///   nothing to end, or it was ended the other way; `concurrentTransactions` while it is being
    ///   ended.
    public func endTransaction(
        _ id: String, _ producer: ProducerIdentity, isCommit: Bool
    ) throws(BrokerError) {
        let transaction = try transaction(id, producer)
        switch transaction.state {
        case .empty:
            throw .invalidTransactionState
        case .ongoing:
            finish(transaction, isCommit: isCommit)
        case .preparing(let decided):
            throw decided == isCommit ? .concurrentTransactions : .invalidTransactionState
        case .complete(let decided):
            guard decided == isCommit else { throw .invalidTransactionState }
        }
    }

    /// The decision, and the markers that make it visible partition by partition.
    private func finish(_ transaction: Transaction, isCommit: Bool) {
        transaction.state = .preparing(isCommit: isCommit)
        let producer = transaction.producer
        var actions: [() -> Void] = transaction.partitions.map { place in
            { [self] in
                // A topic that was deleted meanwhile needs no marker.
                (try? partition(place))?.mark(producer, isCommit: isCommit, at: now)
            }
        }
        for name in transaction.groups {
            actions.append { [self] in
                group(name).finishPending(of: producer.id, isCommit: isCommit)
            }
        }
        actions.append {
            transaction.state = .complete(isCommit: isCommit)
            transaction.partitions = []
            transaction.groups = []
        }
        var time = now
        for (number, action) in actions.enumerated() {
            if !markerDelays.isEmpty { time += markerDelays[number % markerDelays.count] }
            schedule(at: time, action)
        }
    }

    /// Aborts transactions that were open for too long, and fences their producers.
    func expireTransactions() {
        for id in transactions.keys.sorted() {
            guard let transaction = transactions[id], let deadline = transaction.deadline,
                deadline <= now
            else { continue }
            bumpEpoch(of: transaction)
            finish(transaction, isCommit: false)
        }
    }

    /// Whether a transactional id has a transaction that was neither committed nor aborted, or
    /// whose end is not visible everywhere yet.
    public func hasOpenTransaction(_ id: String) -> Bool {
        switch transactions[id]?.state {
        case .ongoing, .preparing: true
        case .empty, .complete, nil: false
        }
    }
}
