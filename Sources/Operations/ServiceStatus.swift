import Haircuts

/// What a process is doing, taken at one moment: what readiness, metrics and pages are made of.
///
/// Whoever runs the workers makes one when asked; nothing here knows how.
public struct ServiceStatus: Sendable {
    /// Seconds since the brokers last answered; nil: not yet.
    public var brokerSilenceSeconds: Double?
    /// Why they did not answer last, as far as it is known; without secrets.
    public var brokerFailure: String?
    /// What is wrong with the topics, a sentence each.
    public var topicProblems: [String] = []
    public var workers: [WorkerStatus] = []
    /// Beside those made of the workers here: what the workers count.
    public var metrics: [MetricFamily] = []

    public init() {}
}

/// One worker: a thread with its share of a stage.
public struct WorkerStatus: Hashable, Sendable {
    public enum Role: String, CaseIterable, Sendable {
        case haircut, margin
    }

    public var role: Role
    /// From 0 within its role and process.
    public var number: Int
    /// Whether its group has given it a share, be it an empty one.
    public var isAssigned: Bool
    /// Why it does not serve, if so.
    public var failure: String?
    /// Assets for whose first haircut tables it waits before it serves, by name.
    public var awaited: [String]
    /// By number.
    public var partitions: [PartitionStatus]

    public init(
        role: Role, number: Int, isAssigned: Bool, failure: String? = nil,
        awaited: [String] = [], partitions: [PartitionStatus] = []
    ) {
        self.role = role
        self.number = number
        self.isAssigned = isAssigned
        self.failure = failure
        self.awaited = awaited
        self.partitions = partitions
    }

    /// `haircut-0`.
    public var name: String { "\(role.rawValue)-\(number)" }
}

/// One partition of a worker's lead topic, with the shard that belongs to it.
public struct PartitionStatus: Hashable, Sendable {
    public enum Phase: String, CaseIterable, Sendable {
        /// Reads its state back; publishes nothing.
        case restoring
        /// Serves, and has input to catch up with.
        case behind
        /// Serves, and has read all its inputs.
        case serving
    }

    public var partition: Int32
    public var phase: Phase
    /// Records read back so far, and in all; nil where not known.
    public var restoredRecords: Int64?
    public var recordsToRestore: Int64?
    /// Records of the lead topic that were not applied yet, ≥ 0; nil where not known.
    public var lagRecords: Int64?

    public init(
        partition: Int32, phase: Phase, restoredRecords: Int64? = nil,
        recordsToRestore: Int64? = nil, lagRecords: Int64? = nil
    ) {
        self.partition = partition
        self.phase = phase
        self.restoredRecords = restoredRecords
        self.recordsToRestore = recordsToRestore
        self.lagRecords = lagRecords
    }
}

/// When a process may be given work.
public struct ReadinessLimits: Hashable, Sendable {
    /// A broker silent for longer is taken for gone.
    public var brokerSilenceSeconds = 10.0
    /// Records a partition may be behind.
    public var lagRecords: Int64 = 10_000

    public init() {}
}

extension ServiceStatus {
    /// To follow what is said of silent brokers, on the same line.
    private var brokerReason: String {
        brokerFailure.map { ": " + $0.split(whereSeparator: \.isNewline).joined(separator: " ") }
            ?? ""
    }

