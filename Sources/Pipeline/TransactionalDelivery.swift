import Kafka
import Logging

/// Exactly-once: a batch's outputs, checkpoints and offsets in one transaction.
///
/// One batch is in flight; its bytes are kept until the commit is acknowledged. Aborted, the same
/// bytes go into a new transaction. After a fatal error, or when it stays unknown how a commit
/// ended, a new producer of the same transactional id ends whatever was open; then the group's
/// offsets, which are part of the transaction, say by their mark whether the batch is there.
final class TransactionalDelivery: Delivery {
    private enum Phase {
        /// No producer is usable: make one, initialise it, and ask what became of the batch.
        case replacing, initialising, asking
        case beginning, sending, committing, aborting
    }

    let effects = EffectBatch()
    var checkpoints: EffectBatch { effects }
    private(set) var deliveredMark: String?
    private(set) var counts = DeliveryCounts()

    private let makeProducer: () throws(KafkaError) -> any LogProducer
    private let consumer: any LogConsumer
    private let topicNames: [String]
    private let now: () -> ContinuousClock.Instant
    private let log: Logger
    private var producer: (any LogProducer)?
    private var topics: [Producer.Topic] = []
    private var phase = Phase.replacing
    private var settlement: Settlement?
    /// Whether the broker may still act on an earlier end of a transaction, whose answer did not
    /// come: it would end a later one. A new producer, of a new epoch, is safe from it.
    private var isDoubtful = false
    /// Effects handed to the producer in the present transaction.
    private var sent = 0
    /// Since when the present call fails.
    private var failingSince: ContinuousClock.Instant?
    /// Aborts of the present batch for a reason that does not pass by itself.
    private var lastingAborts = 0
    private var lastUndelivered: KafkaError?
    private var events: [ClientEvent] = []

    init(
        consumer: any LogConsumer, topics: PipelineTopics,
        now: @escaping () -> ContinuousClock.Instant, log: Logger,
        makeProducer: @escaping () throws(KafkaError) -> any LogProducer
    ) {
        self.consumer = consumer
        self.now = now
        self.log = log
        self.makeProducer = makeProducer
        topicNames = OutputTopic.allCases.map { $0.name(in: topics) }
    }

    var isOpen: Bool { settlement == nil }
    var canSeal: Bool { settlement == nil }
    var isIdle: Bool { settlement == nil }

    func takeEvents() -> [ClientEvent] {
        collectEvents()
        defer { events = [] }
        return events
    }

    private func collectEvents() {
        for event in producer?.takeEvents() ?? [] {
            if case .undelivered(_, _, let error) = event { lastUndelivered = error }
            events.append(event)
        }
    }

    func prepare() throws(KafkaError) -> Bool {
        try run { phase == .beginning }
    }

    func seal(_ settlement: Settlement) {
        self.settlement = settlement
        lastingAborts = 0
        failingSince = nil
    }

    func spill(_ settlement: Settlement) throws(KafkaError) {
        seal(settlement)
        let end = now() + DeliveryLimits.undecided
        while !isIdle {
            try turn(within: DeliveryLimits.request)
            guard now() < end || isIdle else {
                throw KafkaError(
                    code: KafkaError.Code.timedOut, operation: "publish all that a record caused")
            }
        }
    }

    func turn(within limit: Duration) throws(KafkaError) {
        guard settlement != nil else { return }
        guard try run({ settlement == nil }) || limit == .zero else {
            consumer.wait(upTo: limit)
            return
        }
    }

    /// Makes one call after the other until it is where it is wanted, or one fails.
    ///
    /// - Returns: whether it is there.
    private func run(_ isDone: () -> Bool) throws(KafkaError) -> Bool {
        while !isDone() {
            do throws(KafkaError) {
                try advance()
                failingSince = nil
            } catch {
                try handle(error)
                return isDone()
            }
        }
        return true
    }

    // MARK: One call at a time

    private func advance() throws(KafkaError) {
        let limit = DeliveryLimits.request
        switch phase {
        case .replacing:
            if let old = producer {
                producer = nil
                counts.replacements += 1
                old.close(within: .seconds(1))
            }
            let made = try makeProducer()
            producer = made
            isDoubtful = false
            topics = []
            for name in topicNames { topics.append(try made.topic(name)) }
            phase = .initialising
        case .initialising:
            try open().initializeTransactions(within: limit)
            phase = settlement == nil ? .beginning : .asking
        case .asking:
            try ask(within: limit)
        case .beginning:
            try open().beginTransaction()
            sent = 0
            phase = .sending
        case .sending:
            try send()
        case .committing:
            try open().commitTransaction(within: limit)
            conclude()
        case .aborting:
            try open().abortTransaction(within: limit)
            counts.aborts += 1
            phase = isDoubtful ? .replacing : .beginning
        }
    }

