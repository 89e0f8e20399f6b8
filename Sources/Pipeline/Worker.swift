import Engine
import Kafka
import Logging
import Quantities

/// One thread's share of a stage: a consumer, a producer and the shards of the partitions that the
/// group gave it. Poll, decode, apply, encode, deliver.
///
/// Made, stepped and finished on one thread. It reads no clock and starts no thread of its own, so
/// that many can be driven by turns in virtual time.
final class Worker<Stage: WorkerStage>: PartitionOwner, SteppedWorker {
    let configuration: PipelineConfiguration
    let name: WorkerName
    let log: Logger
    let clients: any LogClients
    let now: () -> ContinuousClock.Instant
    let consumer: any LogConsumer
    let delivery: any Delivery
    /// What shards say goes here.
    let effects: EffectBatch
    let stage: Stage
    let control: WorkerControl
    let clientConfiguration: ClientConfiguration
    private let crashGuard: CrashGuard?

    var phase = Phase.idle
    var inputs: InputSet
    /// Shards given back, with the mark of the batch that was delivered last.
    var parked: [Int32: (shard: Stage.Shard, mark: String?)] = [:]
    var spareBatches: [RecordBatch] = []
    var counts = PartitionCounts()
    /// Of the present assignment.
    var membership: (any GroupMetadata)?
    /// Why the worker cannot go on, found where nothing can be thrown.
    var failure: KafkaError?
    /// Partitions whose position is gone.
    var lost: Set<TopicPartition> = []
    /// Drained for good, or at a fault that nothing may be committed past.
    var hasEnded = false
    var isBusy = false
    /// When requests that failed are made again.
    var retryAt: ContinuousClock.Instant?
    /// Since when new shards wait for the first tables; nil: they do not.
    var awaitingSince: ContinuousClock.Instant?

    /// Since when there is something to deliver that is not sealed.
    var batchStart: ContinuousClock.Instant?
    /// Of the batch delivered last.
    var batchNumber = 0
    private var refreshBudget = RefreshBudget()
    private var complaint = Complaint()
    private var publishedAt: ContinuousClock.Instant?
    var progress = ProgressNotes()

    /// Where a worker is on its way from an assignment to serving it.
    enum Phase {
        /// Nothing is assigned.
        case idle
        /// What the group gave, until it is known what became of what others did there.
        case settling([TopicPartition])
        /// Own outputs are read to their end.
        case restoring([OwnOutput])
        /// It is asked where inputs begin.
        case opening
        /// Inputs are read; until all is restored, nothing is published.
        case serving
    }

    init(
        _ configuration: PipelineConfiguration, name: WorkerName, clients: any LogClients,
        now: @escaping () -> ContinuousClock.Instant, control: WorkerControl, log: Logger,
        stage: Stage, crashGuard: CrashGuard?
    ) throws(KafkaError) {
        self.configuration = configuration
        self.name = name
        self.clients = clients
        self.now = now
        self.log = log
        self.control = control
        self.stage = stage
        self.crashGuard = crashGuard
        inputs = InputSet(clock: configuration.clock)
        let group = configuration.groupId + "-" + Stage.role
        var properties = configuration.clientProperties
        if name.isStatic { properties["group.instance.id"] = "\(name.instance)-\(name.thread)" }
        clientConfiguration = .consumer(
            bootstrapServers: configuration.bootstrapServers, groupId: group,
            properties: properties)
        consumer = try clients.makeConsumer(clientConfiguration)
        delivery = try Self.makeDelivery(
            configuration, id: "\(group)-\(name.instance)-\(name.thread)", clients: clients,
            consumer: consumer, now: now, control: control, log: log)
        effects = delivery.effects
        control.attach(consumer.wake)
        stage.spill { [unowned self] in
            self.crashGuard?.pausing { self.spill() } ?? self.spill()
        }
        try consumer.subscribe([stage.leadTopic])
    }

    private static func makeDelivery(
        _ configuration: PipelineConfiguration, id: String, clients: any LogClients,
        consumer: any LogConsumer, now: @escaping () -> ContinuousClock.Instant,
        control: WorkerControl, log: Logger
    ) throws(KafkaError) -> any Delivery {
        switch configuration.delivery {
        case .exactlyOnce:
            let producer = ClientConfiguration.producer(
                bootstrapServers: configuration.bootstrapServers, transactionalId: id,
                properties: configuration.clientProperties)
            return TransactionalDelivery(
                consumer: consumer, topics: configuration.topics, now: now, log: log
            ) { () throws(KafkaError) in
                try clients.makeProducer(producer, deliveryTags: 1)
            }
        case .atLeastOnce:
            var properties = configuration.clientProperties
            // An outage is waited out, however long; what cannot be delivered at all fails at once.
            properties["message.timeout.ms"] = properties["message.timeout.ms"] ?? "0"
            let producer = try clients.makeProducer(
                .producer(
                    bootstrapServers: configuration.bootstrapServers, properties: properties),
                deliveryTags: AcknowledgedDelivery.tags)
            return try AcknowledgedDelivery(
                producer: producer, consumer: consumer, topics: configuration.topics,
                mayWait: { !control.isStopped })
        }
    }