    /// Why the process is not ready, a sentence each; empty when it is.
    public func reasonsNotReady(_ limits: ReadinessLimits = ReadinessLimits()) -> [String] {
        var reasons: [String] = []
        switch brokerSilenceSeconds {
        case nil: reasons.append("the brokers have not answered yet\(brokerReason)")
        case .some(let seconds) where seconds > limits.brokerSilenceSeconds:
            reasons.append("the brokers have not answered for \(Int(seconds)) s\(brokerReason)")
        case .some: break
        }
        reasons += topicProblems
        if workers.isEmpty { reasons.append("no worker runs") }
        for worker in workers {
            if let failure = worker.failure {
                reasons.append("\(worker.name): \(failure)")
            } else if !worker.isAssigned {
                reasons.append("\(worker.name): no partitions assigned yet")
            }
            if !worker.awaited.isEmpty {
                reasons.append(
                    "\(worker.name): waits for the first haircut tables of "
                        + worker.awaited.joined(separator: ", "))
            }
            for partition in worker.partitions where worker.awaited.isEmpty {
                let place = "\(worker.name): partition \(partition.partition)"
                if partition.phase == .restoring {
                    reasons.append("\(place) restores its state\(progress(of: partition))")
                } else if let lag = partition.lagRecords, lag > limits.lagRecords {
                    reasons.append("\(place) is \(lag) records behind")
                }
            }
        }
        return reasons
    }

    private func progress(of partition: PartitionStatus) -> String {
        guard let restored = partition.restoredRecords else { return "" }
        return ": \(restored)"
            + (partition.recordsToRestore.map { " of \($0)" } ?? "") + " records read"
    }

    /// What `/metrics` says of readiness, workers and partitions, then `metrics`.
    public func families(_ limits: ReadinessLimits = ReadinessLimits()) -> [MetricFamily] {
        typealias Sample = MetricFamily.Sample
        let phases = WorkerStatus.Role.allCases.flatMap { role in
            PartitionStatus.Phase.allCases.map { phase in
                let held = workers.filter { $0.role == role }.flatMap(\.partitions)
                return Sample(
                    labels: [.init("role", role.rawValue), .init("phase", phase.rawValue)],
                    value: Double(held.count { $0.phase == phase }))
            }
        }
        let lags = workers.flatMap { worker in
            worker.partitions.compactMap { partition in
                partition.lagRecords.map {
                    Sample(
                        labels: [
                            .init("role", worker.role.rawValue),
                            .init("partition", partition.partition),
                        ], value: Double($0))
                }
            }
        }
        let failed = workers.map {
            Sample(
                labels: [.init("worker", $0.name)], value: $0.failure == nil ? 0 : 1)
        }
        return [
            MetricFamily(
                "breakwater_ready", .gauge, "Whether /readyz says ready",
                reasonsNotReady(limits).isEmpty ? 1 : 0),
            MetricFamily(
                "breakwater_broker_silence_seconds", .gauge, "Since the brokers last answered",
                brokerSilenceSeconds.map { [Sample(value: $0)] } ?? []),
            MetricFamily(
                "breakwater_worker_failed", .gauge, "Whether a worker waits to start again",
                failed),
            MetricFamily(
                "breakwater_partitions", .gauge, "Partitions of the lead topic held", phases),
            MetricFamily(
                "breakwater_lag_records", .gauge, "Records of the lead topic not applied yet",
                lags),
        ] + metrics
    }

    /// What `/api/workers` says.
    func workersJSON(_ limits: ReadinessLimits) -> JSONText {
        let reasons = reasonsNotReady(limits)
        return .object([
            ("ready", .boolean(reasons.isEmpty)),
            ("reasons", .array(reasons.map { .string($0) })),
            ("brokerSilenceSeconds", brokerSilenceSeconds.map { .number($0) } ?? .null),
            (
                "workers",
                .array(
                    workers.map { worker in
                        .object([
                            ("role", .string(worker.role.rawValue)),
                            ("number", .integer(Int64(worker.number))),
                            ("assigned", .boolean(worker.isAssigned)),
                            ("failure", .optional(worker.failure)),
                            ("partitions", .array(worker.partitions.map(\.json))),
                        ])
                    })
            ),
        ])
    }
}

extension PartitionStatus {
    fileprivate var json: JSONText {
        .object([
            ("partition", .integer(Int64(partition))), ("phase", .string(phase.rawValue)),
            ("restoredRecords", .optional(restoredRecords)),
            ("recordsToRestore", .optional(recordsToRestore)),
            ("lagRecords", .optional(lagRecords)),
        ])
    }
}
