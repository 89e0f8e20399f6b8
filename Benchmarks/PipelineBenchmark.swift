import Foundation
import Kafka
import Messages

/// Quotes from the embedded broker through the haircut worker, beside loops that do less, on the
/// same records, in turns.
struct PipelineBenchmark {
    /// Quotes of one run.
    let records: Int
    let repeats: Int

    /// What one run cost, a quote.
    private struct Cost {
        /// Seconds of processor time of this process, its monitoring thread left out.
        var processor: Double
        /// Of that, in the loop's own thread.
        var loop: Double
        var messagesPerSecond: Double
        var published: Int
    }

    private struct Sample {
        var decode: Double
        var consume: Cost
        var consumeAndDecode: Cost
        var passThrough: Cost
        var worker: Cost
    }

    /// Milliseconds from book to book of one asset: of those every 1 ms, each hundredth is
    /// evaluated; every 10 ms, each tenth; every 100 ms, each.
    static let cadences = [1, 10, 100]
    /// The one that the target is for.
    static let promised = 10

    func run(into report: inout Report) throws {
        let feeder = try FeederProcess()
        defer { feeder.close() }
        var number = 0
        var samples = [Int: [Sample]]()
        for _ in 0..<repeats {
            for cadence in Self.cadences {
                samples[cadence, default: []].append(
                    try sample(cadence, feeder: feeder, number: &number))
            }
        }
        for cadence in Self.cadences {
            add(samples[cadence] ?? [], cadence: cadence, to: &report)
        }
    }

    private func sample(
        _ cadence: Int, feeder: FeederProcess, number: inout Int
    ) throws -> Sample {
        func bare(_ work: BareLoad.Work) throws -> Cost {
            try measure(work.rawValue, cadence, feeder, &number) {
                BareLoad(work, topics: $0, bootstrapServers: feeder.bootstrapServers)
            }
        }
        return Sample(
            decode: try decodeAlone(cadence), consume: try bare(.consume),
            consumeAndDecode: try bare(.decode), passThrough: try bare(.passThrough),
            worker: try measure("worker", cadence, feeder, &number) {
                WorkerLoad(topics: $0, bootstrapServers: feeder.bootstrapServers)
            })
    }

    /// Seconds of processor time to decode one quote, in memory.
    private func decodeAlone(_ cadence: Int) throws -> Double {
        let quotes = EncodedRecords.quotes(min(records, 20_000), cadenceMilliseconds: cadence)
        let decoder = QuoteDecoder()
        var quote = SyntheticMarket(cadenceMilliseconds: cadence).quote
        let begin = CPUTime.ofThisThread
        for index in 0..<quotes.count {
            try quotes.withRecord(index) { (body, key) throws(Refusal) in
                try decoder.decode(body, key: key, recordTimestamp: nil, into: &quote)
            }
        }
        return (CPUTime.ofThisThread - begin) / Double(quotes.count)
    }

    // MARK: One run

    private func measure(
        _ name: String, _ cadence: Int, _ feeder: FeederProcess, _ number: inout Int,
        _ make: (RunTopics) -> any Load
    ) throws -> Cost {
        number += 1
        let topics = RunTopics(run: number)
        try feeder.prepare(run: number, records: records, cadenceMilliseconds: cadence)
        let load = make(topics)
        load.start()
        try wait(for: name, load, upTo: 60) { load.isReady }

        let kafkaBefore = CPUTime.ofKafkaThreads
        let before = CPUTime.ofThisProcess - CPUTime.ofThisThread
        let begin = ContinuousClock.now
        var end = begin
        try feeder.report(processed: 0)
        try wait(for: name, load, upTo: 120) {
            let processed = load.processed
            try feeder.report(processed: processed)
            end = .now
            return processed >= records
        }
        // What was published is on its way still; that costs processor time as well.
        Thread.sleep(forTimeInterval: 0.1)
        let processor = CPUTime.ofThisProcess - CPUTime.ofThisThread - before
        let kafka = CPUTime.ofKafkaThreads - kafkaBefore
        try feeder.finish(records: records)
        try load.stop()
        try check(name, load, topics, feeder)
        let seconds =
            Double((end - begin).components.attoseconds) * 1e-18
            + Double((end - begin).components.seconds)
        let count = Double(records)
        return Cost(
            processor: processor / count, loop: (processor - kafka) / count,
            messagesPerSecond: count / seconds, published: load.published)
    }

