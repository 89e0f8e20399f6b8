import Kafka

/// A producer on a log in memory, as ``Producer`` is one on Kafka.
///
/// Messages wait in its queue until it is polled or flushed, or a transaction ends. What could not
/// be sent stays there and is sent again; the broker knows a batch that it has.
public final class MemoryProducer: LogProducer {
    private struct Message {
        let place: TopicPartition
        let record: NewRecord
        let tag: Int
    }

    enum State {
        case uninitialized, ready, open
        /// The end was asked for and is not known to be done.
        case ending(isCommit: Bool)
        /// Nothing but an abort is taken.
        case broken(KafkaError)
        /// Nothing is taken any more.
        case dead(KafkaError)
    }

    let process: MemoryProcess
    public let transactionalId: String?
    private let timeout: Int64
    private let capacity: Int
    private var topicNames: [String] = []
    private var queue: [Message] = []
    private var counters: [Deliveries]
    private var events: [ClientEvent] = []
    private var sequences: [TopicPartition: Int] = [:]
    /// Partitions of which it is not known whether the last batch was written.
    private var doubtful: Set<TopicPartition> = []
    /// Partitions of messages outside of a transaction that are written but not acknowledged.
    private var unacknowledged: [TopicPartition: Int] = [:]
    private var keyless: UInt32 = 0
    var identity: ProducerIdentity?
    var state: State
    /// Whether the coordinator knows of the present transaction.
    var hasBegun = false

    init(_ configuration: ClientConfiguration, deliveryTags: Int, of process: MemoryProcess) {
        self.process = process
        let properties = configuration.properties
        transactionalId = properties["transactional.id"]
        timeout = properties["transaction.timeout.ms"].flatMap { Int64($0) } ?? 60_000
        capacity = properties["queue.buffering.max.messages"].flatMap { Int($0) } ?? 100_000
        counters = Array(repeating: Deliveries(), count: deliveryTags)
        state = transactionalId == nil ? .ready : .uninitialized
    }

    public var isInTransaction: Bool {
        switch state {
        case .open, .ending, .broken: true
        case .uninitialized, .ready, .dead: false
        }
    }

    public var outstanding: Int { queue.count }

    public var fatalError: KafkaError? {
        if case .dead(let error) = state { error } else { nil }
    }

    // MARK: Producing

    public func topic(_ name: String) throws(KafkaError) -> Producer.Topic {
        try process.checkAlive("use topic \(name)")
        if let index = topicNames.firstIndex(of: name) { return Producer.Topic(index: index) }
        topicNames.append(name)
        return Producer.Topic(index: topicNames.count - 1)
    }

    @discardableResult
    public func produce(
        to topic: Producer.Topic, partition: Int32?, key: UnsafeRawBufferPointer?,
        value: UnsafeRawBufferPointer?, timestampMilliseconds: Int64?, headers: [Header], tag: Int
    ) throws(KafkaError) -> Producer.Admission {
        let name = topicNames[topic.index]
        let operation = "produce to \(name)"
        try process.checkAlive(operation)
        if transactionalId != nil { try checkOpen(operation) }
        let size = (key?.count ?? 0) + (value?.count ?? 0)
        guard size <= process.log.maximumRecordBytes else {
            throw KafkaError(code: KafkaError.Code.messageTooLarge, operation: operation)
        }
        guard let count = process.log.partitionCount(of: name) else {
            throw KafkaError(code: KafkaError.Code.unknownTopic, operation: operation)
        }
        let number = partition ?? self.partition(of: key, count: Int32(count))
        guard number >= 0, number < count else {
            throw KafkaError(code: KafkaError.Code.unknownPartition, operation: operation)
        }
        guard queue.count < capacity else { return .queueFull }
        let record = NewRecord(
            key: key.map(Array.init), value: value.map(Array.init),
            timestamp: timestampMilliseconds ?? process.log.now, headers: headers)
        queue.append(Message(place: TopicPartition(name, number), record: record, tag: tag))
        counters[tag].accepted += 1
        return .queued
    }

    /// As the partitioner `murmur2_random`, with turns in place of randomness.
    private func partition(of key: UnsafeRawBufferPointer?, count: Int32) -> Int32 {
        if let key { return murmur2Partition(of: key, partitionCount: count) }
        keyless &+= 1
        return Int32(keyless % UInt32(count))
    }

    /// Sends what is in the queue, a batch for each partition.
    func send() {
        if case .dead = state { return }
        if case .broken = state { return }
        while let place = queue.first?.place {
            let batch = queue.filter { $0.place == place }
            do throws(KafkaError) {
                try send(batch.map(\.record), to: place)
                settle(place) { $0.delivered += 1 }
            } catch {
                guard !process.isKilled else { return }
                if error.isFatal || Self.fencing.contains(error.code) {
                    die(error)
                } else if error.requiresAbort || !error.isRetriable {
                    fail(place, error)
                }
                return
            }
        }
    }

    private func send(_ records: [NewRecord], to place: TopicPartition) throws(KafkaError) {
        let log = process.log
        let operation = "deliver messages to \(place)"
        guard let id = transactionalId, let identity else {
            return try sendPlain(records, to: place, operation)
        }
        let sequence = sequences[place, default: 0]
        doubtful.insert(place)
        hasBegun = true
        try process.request(.produce, operation) { () throws(BrokerError) in
            try log.addPartitions([place], to: id, identity)
            try log.append(records, to: place, in: id, identity, sequence: sequence)
        }
        doubtful.remove(place)
        sequences[place] = sequence + records.count
    }

