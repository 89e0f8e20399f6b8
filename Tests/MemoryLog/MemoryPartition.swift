import Kafka

/// One partition: records and control markers in the order of their offsets.
///
/// Offsets are never used twice and may have holes: markers take one, compaction leaves some.
public final class MemoryPartition {
    /// What became of an entry's transaction.
    enum Outcome {
        case plain, open, committed, aborted
    }

    enum Content {
        case record(StoredRecord)
        /// The end of a producer's transaction.
        case marker(isCommit: Bool)
    }

    struct Entry {
        let offset: Int64
        let content: Content
        let producer: ProducerIdentity?
        var outcome: Outcome
        /// The transaction it is part of, counted over the log; nil outside of any.
        let transaction: Int?
        /// Milliseconds since 1970, of the append.
        let appendedAt: Int64

        var record: StoredRecord? {
            if case .record(let record) = content { record } else { nil }
        }
    }

    /// What the partition knows of a producer.
    private struct ProducerState {
        var epoch: Int16
        /// Of the next record; the first of an epoch may be anything.
        var nextSequence: Int?
    }

    /// Records read at once, and where to go on.
    public struct Fetched {
        public var records: [StoredRecord] = []
        /// Of each record, the transaction it is part of, counted over the log; nil for none.
        public var transactions: [Int?] = []
        /// Behind the last entry looked at, markers and aborted records included.
        public var nextOffset: Int64
        /// Nothing that may be shown lies at or behind `nextOffset`.
        public var isAtEnd: Bool
    }

    let isCompacted: Bool
    private(set) var entries: [Entry] = []
    /// The first offset that can be read; older ones were trimmed.
    public private(set) var startOffset: Int64 = 0
    /// The offset of the next entry, which is the high watermark: there is one replica.
    public private(set) var endOffset: Int64 = 0
    /// First offsets of the transactions that have not ended, by producer id.
    private var openTransactions: [Int64: Int64] = [:]
    private var producers: [Int64: ProducerState] = [:]

    private let number: Int32

    init(number: Int32, isCompacted: Bool) {
        self.number = number
        self.isCompacted = isCompacted
    }

    /// The first offset of the oldest transaction that has not ended, or the end.
    public var lastStableOffset: Int64 { openTransactions.values.min() ?? endOffset }

    /// Where a reader of this isolation comes to the end.
    public func end(_ isolation: Isolation) -> Int64 {
        isolation == .readCommitted ? lastStableOffset : endOffset
    }

    /// Appends records that are visible at once.
    @discardableResult
    public func append(_ records: [NewRecord], at now: Int64) throws(BrokerError) -> Int64 {
        try checkKeys(records)
        let base = endOffset
        for record in records { append(record, outcome: .plain, at: now) }
        return base
    }

    /// Appends a batch of a producer's transaction.
    ///
    /// - Parameters:
    ///   - sequence: of the first record, counted by the producer for this partition from 0 in each
    ///     epoch. A batch that is there already is not appended again.
    ///   - transaction: its number over the log.
    /// - Throws: `invalidProducerEpoch` for an older instance; `outOfOrderSequence` when a batch
    ///   before this one is missing.
    func append(
        _ records: [NewRecord], producer: ProducerIdentity, sequence: Int, transaction: Int,
        at now: Int64
    ) throws(BrokerError) {
        try checkKeys(records)
        var state = producers[producer.id] ?? ProducerState(epoch: producer.epoch)
        guard producer.epoch >= state.epoch else { throw .invalidProducerEpoch }
        if producer.epoch > state.epoch { state = ProducerState(epoch: producer.epoch) }
        if let expected = state.nextSequence {
            if sequence + records.count <= expected { return }
            guard sequence == expected else { throw .outOfOrderSequence }
        }
        if openTransactions[producer.id] == nil { openTransactions[producer.id] = endOffset }
        for record in records {
            append(
                record, producer: producer, outcome: .open, transaction: transaction, at: now)
        }
        state.nextSequence = sequence + records.count
        producers[producer.id] = state
    }

