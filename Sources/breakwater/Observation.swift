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
                status.brokerFailure = watch.failure
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
        reader = BoardReader(settings, board: board, log: log)
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

extension [WorkerService] {
    /// What `/readyz`, `/metrics` and `/api/workers` say of the workers.
    var observed: (statuses: [WorkerStatus], metrics: [MetricFamily]) {
        let statuses = flatMap { service in
            service.reports.enumerated().map { number, report in
                WorkerStatus(
                    role: WorkerStatus.Role(rawValue: service.role) ?? .haircut, number: number,
                    isAssigned: report.counters.isAssigned, failure: report.reason,
                    awaited: report.counters.awaited,
                    partitions: report.counters.partitionStatuses)
            }
        }
        let counters = map { (role: $0.role, counters: $0.counters) }
        return (statuses, WorkerCounters.families(counters))
    }
}

extension WorkerReport {
    /// Why the worker does not serve, a failure or a standstill.
    fileprivate var reason: String? {
        if let failure { return "\(failure)" }
        guard stall > WorkerService.stallLimit else { return nil }
        return "no progress for \(stall.components.seconds) s"
    }
}

extension WorkerCounters {
    /// Partitions that are restored count as caught up from the lowest on: the workers report how
    /// many have read all their inputs, not which. Those of one worker are restored together.
    fileprivate var partitionStatuses: [PartitionStatus] {
        var caughtUp = caughtUp
        return partitions.map { partition in
            guard serving.contains(partition) else {
                let isKnown = recordsToRestore > 0
                return PartitionStatus(
                    partition: partition, phase: .restoring,
                    restoredRecords: isKnown ? restoredRecords : nil,
                    recordsToRestore: isKnown ? recordsToRestore : nil)
            }
            caughtUp -= 1
            return PartitionStatus(
                partition: partition, phase: caughtUp >= 0 ? .serving : .behind,
                lagRecords: lags[partition])
        }
    }

    /// As metrics, under one spelling each, with a series a role.
    static func families(_ roles: [(role: String, counters: WorkerCounters)]) -> [MetricFamily] {
        func family(
            _ name: String, _ help: String, _ label: String? = nil,
            _ values: (WorkerCounters) -> [(String, Int)]
        ) -> MetricFamily {
            MetricFamily(
                "breakwater_\(name)_total", .counter, help,
                roles.flatMap { role, counters in
                    values(counters).map { value, count in
                        MetricFamily.Sample(
                            labels: [.init("role", role)]
                                + (label.map { [.init($0, value)] } ?? []),
                            value: Double(count))
                    }
                })
        }
        func counter(
            _ name: String, _ help: String, _ value: KeyPath<WorkerCounters, Int>
        ) -> MetricFamily {
            family(name, help) { [("", $0[keyPath: value])] }
        }
        return [
            family("records", "Records taken from input topics", "input") {
                [
                    ("quotes", $0.quotes), ("surfaces", $0.surfaces), ("positions", $0.positions),
                    ("haircuts", $0.haircuts), ("exposures", $0.exposures),
                    ("controls", $0.controls),
                ]
            },
            counter("messages_applied", "Messages that changed a shard", \.applied),
            counter(
                "duplicates", "Messages not newer than the last of their source", \.duplicates),
            counter("sequence_resets", "Senders that began anew", \.sequenceResets),
            counter("unlisted_messages", "Messages of assets not configured", \.unlisted),
            counter("unreadable_records", "Our own records that cannot be read", \.unreadable),
            family("refusals", "Records sent to the dead letters", "code") {
                $0.refusals.sorted { $0.key < $1.key }
            },
            counter("haircuts", "Haircut tables published", \.published),
            counter("breakers", "Breaker changes published", \.breakerChanges),
            counter("margin_requirements", "Margin requirements published", \.requirements),
            counter("liquidation_alerts", "Liquidation alerts published", \.alerts),
            counter("exposures", "Exposures published", \.ladders),
            counter("unknown_assets", "Assets held without a haircut table", \.unknownAssets),
            counter("timers", "Timers given to shards", \.timers),
            counter("commits", "Batches delivered with their positions", \.commits),
            counter("aborts", "Transactions aborted and sent again", \.aborts),
            counter("producer_replacements", "Producers replaced", \.replacements),
            counter("restores", "Restores of shards after an assignment", \.restores),
            counter("offset_resets", "Positions lost, reading began again", \.offsetResets),
            overshoot(roles),
        ]
    }

    /// What lagging ladders let through the governor, a series an asset.
    private static func overshoot(
        _ roles: [(role: String, counters: WorkerCounters)]
    ) -> MetricFamily {
        MetricFamily(
            "breakwater_governor_overshoot_total", .counter,
            "Value forced by published steps beyond what the governor charged for them",
            roles.flatMap { role, counters in
                counters.governorOvershoot.sorted { $0.key < $1.key }.map { asset, value in
                    MetricFamily.Sample(
                        labels: [.init("role", role), .init("asset", asset)], value: value)
                }
            })
    }
}