    private func wait(
        for name: String, _ load: any Load, upTo seconds: Double, _ isDone: () throws -> Bool
    ) throws {
        let limit = ContinuousClock.now + .seconds(seconds)
        while try !isDone() {
            if let failure = load.failure { throw BenchmarkFailure("\(name): \(failure)") }
            guard ContinuousClock.now < limit else {
                throw BenchmarkFailure(
                    "\(name): \(load.processed) of \(records) quotes in \(seconds) s: lost")
            }
            Thread.sleep(forTimeInterval: 0.002)
        }
    }

    /// Everything fed was processed once, and everything said to be published is on the broker.
    private func check(
        _ name: String, _ load: any Load, _ topics: RunTopics, _ feeder: FeederProcess
    ) throws {
        if let failure = load.failure { throw BenchmarkFailure("\(name): \(failure)") }
        if let fault = load.fault(records: records) { throw BenchmarkFailure("\(name): \(fault)") }
        guard load.processed == records else {
            throw BenchmarkFailure("\(name): \(load.processed) of \(records) quotes processed")
        }
        let consumer = try Consumer(
            .consumer(bootstrapServers: feeder.bootstrapServers, groupId: "bench-check"))
        defer { consumer.close() }
        func written(_ topic: String) throws -> Int {
            let places = (0..<Int32(RunTopics.partitions)).map { TopicPartition(topic, $0) }
            return try consumer.watermarks(of: places).values.reduce(0) { $0 + Int($1.high) }
        }
        let output = try written(topics.output)
        let letters = try written(topics.deadLetters)
        guard output == load.published, letters == 0 else {
            throw BenchmarkFailure(
                "\(name): \(load.published) messages published, \(output) on the broker, "
                    + "\(letters) dead letters")
        }
    }

    // MARK: Results

    private func add(_ samples: [Sample], cadence: Int, to report: inout Report) {
        let loads: [(String, (Sample) -> Cost)] = [
            ("consume", \.consume), ("consumeAndDecode", \.consumeAndDecode),
            ("passThrough", \.passThrough), ("worker", \.worker),
        ]
        let prefix = "pipeline.\(cadence)ms"
        report.add("\(prefix).decodeAlone", "µs CPU/quote", samples.map { $0.decode * 1e6 })
        for (name, cost) in loads {
            let costs = samples.map(cost)
            report.add("\(prefix).\(name)", "µs CPU/quote", costs.map { $0.processor * 1e6 })
            report.add("\(prefix).\(name).loop", "µs CPU/quote", costs.map { $0.loop * 1e6 })
            report.add(
                "\(prefix).\(name).rate", "quotes/s, feeder and broker beside it",
                costs.map(\.messagesPerSecond))
        }
        report.add(
            "\(prefix).worker.published", "tables", samples.map { Double($0.worker.published) })
        let ratio = report.add(
            "\(prefix).workerOverBare", "× (consume + decodeAlone)",
            samples.map { $0.worker.processor / ($0.consume.processor + $0.decode) })
        report.add(
            "\(prefix).workerLoopOverBare", "× (consume.loop + decodeAlone)",
            samples.map { $0.worker.loop / ($0.consume.loop + $0.decode) })
        report.add(
            "\(prefix).workerClientOverBare", "× (consume − consume.loop)",
            samples.map {
                ($0.worker.processor - $0.worker.loop)
                    / ($0.consume.processor - $0.consume.loop)
            })
        report.add(
            "\(prefix).workerOverConsumeAndDecode", "×",
            samples.map { $0.worker.processor / $0.consumeAndDecode.processor })
        report.add(
            "\(prefix).workerOverPassThrough", "×",
            samples.map { $0.worker.processor / $0.passThrough.processor })
        guard cadence == Self.promised else { return }
        report.target(
            "worker CPU a quote over bare consume + bare decode", ratio, atMost: 1.5, unit: "×",
            isRatio: true)
    }
}