    private func checkKeys(_ records: [NewRecord]) throws(BrokerError) {
        if isCompacted, records.contains(where: { $0.key == nil }) { throw .invalidRecord }
    }

    private func append(
        _ record: NewRecord, producer: ProducerIdentity? = nil, outcome: Outcome,
        transaction: Int? = nil, at now: Int64
    ) {
        entries.append(
            Entry(
                offset: endOffset,
                content: .record(
                    StoredRecord(record, partition: number, offset: endOffset)),
                producer: producer, outcome: outcome, transaction: transaction, appendedAt: now))
        endOffset += 1
    }

    /// Writes the marker that ends a producer's transaction, and fences older epochs.
    func mark(_ producer: ProducerIdentity, isCommit: Bool, at now: Int64) {
        if let first = openTransactions.removeValue(forKey: producer.id) {
            for index in entries.indices[index(of: first)...]
            where entries[index].producer?.id == producer.id && entries[index].outcome == .open {
                entries[index].outcome = isCommit ? .committed : .aborted
            }
        }
        entries.append(
            Entry(
                offset: endOffset, content: .marker(isCommit: isCommit), producer: producer,
                outcome: .plain, transaction: nil, appendedAt: now))
        endOffset += 1
        let known = producers[producer.id]
        if known.map({ $0.epoch < producer.epoch }) ?? true {
            producers[producer.id] = ProducerState(epoch: producer.epoch)
        }
    }

    /// The first entry at or behind an offset.
    private func index(of offset: Int64) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].offset < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// Reads on from an offset.
    ///
    /// - Throws: `offsetOutOfRange` below the start and beyond the end.
    public func read(
        from offset: Int64, _ isolation: Isolation, atMost limit: Int = .max
    ) throws(BrokerError) -> Fetched {
        guard offset >= startOffset, offset <= endOffset else { throw .offsetOutOfRange }
        let end = end(isolation)
        var fetched = Fetched(nextOffset: offset, isAtEnd: true)
        var index = index(of: offset)
        while index < entries.count, entries[index].offset < end {
            let entry = entries[index]
            if let record = entry.record,
                isolation == .readUncommitted || entry.outcome != .aborted
            {
                guard fetched.records.count < limit else {
                    fetched.isAtEnd = false
                    return fetched
                }
                fetched.records.append(record)
                fetched.transactions.append(entry.transaction)
            }
            fetched.nextOffset = entry.offset + 1
            index += 1
        }
        fetched.nextOffset = max(fetched.nextOffset, end)
        return fetched
    }

    /// All that a reader of this isolation is shown.
    public func records(_ isolation: Isolation = .readCommitted) -> [StoredRecord] {
        // Reading from the start cannot be out of range.
        (try? read(from: startOffset, isolation))?.records ?? []
    }

    /// Deletes everything below an offset, as retention does.
    public func trim(before offset: Int64) {
        startOffset = max(startOffset, min(offset, lastStableOffset))
        entries.removeFirst(index(of: startOffset))
    }

    /// Keeps the newest record of each key, below the last stable offset and `bound` alone.
    ///
    /// Aborted records go. Tombstones and markers appended before `horizon` go as well; younger
    /// ones stay, so that a reader on its way still learns of them.
    public func compact(below bound: Int64 = .max, horizon: Int64 = .min) {
        let limit = min(bound, lastStableOffset)
        var newest: [[UInt8]: Int64] = [:]
        for entry in entries where entry.offset < limit && entry.outcome != .aborted {
            if let key = entry.record?.key { newest[Array(key)] = entry.offset }
        }
        entries.removeAll { entry in
            guard entry.offset < limit else { return false }
            guard let record = entry.record, let key = record.key else {
                return entry.appendedAt < horizon
            }
            if entry.outcome == .aborted || newest[Array(key)] != entry.offset { return true }
            return record.value == nil && entry.appendedAt < horizon
        }
    }
}
