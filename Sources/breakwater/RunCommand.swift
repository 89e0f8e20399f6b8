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
        abstract: "Serve: read the input topics, publish haircut tables.",
        discussion: """
            Runs until SIGTERM or SIGINT, then drains, commits and leaves the group within 10 s. \
            Start as many processes with the same configuration as there are partitions to share; \
            they divide the work. Meanwhile http.bind and http.port, by default \
            http://127.0.0.1:9464, give a page (/), /healthz, /readyz, /metrics for Prometheus \
            and /api/haircuts, /api/breakers and /api/workers, all read only.
            """)

    enum Role: String, ExpressibleByArgument, CaseIterable {
        case all, haircut
    }

    @Option(
        help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(help: "What this process does. The margin stage is not part of this version.")
    var role = Role.all

    func run() throws {
        Interruption.shared.listen()
        let settings = try readSettings(config)
        startLogging(settings.log)
        let log = Logger(label: "breakwater")
        guard settings.workers.haircut > 0 else {
            throw CommandFailure("workers.haircut is 0: there is nothing to do")
        }
        let pipeline = try settings.pipeline()
        let service = WorkerService.haircut(
            pipeline, workers: settings.workers.haircut, log: log)
        let observation = try Observation(
            settings, plan: TopicPlan(pipeline.topics), log: log,
            workers: { [service].observed })
        defer { observation.stop() }
        try TopicCheck.waitUntilSound(
            pipeline, log: log, isStopped: { Interruption.shared.isRequested })
        service.start()
        log.info(
            "serving \(settings.assets.count) assets with \(settings.workers.haircut) workers")
        var reported = WorkerCounters()
        var nextReport = ContinuousClock.now + .seconds(60)
        while !Interruption.shared.isRequested {
            Interruption.shared.sleep(.seconds(1))
            guard ContinuousClock.now >= nextReport else { continue }
            nextReport += .seconds(60)
            report(service.counters, since: &reported, log: log)
        }
        log.info("draining")
        service.stop()
        guard service.wait(upTo: .seconds(9)) else {
            throw CommandFailure(
                "not all workers ended within 9 s: what they had not committed is read again")
        }
        report(service.counters, since: &reported, log: log)
        if Interruption.shared.isByHand { throw ExitCode(130) }
    }

    private func report(
        _ counters: WorkerCounters, since last: inout WorkerCounters, log: Logger
    ) {
        log.info(
            """
            \(counters.quotes - last.quotes) quotes, \(counters.surfaces - last.surfaces) \
            surfaces, \(counters.published - last.published) tables published, \
            \(counters.refused - last.refused) refused, \
            \(counters.duplicates - last.duplicates) duplicates; \
            partitions \(counters.partitions), \(counters.caughtUp) caught up
            """)
        last = counters
    }
}
