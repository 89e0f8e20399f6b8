import Engine
import Foundation
import Haircuts
import Kafka
import Logging
import Margin
import Messages
import Pipeline
import Quantities

/// From a haircut table on the bus to the alert it causes on the bus, beside a bare loop that only
/// passes the same table on, at the same time.
///
/// One account is pushed across its line and back by table after table; a thousand others hold the
/// asset and stay healthy. Everything is in this process: the broker, both loops, who sends and who
/// looks.
struct LatencyBenchmark {
    /// Tables, each of which causes one alert.
    let records: Int

    private static let asset = Identifier("BTC") ?? .unnamed
    private static let start = Instant(nanoseconds: 1_790_000_000_000_000_000)
    private static let quiet = 1_000

    func run(into report: inout Report) throws {
        let broker = try EmbeddedBroker()
        defer { broker.close() }
        let topics = RunTopics(run: 1)
        for entry in TopicPlan(topics.pipeline).entries {
            try broker.create(topic: entry.name, partitions: RunTopics.partitions)
        }
        let echo = RunTopics(passing: topics.output, to: "bench-echo")
        try broker.create(topic: echo.output, partitions: RunTopics.partitions)
        let producer = try Producer(.producer(bootstrapServers: broker.bootstrapServers))
        defer { producer.close(within: .seconds(2)) }
        try sendAccounts(to: producer.topic(topics.pipeline.positions), producer)
        try send(0, to: producer.topic(topics.output), producer)
        let service = WorkerService.margin(
            Self.configuration(topics, broker), workers: 1,
            log: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
        let bare = BareLoad(
            .passThrough, topics: echo, bootstrapServers: broker.bootstrapServers)
        service.start()
        bare.start()
        defer { service.stop() }
        let observer = try Observer(broker, topics.pipeline.alerts, echo.output)
        defer { observer.consumer.close() }
        try wait(for: "the margin worker and the bare loop") {
            service.counters.requirements > Self.quiet && bare.processed == 1
        }
        try observer.skip()

        var alerts: [Double] = []
        var echoes: [Double] = []
        for number in 1...records {
            // Fetches wait up to 10 ms at the broker: records must not come in step with them.
            Thread.sleep(forTimeInterval: .random(in: 0...0.02))
            let seen = try observer.time {
                try send(number, to: producer.topic(topics.output), producer)
            }
            alerts.append(seen.alert)
            echoes.append(seen.echo)
        }
        try bare.stop()
        add(alerts, "alert", to: &report)
        add(echoes, "echo", to: &report)
        report.add("latency.alertOverEcho.p50", "×", [median(alerts) / median(echoes)])
        let ratio = report.add(
            "latency.alertOverEcho.p99", "×", [percentile(alerts, 0.99) / percentile(echoes, 0.99)])
        report.target(
            "haircut record in, alert out: p99 over a bare hop", ratio, atMost: 3, unit: "×",
            isRatio: true)
    }

    private func add(_ samples: [Double], _ name: String, to report: inout Report) {
        report.add("latency.\(name).p50", "ms", [median(samples) * 1e3])
        report.add("latency.\(name).p99", "ms", [percentile(samples, 0.99) * 1e3])
    }

    private func percentile(_ samples: [Double], _ share: Double) -> Double {
        let sorted = samples.sorted()
        return sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))]
    }

    private static func configuration(
        _ topics: RunTopics, _ broker: EmbeddedBroker
    ) -> PipelineConfiguration {
        PipelineConfiguration(
            bootstrapServers: broker.bootstrapServers, groupId: "bench", topics: topics.pipeline,
            clock: .event, delivery: .atLeastOnce, assets: [],
            margin: MarginConfiguration(valuationCurrency: Identifier("USD") ?? .unnamed))
    }

    // MARK: Records

    /// The line of the account that moves lies between the two prices.
    private func send(
        _ number: Int, to topic: Producer.Topic, _ producer: Producer
    ) throws {
        let price = number % 2 == 0 ? 60_000 : 48_000
        let time = Self.start.advanced(bySeconds: Int64(number))
        try send(
            """
            {"schema":"haircut.v1","asset":"\(Self.asset)","time":"\(time)",\
            "sequence":\(number + 1),"state":"normal","price":"\(price)","debtPrice":"\(price)",\
            "reference":"\(price)","mid":"\(price)","initial":0.2,"maintenance":0.1,"tiers":[\
            {"from":"0","to":"100000000","initial":0.2,"maintenance":0.1},\
            {"from":"100000000","to":null,"initial":1,"maintenance":1}],\
            "target":{"initial":0.2,"maintenance":0.1},"gap":{"initial":0,"maintenance":0},\
            "boundBy":[],"next":null,"validUntil":"\(time.advanced(bySeconds: 86_400))",\
            "fallback":0.3,"scan":[{"notional":"1000000","down":0.1,"up":0.1112}],\
            "stressVolatility":1.2,"confidence":1,"branchingRatio":0.1,"components":\
            {"volatility":0.7,"market":0.03,"liquidity":0.004,"peg":0,"divergence":0,\
            "confidence":0,"horizonSeconds":3800,"depth":"40000000","depthBaseline":"40000000",\
            "spread":0.0001,"quoteAge":0.1,"surfaceAge":2.5},"model":{"version":"1","parameters":\
            "sha256:\(String(repeating: "0", count: 64))"},\
            "cause":{"topic":"quotes","partition":0,"offset":\(number)}}
            """, key: "\(Self.asset)", at: time, to: topic, producer)
    }

    private func sendAccounts(to topic: Producer.Topic, _ producer: Producer) throws {
        for number in 0...Self.quiet {
            let name = "A\(number)"
            try send(
                """
                {"schema":"positions.v1","account":"\(name)","owner":"\(name)",\
                "time":"\(Self.start)","sequence":1,"balances":[{"asset":"\(Self.asset)",\
                "quantity":"1"},{"asset":"USD","quantity":"-\(number == 0 ? 45_000 : 5_000)"}],\
                "positions":[]}
                """, key: name, at: Self.start, to: topic, producer)
        }
    }

    private func send(
        _ body: String, key: String, at time: Instant, to topic: Producer.Topic,
        _ producer: Producer
    ) throws {
        var (key, body) = (key, body)
        let admission = try key.withUTF8 { key in
            try body.withUTF8 { body in
                try producer.produce(
                    to: topic, partition: 0, key: UnsafeRawBufferPointer(key),
                    value: UnsafeRawBufferPointer(body), timestampMilliseconds: time.milliseconds)
            }
        }
        guard admission == .queued else { throw BenchmarkFailure("the producer's queue is full") }
        producer.poll()
    }

    private func wait(for what: String, _ isSo: () -> Bool) throws {
        let limit = ContinuousClock.now + .seconds(60)
        while !isSo() {
            guard ContinuousClock.now < limit else { throw BenchmarkFailure("no \(what)") }
            Thread.sleep(forTimeInterval: 0.005)
        }
    }

    /// Looks at both outputs.
    private struct Observer {
        let consumer: Consumer
        private let alerts: any LogQueue
        private let echoes: any LogQueue
        private let batch: RecordBatch

        init(_ broker: EmbeddedBroker, _ alerts: String, _ echoes: String) throws {
            consumer = try Consumer(
                .consumer(bootstrapServers: broker.bootstrapServers, groupId: "bench-observer"))
            let places = [TopicPartition(alerts, 0), TopicPartition(echoes, 0)]
            try consumer.assign(places.map { TopicPartitionOffset($0, .beginning) })
            guard let first = consumer.queue(of: places[0]),
                let second = consumer.queue(of: places[1])
            else { throw BenchmarkFailure("the observer has no queues") }
            (self.alerts, self.echoes) = (first, second)
            batch = consumer.makeBatch(capacity: 100)
        }

        private func drain(_ queue: any LogQueue) -> (count: Int, isAtEnd: Bool) {
            queue.drain(into: batch)
            return (batch.count, batch.endOffset != nil)
        }

        /// Passes over what is there before the first record that counts.
        func skip() throws {
            let limit = ContinuousClock.now + .seconds(10)
            var (alertsEnd, echoesEnd) = (false, false)
            while !alertsEnd || !echoesEnd {
                consumer.wait(upTo: .milliseconds(5))
                consumer.poll()
                alertsEnd = drain(alerts).isAtEnd || alertsEnd
                echoesEnd = drain(echoes).isAtEnd || echoesEnd
                guard ContinuousClock.now < limit else {
                    throw BenchmarkFailure("the observer does not reach the ends")
                }
            }
        }

        /// Seconds from a record's sending until its alert and its echo are seen.
        func time(_ send: () throws -> Void) throws -> (alert: Double, echo: Double) {
            let begin = ContinuousClock.now
            try send()
            var (alert, echo) = (Double?.none, Double?.none)
            while alert == nil || echo == nil {
                consumer.wait(upTo: .milliseconds(1))
                consumer.poll()
                let (newAlerts, newEchoes) = (drain(alerts).count, drain(echoes).count)
                let passed = (ContinuousClock.now - begin) / .seconds(1)
                if newAlerts > 0 { alert = passed }
                if newEchoes > 0 { echo = passed }
                guard passed < 10 else {
                    throw BenchmarkFailure("no alert or no echo within 10 s")
                }
            }
            return (alert ?? 0, echo ?? 0)
        }
    }
}