    // MARK: The loop

    func step(upTo wait: Duration) throws(KafkaError) {
        if !isBusy { consumer.wait(upTo: wait) }
        consumer.poll(owner: self)
        reportEvents()
        if let failure { throw failure }
        switch phase {
        case .idle: isBusy = false
        case .settling(let partitions):
            isBusy = try asking { () throws(KafkaError) in try settle(partitions) }
        case .restoring(let outputs): isBusy = try restore(from: outputs)
        case .opening: isBusy = try asking { () throws(KafkaError) in try readInputs() }
        case .serving: isBusy = try serve()
        }
        publishCounters()
    }

    /// Makes requests that are made again, after a while, when they fail for now.
    private func asking(_ body: () throws(KafkaError) -> Bool) throws(KafkaError) -> Bool {
        guard retryAt.map({ now() >= $0 }) ?? true else { return false }
        do throws(KafkaError) {
            return try body()
        } catch {
            guard error.isRetriable, !error.isFatal else { throw error }
            retryAt = now() + WorkerLimits.retry
            if complaint.isDue(error.code, at: now()) { log.warning("\(error)") }
            return false
        }
    }

    private func serve() throws(KafkaError) -> Bool {
        var applied = 0
        if delivery.isOpen {
            applied = work()
            if !lost.isEmpty {
                _ = try asking { () throws(KafkaError) in try readLostAgain() }
            }
            try sealIfDue()
        }
        let (wasOpen, wasIdle) = (delivery.isOpen, delivery.isIdle)
        try delivery.turn(within: wasOpen ? .zero : WorkerLimits.answer)
        // What a delivery gives free is filled again at once.
        let isFreed = !wasOpen && delivery.isOpen || !wasIdle && delivery.isIdle
        return applied > 0 || isFreed
    }

    /// Applies what is there, a bounded part at a time.
    private func work() -> Int {
        let moment = now()
        inputs.refill(at: moment) { handle($0, of: $1) }
        var applied = 0
        if inputs.areRestoring {
            while applied < WorkerLimits.recordsPerTurn, let index = inputs.nextToRestore {
                apply(index, at: moment)
                applied += 1
            }
            return applied
        }
        startServing(at: moment)
        while applied < WorkerLimits.recordsPerTurn, !isFull(effects),
            let index = inputs.next
        {
            apply(index, at: moment)
            applied += 1
        }
        if applied > 0, batchStart == nil { batchStart = moment }
        let before = effects.count
        giveTimers(at: moment)
        refresh(at: moment)
        if effects.count > before, batchStart == nil { batchStart = moment }
        stage.counters.caughtUp = stage.shards.indices.count { isCaughtUp($0, at: moment) }
        return applied
    }

    private func apply(_ index: Int, at moment: ContinuousClock.Instant) {
        let input = inputs.inputs[index]
        guard let record = input.head else { return }
        if let crashGuard {
            guarded(by: crashGuard, record, from: input)
        } else {
            stage.apply(record, from: input, into: effects)
        }
        input.advance(at: moment)
        inputs.note(input, at: index)
        if let slot = input.slot {
            stage.shards[slot].noteApplied(at: moment)
        } else {
            for shard in stage.shards { shard.noteApplied(at: moment) }
        }
    }

    private func guarded(by crashGuard: CrashGuard, _ record: Record, from input: Input) {
        guard !crashGuard.refuses(record, from: input.source) else {
            log.error(
                "\(input.source) offset \(record.offset) ended the process twice: it is refused")
            return stage.refuse(
                record, from: input, code: "repeated-crash",
                message: "the process ended twice while it applied this record", into: effects)
        }
        crashGuard.applying(record, from: input.sourceHash) {
            stage.apply(record, from: input, into: effects)
        }
    }

    func isFull(_ effects: EffectBatch) -> Bool {
        configuration.delivery == .exactlyOnce
            && (effects.isUrgent || effects.count >= DeliveryLimits.effects
                || effects.byteCount >= DeliveryLimits.bytes)
    }

    // MARK: Time

    /// Whether all its inputs were at their ends within the last second: only such a shard has
    /// timers, for catching up is not staleness.
    private func isCaughtUp(_ slot: Int, at moment: ContinuousClock.Instant) -> Bool {
        inputs.inputs.allSatisfy { input in
            guard input.slot == nil || input.slot == slot else { return true }
            guard let last = input.atEndLast else { return false }
            return input.isAtEnd || moment - last < WorkerLimits.currency
        }
    }

