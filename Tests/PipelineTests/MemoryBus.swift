import Haircuts
import Kafka
import Logging
import Margin
import MemoryLog
import Messages
import Pipeline
import Quantities
import Testing

/// The pipeline's topics on a log in memory, and workers on it that are stepped by hand: exactly
/// once, in virtual time.
final class MemoryBus {
    let log: MemoryLog
    let lines = LogLines()
    let partitions: Int32
    private let origin = ContinuousClock.now
    private let start: Int64
    private var starts = 0

    init(partitions: Int32 = 1) throws {
        self.partitions = partitions
        start = Message.start.milliseconds
        log = MemoryLog(now: start)
        for entry in TopicPlan(Bus.topics).entries {
            try log.createTopic(
                entry.name, partitions: entry.family == .other ? 1 : Int(partitions),
                cleanup: entry.cleanup == .compact ? .compact : .delete)
        }
    }

    /// A worker with the process it lives in.
    final class Run {
        let process: MemoryProcess
        let worker: any SteppedWorker
        private let bus: MemoryBus

        init(_ process: MemoryProcess, _ worker: any SteppedWorker, _ bus: MemoryBus) {
            self.process = process
            self.worker = worker
            self.bus = bus
        }

        /// Steps until something is so.
        func step(
            until what: String, sourceLocation: SourceLocation = #_sourceLocation,
            _ isSo: () throws -> Bool
        ) throws {
            for _ in 0..<20_000 {
                try worker.step(upTo: .milliseconds(10))
                if try isSo() { return }
                bus.log.advance(to: bus.log.now + 1)
            }
            Issue.record("not so: \(what)", sourceLocation: sourceLocation)
            throw NotInTime()
        }

        /// Steps until all there is was applied and delivered.
        func settle(sourceLocation: SourceLocation = #_sourceLocation) throws {
            try step(until: "it serves", sourceLocation: sourceLocation) { worker.isServing }
            let end = bus.log.now + 2_500
            try step(until: "time passes", sourceLocation: sourceLocation) { bus.log.now >= end }
        }

        /// Ends the process as `kill -9` does.
        func kill() { process.kill() }

        func stop() {
            worker.finish()
            worker.close()
        }
    }

    func configuration(
        clock: PipelineClock, assets: [String] = Bus.assets
    ) -> PipelineConfiguration {
        PipelineConfiguration(
            bootstrapServers: "memory", groupId: "test", topics: Bus.topics, clock: clock,
            delivery: .exactlyOnce, assets: assets.compactMap(Bus.asset), margin: Bus.margin)
    }

    func haircut(
        clock: PipelineClock = .event, assets: [String] = Bus.assets, log: Logger? = nil,
        crashGuard: CrashGuard? = nil
    ) throws -> Run {
        try run { process, name, now in
            try makeHaircutWorker(
                configuration(clock: clock, assets: assets), name: name, clients: process, now: now,
                control: WorkerControl(), log: log ?? lines.logger, crashGuard: crashGuard)
        }
    }

    /// - Parameter assets: for whose first tables it waits.
    func margin(clock: PipelineClock = .event, assets: [String] = ["BTC"]) throws -> Run {
        try run { process, name, now in
            try makeMarginWorker(
                configuration(clock: clock, assets: assets), name: name, clients: process, now: now,
                control: WorkerControl(), log: lines.logger)
        }
    }

    private func run(
        _ make: (MemoryProcess, WorkerName, @escaping () -> ContinuousClock.Instant) throws
            -> any SteppedWorker
    ) throws -> Run {
        starts += 1
        let process = MemoryProcess("process-\(starts)", on: log)
        let name = WorkerName(
            instance: "process-\(starts)", start: "\(starts)", thread: 0, isStatic: false)
        let worker = try make(process, name) { [log, origin, start] in
            origin + .milliseconds(log.now - start)
        }
        return Run(process, worker, self)
    }

    // MARK: Records

    func send(
        _ text: String?, to topic: String, key: String, partition: Int32 = 0, time: Instant? = nil
    ) throws {
        try log.append(
            [
                NewRecord(
                    key: Array(key.utf8), value: text.map { Array($0.utf8) },
                    timestamp: time?.milliseconds ?? log.now)
            ], to: TopicPartition(topic, partition))
    }

    func send(_ message: Message, partition: Int32 = 0) throws {
        try send(
            message.text, to: message.isSurface ? Bus.topics.surfaces : Bus.topics.quotes,
            key: message.asset, partition: partition, time: message.time)
    }

    /// A table with one tier: initial 20 %, maintenance 10 %.
    func sendTable(
        _ sequence: Int64, of asset: String = "BTC", price: Int, at milliseconds: Int
    ) throws {
        try send(
            Message.table(sequence, of: asset, price: price, at: milliseconds),
            to: Bus.topics.haircuts, key: asset, time: Message.at(milliseconds))
    }

    /// An account of one unit of an asset and a debt.
    func sendAccount(
        _ name: String, of asset: String = "BTC", debt: Int, sequence: Int = 1,
        at milliseconds: Int = 0, partition: Int32 = 0
    ) throws {
        try send(
            """
            {"schema":"positions.v1","account":"\(name)","owner":"\(name)",\
            "time":"\(Message.at(milliseconds))","sequence":\(sequence),"balances":[\
            {"asset":"\(asset)","quantity":"1"},{"asset":"USD","quantity":"-\(debt)"}],\
            "positions":[]}
            """, to: Bus.topics.positions, key: name, partition: partition,
            time: Message.at(milliseconds))
    }

    /// What readers of committed records see of a topic, in the order of partitions and offsets.
    func records(_ topic: String) -> [StoredRecord] {
        log.partitions(of: topic).flatMap { $0.records(.readCommitted) }
    }

    func tables() throws -> [HaircutTable] {
        try records(Bus.topics.haircuts).map { record in
            var decoder = HaircutDecoder()
            var table = HaircutTable.blank
            try decode(record) {
                try decoder.decode($0, key: $1, recordTimestamp: nil, into: &table)
            }
            return table
        }
    }

    func requirements() throws -> [MarginRequirement] {
        try records(Bus.topics.requirements).map { record in
            var decoder = MarginRequirementDecoder()
            var value = MarginRequirement.blank
            try decode(record) {
                try decoder.decode($0, key: $1, recordTimestamp: nil, into: &value)
            }
            return value
        }
    }

    func alerts() throws -> [LiquidationAlert] {
        try records(Bus.topics.alerts).map { record in
            var decoder = LiquidationAlertDecoder()
            var value = LiquidationAlert.blank
            try decode(record) {
                try decoder.decode($0, key: $1, recordTimestamp: nil, into: &value)
            }
            return value
        }
    }

    private func decode(
        _ record: StoredRecord,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try body(#require(record.value), #require(record.key))
    }
}