    private func open() throws(KafkaError) -> any LogProducer {
        guard let producer else {
            throw KafkaError(
                code: KafkaError.Code.wrongState, operation: "publish",
                reason: "there is no producer", isFatal: true)
        }
        return producer
    }

    /// Whether the batch is among what was committed.
    private func ask(within limit: Duration) throws(KafkaError) {
        guard let settlement else { return phase = .beginning }
        let partitions = settlement.offsets.map(\.topicPartition)
        let committed = try consumer.committed(partitions, within: limit)
        if committed.contains(where: { $0.metadata == settlement.mark }) {
            log.info("batch \(settlement.mark) was committed; its acknowledgement was lost")
            conclude()
        } else {
            phase = .beginning
        }
    }

    private func send() throws(KafkaError) {
        let producer = try open()
        guard let settlement else { return }
        while sent < effects.count {
            do throws(KafkaError) {
                let admission = try effects.produce(sent, by: producer, topics: topics, tag: 0)
                if admission == .queued {
                    sent += 1
                } else {
                    producer.poll(upTo: .milliseconds(10))
                }
            } catch {
                guard error.code == KafkaError.Code.messageTooLarge, effects.shorten(sent)
                else { throw error }
            }
        }
        try producer.sendOffsets(
            settlement.offsets, of: settlement.membership, within: DeliveryLimits.request)
        phase = .committing
    }

    private func conclude() {
        deliveredMark = settlement?.mark
        settlement = nil
        counts.batches += 1
        producer?.resetDeliveries(tag: 0)
        effects.removeAll()
        phase = isDoubtful ? .replacing : .beginning
    }

    // MARK: Failures

    /// Decides what follows a failed call.
    ///
    /// - Throws: what ends the worker.
    private func handle(_ error: KafkaError) throws(KafkaError) {
        collectEvents()
        if error.isOwnershipLost {
            abortBeforeLeaving()
            throw error
        }
        let since = failingSince ?? now()
        failingSince = since
        let isLate = now() - since >= DeliveryLimits.undecided
        switch error.remedy {
        case .replaceClient:
            log.warning("\(error); making a new producer")
            phase = .replacing
        case .abortTransaction:
            try abort(after: error)
        case .retry:
            if phase == .committing || phase == .aborting { isDoubtful = true }
            guard isLate else { return }
            failingSince = nil
            switch phase {
            case .committing, .aborting:
                log.warning("\(error): undecided; making a new producer")
                phase = .replacing
            case .sending:
                try abort(after: error)
            case .replacing, .initialising, .asking, .beginning:
                log.warning("\(error)")
            }
        case .report:
            switch phase {
            case .committing, .aborting, .beginning:
                log.warning("\(error); making a new producer")
                phase = .replacing
            case .replacing, .initialising, .asking, .sending:
                abortBeforeLeaving()
                throw error
            }
        }
    }

    private func abort(after error: KafkaError) throws(KafkaError) {
        let cause = lastUndelivered ?? error
        lastUndelivered = nil
        log.warning("\(cause): the transaction is aborted and sent again")
        if !cause.isRetriable, cause.code != KafkaError.Code.messageTimedOut {
            lastingAborts += 1
            guard lastingAborts < DeliveryLimits.aborts else {
                abortBeforeLeaving()
                throw cause
            }
        }
        phase = .aborting
    }

    /// Ends the open transaction as far as one call can; its time-out ends it otherwise.
    private func abortBeforeLeaving() {
        guard let producer, producer.isInTransaction, phase != .committing else { return }
        do throws(KafkaError) {
            try producer.abortTransaction(within: .seconds(1))
        } catch {
            log.warning("\(error)")
        }
    }

    func abandon() {
        effects.removeAll()
        guard settlement != nil else { return }
        settlement = nil
        failingSince = nil
        switch phase {
        case .sending: phase = .aborting
        // Undecided: whatever is open ends with the next producer.
        case .committing, .aborting: phase = .replacing
        case .asking: phase = .beginning
        case .replacing, .initialising, .beginning: break
        }
    }

    func close(within limit: Duration) -> Shutdown { producer?.close(within: limit) ?? .clean }
}
