import Kafka

/// At-least-once: outputs, their acknowledgements, checkpoints, their acknowledgements, offsets.
///
/// Outputs go out as they come, those of one window under one delivery tag while the next window is
/// filled under the other, so that waiting for acknowledgements does not stop the stream.
final class AcknowledgedDelivery: Delivery {
    private struct Pending {
        var settlement: Settlement
        /// Of its outputs.
        var tag: Int
        var hasSentCheckpoints = false
    }

    private static let checkpointTag = 2
    static let tags = 3

    let effects = EffectBatch()
    let checkpoints = EffectBatch()
    private(set) var deliveredMark: String?
    private(set) var counts = DeliveryCounts()

    private let producer: any LogProducer
    private let consumer: any LogConsumer
    private let topics: [Producer.Topic]
    private let mayWait: () -> Bool
    private var tag = 0
    private var pending: Pending?

    /// - Parameter mayWait: asked while the producer's queue is full; false gives up.
    init(
        producer: any LogProducer, consumer: any LogConsumer, topics: PipelineTopics,
        mayWait: @escaping () -> Bool
    ) throws(KafkaError) {
        self.producer = producer
        self.consumer = consumer
        self.mayWait = mayWait
        var handles: [Producer.Topic] = []
        for topic in OutputTopic.allCases {
            handles.append(try producer.topic(topic.name(in: topics)))
        }
        self.topics = handles
    }

    var isOpen: Bool { true }
    var canSeal: Bool { pending == nil }
    var isIdle: Bool { pending == nil }

    func prepare() throws(KafkaError) -> Bool { true }

    func takeEvents() -> [ClientEvent] { producer.takeEvents() }

    func seal(_ settlement: Settlement) throws(KafkaError) {
        try send(effects, tag: tag)
        pending = Pending(settlement: settlement, tag: tag)
        tag = 1 - tag
    }

    func spill(_ settlement: Settlement) throws(KafkaError) { try send(effects, tag: tag) }

    func turn(within limit: Duration) throws(KafkaError) {
        try send(effects, tag: tag)
        producer.poll(upTo: .zero)
        for tag in 0..<Self.tags { try check(tag) }
        try settle()
        guard pending != nil, limit > .zero else { return }
        producer.poll(upTo: limit)
    }

    /// Sends what is left of a batch that was not handed over whole.
    private func send(_ batch: EffectBatch, tag: Int) throws(KafkaError) {
        var index = 0
        while index < batch.count {
            do throws(KafkaError) {
                let admission = try batch.produce(index, by: producer, topics: topics, tag: tag)
                if admission == .queued {
                    index += 1
                    continue
                }
            } catch {
                guard error.code == KafkaError.Code.messageTooLarge, batch.shorten(index)
                else { throw error }
                continue
            }
            // Backpressure: the queue's bound is the memory's bound.
            producer.poll(upTo: .milliseconds(10))
            guard mayWait() else {
                throw KafkaError(
                    code: KafkaError.Code.queueFull, operation: "publish",
                    reason: "the producer's queue stayed full until the worker was stopped")
            }
        }
        batch.removeAll()
    }

    private func check(_ tag: Int) throws(KafkaError) {
        let deliveries = producer.deliveries(tag: tag)
        guard deliveries.failed > 0 else { return }
        throw KafkaError(
            code: deliveries.lastFailureCode,
            operation: "deliver \(deliveries.failed) outputs")
    }

    /// Takes the pending batch one step further when what it waits for has come.
    private func settle() throws(KafkaError) {
        guard let batch = pending else { return }
        if !batch.hasSentCheckpoints {
            guard isAcknowledged(batch.tag) else { return }
            pending?.hasSentCheckpoints = true
            try send(checkpoints, tag: Self.checkpointTag)
        }
        guard isAcknowledged(Self.checkpointTag) else { return }
        pending = nil
        deliveredMark = batch.settlement.mark
        counts.batches += 1
        try consumer.commitLater(batch.settlement.offsets)
    }

    private func isAcknowledged(_ tag: Int) -> Bool {
        guard producer.deliveries(tag: tag).outstanding == 0 else { return false }
        producer.resetDeliveries(tag: tag)
        return true
    }

    func abandon() {
        effects.removeAll()
        checkpoints.removeAll()
        pending = nil
    }

    func close(within limit: Duration) -> Shutdown { producer.close(within: limit) }
}
