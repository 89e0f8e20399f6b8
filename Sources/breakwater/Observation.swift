import Foundation
import Kafka
import Logging
import Metrics
import Operations
import Pipeline

/// HTTP and what feeds it, beside the workers of one process.
final class Observation {
    private let server: HTTPServer
    private let watch: BrokerWatch
    private let reader: BoardReader

    /// Listens, and begins to watch the brokers.
    ///
    /// - Parameters:
    ///   - plan: the topics without which the process is not ready.
    ///   - workers: what they report now; called from several threads.
    init(
        _ settings: Settings, plan: TopicPlan, log: Logger,
        workers: @escaping @Sendable () -> (statuses: [WorkerStatus], metrics: [MetricFamily])
    ) throws {
        let board = MarketBoard()
        let watch = BrokerWatch(
            plan,
            ClientConfiguration(
                bootstrapServers: settings.kafka.bootstrapServers,
                properties: try settings.clientProperties()))
        let registry = MetricsRegistry()
        MetricsSystem.bootstrap(registry)
        let pages = ServicePages(
            status: {
                var status = ServiceStatus()
                status.brokerSilenceSeconds = watch.silenceSeconds
                status.topicProblems = watch.topicProblems
                (status.workers, status.metrics) = workers()
                return status
            }, board: board, registry: registry, version: Breakwater.version)
        server = try HTTPServer(bind: settings.http.bind, port: settings.http.port) {
            pages.respond($0)
        }
        log.info("page, readiness and metrics: \(server.url)")
        if !isLoopback(settings.http.bind) {
            log.warning(
                """
                http.bind is \(settings.http.bind): whoever reaches \(server.url) can read it, \
                without a password and without TLS
                """)
        }
        self.watch = watch
        reader = try BoardReader(settings, board: board, log: log)
        watch.start()
        reader.start()
    }

    /// The page's address.
    var url: String { server.url }

    /// Ends threads and connections, at most a moment later than the workers.
    func stop() {
        watch.stop()
        reader.stop()
        server.stop(within: .milliseconds(200))
        watch.wait(upTo: 0.3)
        reader.wait(upTo: 0.3)
    }
}

/// Whether nobody outside this machine reaches an address.
private func isLoopback(_ address: String) -> Bool {
    address.hasPrefix("127.") || address == "::1" || address == "localhost"
}

extension WorkerService {
    /// What `/readyz` and `/api/workers` say of the workers.
    var observed: (statuses: [WorkerStatus], metrics: [MetricFamily]) {
        let reports = reports
        let statuses = reports.enumerated().map { number, report in
            let counters = report.counters
            return WorkerStatus(
                role: role == "margin" ? .margin : .haircut, number: number,
                isAssigned: counters.isAssigned, failure: report.failure.map { "\($0)" },
                partitions: counters.partitions.enumerated().map { index, partition in
                    PartitionStatus(
                        partition: partition,
                        phase: !counters.serving.contains(partition)
                            ? .restoring : index < counters.caughtUp ? .serving : .behind)
                })
        }
        let counters = reports.reduce(WorkerCounters()) { $0 + $1.counters }
        return (statuses, counters.families)
    }
}

extension WorkerCounters {
    /// As metrics, under one spelling each.
    var families: [MetricFamily] {
        func counter(_ name: String, _ help: String, _ value: Int) -> MetricFamily {
            MetricFamily("breakwater_\(name)_total", .counter, help, value)
        }
        return [
            MetricFamily(
                "breakwater_records_total", .counter, "Records taken from input topics",
                [
                    .init(labels: [.init("input", "quotes")], value: Double(quotes)),
                    .init(labels: [.init("input", "surfaces")], value: Double(surfaces)),
                    .init(labels: [.init("input", "exposures")], value: Double(exposures)),
                    .init(labels: [.init("input", "controls")], value: Double(controls)),
                    .init(labels: [.init("input", "positions")], value: Double(positions)),
                    .init(labels: [.init("input", "haircuts")], value: Double(haircuts)),
                ]),
            counter("messages_applied", "Messages that changed a shard", applied),
            counter("duplicates", "Messages not newer than the last of their source", duplicates),
            counter("sequence_resets", "Senders that began anew", sequenceResets),
            counter("unlisted_messages", "Messages of assets not configured", unlisted),
            MetricFamily(
                "breakwater_refusals_total", .counter, "Records sent to the dead letters",
                refusals.sorted { $0.key < $1.key }.map {
                    .init(labels: [.init("code", $0.key)], value: Double($0.value))
                }),
            counter("haircuts", "Haircut tables published", published),
            counter("breaker_changes", "Changes of breaker states published", breakerChanges),
            counter("margin_requirements", "Requirements published", requirements),
            counter("liquidation_alerts", "Alerts published", alerts),
            counter("exposures", "Exposure ladders published", ladders),
            counter("transaction_aborts", "Transactions aborted and sent again", aborts),
            counter("producer_replacements", "Producers replaced after an error", replacements),
            counter("restores", "Restores of shards after an assignment", restores),
            counter("unreadable_records", "Own records that could not be read", unreadable),
            counter("unknown_assets", "Assets held without a haircut table", unknownAssets),
            counter("timers", "Timers given to shards", timers),
            counter("commits", "Commits of input positions", commits),
            counter("offset_resets", "Positions lost, reading began again", offsetResets),
        ]
    }
}
