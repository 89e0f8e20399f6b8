import ArgumentParser
import Foundation
import Kafka
import Logging
import Operations
import Pipeline

/// The service.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Serve: read the input topics, publish haircuts, requirements and alerts.",
        discussion: """
            Runs until SIGTERM or SIGINT, then drains, commits and leaves the group within 10 s. \
            Start as many processes with the same configuration as there are partitions to share; \
            they divide the work. Meanwhile http.bind and http.port, by default \
            http://127.0.0.1:9464, give a page (/), /healthz, /readyz, /metrics for Prometheus \
            and /api/haircuts, /api/breakers and /api/workers, all read only.
            """)

    enum Role: String, ExpressibleByArgument, CaseIterable {
        case all, haircut, margin
    }

    @Option(
        help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(help: "Which stage this process runs: haircut, margin, or both.")
    var role = Role.all

    func run() throws {
        Interruption.shared.listen()
        let settings = try readSettings(config)
        startLogging(settings.log)
        let log = Logger(label: "breakwater")
        let pipeline = try settings.pipeline()
        let services = services(settings, pipeline, log: log)
        guard !services.isEmpty else {
            throw CommandFailure(
                "workers.haircut and workers.margin leave nothing to do for --role \(role.rawValue)"
            )
        }
        let observation = try Observation(
            settings, plan: TopicPlan(pipeline.topics), log: log,
            workers: { services.observed })
        defer { observation.stop() }
        try TopicCheck.waitUntilSound(
            pipeline, log: log, isStopped: { Interruption.shared.isRequested })
        for service in services { service.start() }
        var reported = services.map { _ in WorkerCounters() }
        let refusal = watch(services, &reported, log: log)
        log.info("draining")
        for service in services { service.stop() }
        let end = ContinuousClock.now + .seconds(9)
        for service in services {
            guard service.wait(upTo: max(.zero, end - .now)) else {
                throw CommandFailure(
                    "not all workers ended within 9 s: what they had not committed is read again")
            }
        }
        report(services, since: &reported, log: log)
        if let refusal { throw CommandFailure(refusal) }
        if Interruption.shared.isByHand { throw ExitCode(130) }
    }

    private func services(
        _ settings: Settings, _ pipeline: PipelineConfiguration, log: Logger
    ) -> [WorkerService] {
        var services: [WorkerService] = []
        if role != .margin, settings.workers.haircut > 0 {
            services.append(.haircut(pipeline, workers: settings.workers.haircut, log: log))
        }
        if role != .haircut, settings.workers.margin > 0 {
            services.append(.margin(pipeline, workers: settings.workers.margin, log: log))
        }
        return services
    }

    /// Reports once a minute until it is interrupted.
    ///
    /// - Returns: why workers refuse to serve, what waiting does not mend.
    private func watch(
        _ services: [WorkerService], _ reported: inout [WorkerCounters], log: Logger
    ) -> String? {
        var nextReport = ContinuousClock.now + .seconds(60)
        while !Interruption.shared.isRequested {
            Interruption.shared.sleep(.seconds(1))
            if let refusal = services.compactMap(\.refusal).first { return refusal }
            guard ContinuousClock.now >= nextReport else { continue }
            nextReport += .seconds(60)
            report(services, since: &reported, log: log)
        }
        return nil
    }

    private func report(
        _ services: [WorkerService], since reported: inout [WorkerCounters], log: Logger
    ) {
        for (index, service) in services.enumerated() {
            report(service, since: &reported[index], log: log)
        }
    }

    private func report(
        _ service: WorkerService, since last: inout WorkerCounters, log: Logger
    ) {
        let counters = service.counters
        let published =
            service.role == "haircut"
            ? "\(counters.published - last.published) tables"
            : "\(counters.requirements - last.requirements) requirements, "
                + "\(counters.alerts - last.alerts) alerts"
        log.info(
            """
            \(service.role): \(counters.records - last.records) records, \(published) published, \
            \(counters.refused - last.refused) refused, \
            \(counters.duplicates - last.duplicates) duplicates; \
            partitions \(counters.serving), \(counters.caughtUp) caught up
            """)
        last = counters
    }
}