    /// Outside of a transaction: what is written once is not written again.
    private func sendPlain(
        _ records: [NewRecord], to place: TopicPartition, _ operation: String
    ) throws(KafkaError) {
        let log = process.log
        try process.request(.produce, operation) { [self] () throws(BrokerError) in
            let new = Array(records.dropFirst(unacknowledged[place, default: 0]))
            try log.append(new, to: place)
            unacknowledged[place] = records.count
        }
        unacknowledged[place] = nil
    }

    private func settle(_ place: TopicPartition, _ count: (inout Deliveries) -> Void) {
        for message in queue where message.place == place { count(&counters[message.tag]) }
        queue.removeAll { $0.place == place }
    }

    private func fail(_ place: TopicPartition, _ error: KafkaError) {
        for message in queue where message.place == place {
            events.append(.undelivered(place, tag: message.tag, error))
        }
        settle(place) {
            $0.failed += 1
            $0.lastFailureCode = error.code
        }
        guard transactionalId != nil else { return }
        state = .broken(
            KafkaError(
                code: error.code, operation: error.operation, reason: error.reason, isFatal: false,
                isRetriable: false, requiresAbort: true))
    }

    static let fencing = [
        BrokerError.producerFenced.rawValue, BrokerError.invalidProducerEpoch.rawValue,
        BrokerError.invalidProducerIdMapping.rawValue,
    ]

    /// Another instance has taken over, or the client cannot go on.
    func die(_ error: KafkaError) {
        let isFenced = Self.fencing.contains(error.code)
        state = .dead(
            KafkaError(
                code: isFenced ? KafkaError.Code.fenced : error.code, operation: error.operation,
                reason: error.reason, isFatal: true))
        for place in Set(queue.map(\.place)) { settle(place) { $0.failed += 1 } }
    }

    // MARK: Deliveries

    @discardableResult
    public func poll(upTo limit: Duration) -> Int {
        let before = queue.count
        guard !process.isKilled else {
            // Time passes also for who waits for answers that will not come.
            if limit > .zero { process.pass(Self.milliseconds(limit)) }
            return 0
        }
        send()
        // Who waits for what cannot be sent lets time pass.
        if limit > .zero, !queue.isEmpty, before == queue.count {
            process.pass(min(Self.milliseconds(limit), Self.backoff))
        }
        return before - queue.count
    }

    public func deliveries(tag: Int) -> Deliveries { counters[tag] }

    public func resetDeliveries(tag: Int) { counters[tag] = Deliveries() }

    public func takeEvents() -> [ClientEvent] {
        defer { events = [] }
        return events
    }

    @discardableResult
    public func flush(within limit: Duration) throws(KafkaError) -> Int {
        try process.checkAlive("flush")
        let end = process.log.now + Self.milliseconds(limit)
        send()
        while !queue.isEmpty, process.log.now < end, fatalError == nil {
            if case .broken = state { break }
            process.pass(Self.backoff)
            try process.checkAlive("flush")
            send()
        }
        try process.checkAlive("flush")
        return queue.count
    }

    /// Milliseconds between two attempts of the client itself.
    static let backoff: Int64 = 20

    static func milliseconds(_ limit: Duration) -> Int64 {
        limit.components.seconds * 1_000 + limit.components.attoseconds / 1_000_000_000_000_000
    }

    public func purge() throws(KafkaError) {
        try process.checkAlive("purge")
        purgeQueue()
    }

    func purgeQueue() {
        for place in Set(queue.map(\.place)) { settle(place) { $0.purged += 1 } }
    }

    @discardableResult
    public func close(within limit: Duration) -> Shutdown {
        guard !process.isKilled else { return .clean }
        if isInTransaction {
            try? abortTransaction(within: limit)
        } else if transactionalId == nil {
            send()
        }
        let left = queue.count
        purgeQueue()
        state = .dead(
            KafkaError(
                code: KafkaError.Code.wrongState, operation: "use the producer",
                reason: "the client is closed", isRetriable: false))
        return left == 0 ? .clean : .incomplete("\(left) messages undelivered")
    }

    // MARK: Epochs

    /// Registers the transactional id; the sequences of its partitions begin anew.
    func initialize(_ call: Call, _ operation: String) throws(KafkaError) {
        guard let id = transactionalId else { return }
        let (log, timeout) = (process.log, timeout)
        identity = try process.request(call, operation) { () throws(BrokerError) in
            try log.initializeProducer(id, timeout: timeout)
        }
        sequences = [:]
        doubtful = []
        hasBegun = false
    }

    /// Whether the next batch needs a new epoch, because the last one may have been written.
    var isInDoubt: Bool { !doubtful.isEmpty }

    private func checkOpen(_ operation: String) throws(KafkaError) {
        switch state {
        case .open: return
        case .broken(let error), .dead(let error): throw error
        case .uninitialized, .ready, .ending:
            throw KafkaError(
                code: KafkaError.Code.wrongState, operation: operation,
                reason: "no transaction is open", isRetriable: false)
        }
    }
}