    /// Gives each shard that is due its newest time and what has passed since.
    private func giveTimers(at moment: ContinuousClock.Instant) {
        guard configuration.clock == .wall else { return }
        for (slot, shard) in stage.shards.enumerated() where shard.isServing {
            let passed = shard.appliedAt.map { moment - $0 } ?? .zero
            guard shard.appliedAt != nil else {
                shard.appliedAt = moment
                continue
            }
            guard passed >= WorkerLimits.timer, isCaughtUp(slot, at: moment),
                let time = stage.time(of: slot)
            else { continue }
            shard.appliedAt = moment
            let (seconds, attoseconds) = passed.components
            let before = effects.count
            stage.apply(
                timer: time.advanced(
                    byNanoseconds: seconds * 1_000_000_000 + attoseconds / 1_000_000_000),
                to: slot, into: effects)
            stage.counters.timers += 1
            if effects.count > before { shard.hasProgress = true }
        }
    }

    /// Publishes what may wait, within the worker's budget.
    private func refresh(at moment: ContinuousClock.Instant) {
        var left = refreshBudget.allowance(at: moment, perSecond: stage.refreshesPerSecond)
        for slot in stage.shards.indices where left > 0 {
            let count = stage.refresh(slot, atMost: left, into: effects)
            if count > 0 { stage.shards[slot].hasProgress = true }
            left -= count
            refreshBudget.spend(count)
        }
    }

    var counters: WorkerCounters { stage.counters }

    var isServing: Bool {
        !stage.shards.isEmpty && stage.shards.allSatisfy(\.isServing)
    }

    func finish() {
        do throws(KafkaError) {
            guard try drain(within: WorkerLimits.drain) else {
                log.warning("not all was delivered in time: it is computed again")
                return abandon()
            }
        } catch {
            log.warning("\(error): what was not delivered is computed again")
            abandon()
        }
    }

    func close() {
        hasEnded = true
        for shutdown in [
            consumer.close(owner: self, within: WorkerLimits.leave),
            delivery.close(within: .seconds(1)),
        ] {
            if case .incomplete(let what) = shutdown {
                log.warning("shut down incompletely: \(what)")
            }
        }
        control.publish(stage.counters)
    }

    private func publishCounters() {
        let moment = now()
        control.noteTurn(at: moment, isDelivered: delivery.isIdle)
        if isBusy, let last = publishedAt, moment - last < .milliseconds(20) { return }
        publishedAt = moment
        stage.counters.commits = delivery.counts.batches
        stage.counters.aborts = delivery.counts.aborts
        stage.counters.replacements = delivery.counts.replacements
        noteProgress(at: moment)
        control.publish(stage.counters)
    }

    private func reportEvents() {
        for event in consumer.takeEvents() + delivery.takeEvents() {
            switch event {
            case .failure(let error):
                if complaint.isDue(error.code, at: now()) { log.warning("\(error)") }
            case .undelivered(_, _, let error):
                if configuration.delivery == .atLeastOnce { failure = failure ?? error }
            case .committed(_, let error):
                if let error { log.warning("\(error)") }
            case .statistics:
                break
            }
        }
    }
}

/// The limits a worker keeps.
enum WorkerLimits {
    static let recordsPerTurn = 2_000
    static let batchCapacity = 1_000
    /// For the answer without which nothing may be applied; nothing else ends this wait.
    static let answer = Duration.milliseconds(5)
    /// Between timers given to one shard.
    static let timer = Duration.milliseconds(100)
    /// How long after its end an input still counts as read.
    static let currency = Duration.seconds(1)
    /// How long a cold start waits for the first table of each asset. As long as a quote counts
    /// as fresh: an asset that nobody quoted meanwhile is not about to have a table.
    static let firstTables = Duration.seconds(60)
    /// Between two looks at how far it is, which cost a look-up a partition.
    static let progress = Duration.milliseconds(250)
    /// Between lines of the log about that.
    static let progressLine = Duration.seconds(5)
    /// Between requests that fail.
    static let retry = Duration.milliseconds(250)
    /// Together, and with a request under way, less than the 10 s a process has to leave.
    static let drain = Duration.seconds(4)
    static let leave = Duration.seconds(3)
}

/// Outputs that may wait: so many a second, saved up for a tenth of one.
struct RefreshBudget {
    private var left = 0.0
    private var last: ContinuousClock.Instant?

    mutating func allowance(at moment: ContinuousClock.Instant, perSecond: Double) -> Int {
        if let last {
            let passed = (moment - last).components
            let seconds = Double(passed.seconds) + Double(passed.attoseconds) * 1e-18
            left = min(perSecond / 10, left + max(0, seconds) * perSecond)
        }
        last = moment
        return Int(left)
    }

    mutating func spend(_ count: Int) { left -= Double(count) }
}

/// Says the same error once a minute.
struct Complaint {
    private var last: [Int32: ContinuousClock.Instant] = [:]

    mutating func isDue(_ code: Int32, at moment: ContinuousClock.Instant) -> Bool {
        if let last = last[code], moment - last < .seconds(60) { return false }
        last[code] = moment
        return true
    }
}
