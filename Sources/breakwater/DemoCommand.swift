import ArgumentParser
import Foundation
import Kafka
import Logging
import Operations
import Pipeline
import Quantities
import Scenarios

/// Everything in one process.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Play a recorded crash through real topics and the real pipeline.",
        discussion: """
            Starts an embedded broker on loopback, feeds the scenario to the input topics, runs \
            the haircut workers on them, and shows what a consumer of risk.haircuts.v1 reads. The \
            hours before the crash are played first, as fast as may be, so that volatilities and \
            baselines are known when it begins.
            """)

    @Option(help: "One of: \(ScenarioCatalog.names.joined(separator: ", ")).")
    var scenario = "crash-2025-10-10"

    @Option(help: "Seconds of the market per second; 0 is as fast as may be.")
    var speed = 600.0

    @Option(help: "Partitions of the topics.")
    var partitions = 2

    @Option(help: "Worker threads.")
    var workers = 1

    /// Records sent and not yet processed, or tables published and not yet read, at which the feed
    /// waits: the broker keeps 5 MiB a partition.
    private static let mostBehind = 1_000

    func validate() throws {
        guard speed >= 0, speed.isFinite, (1...64).contains(partitions), (1...64).contains(workers)
        else {
            throw ValidationError(
                "--speed must not be negative; --partitions and --workers are 1 to 64")
        }
    }

    func run() throws {
        Interruption.shared.listen()
        let scenario = try findScenario(scenario)
        let broker = try EmbeddedBroker()
        let settings = try settings(for: scenario, address: broker.bootstrapServers)
        startLogging(settings.log)
        try create(settings.topicPlan, on: broker)
        say("Broker:   \(broker.bootstrapServers) (embedded; any Kafka client on this machine)")
        say("Scenario: \(scenario.name): \(scenario.description)")

        let pipeline = try settings.pipeline()
        let log = Logger(label: "breakwater")
        let service = WorkerService.haircut(pipeline, workers: workers, log: log)
        let observation = try Observation(
            settings, plan: TopicPlan(pipeline.topics), log: log,
            workers: { [service].observed })
        say("Page:     \(observation.url)")
        service.start()
        defer {
            observation.stop()
            service.stop()
            _ = service.wait(upTo: .seconds(9))
            broker.close()
        }
        let watch = try HaircutWatch(settings, partitions: partitions)
        try waitForWorkers(service)
        try play(scenario, settings: settings, service: service, watch: watch)
        if Interruption.shared.isByHand { throw ExitCode(130) }
    }

    /// The configuration recommended for the scenario, read as any configuration is.
    private func settings(for scenario: Scenario, address: String) throws -> Settings {
        var lines = [
            "kafka: {bootstrapServers: \"\(address)\", groupId: demo}", "delivery: at-least-once",
            "clock: event", "http: {port: 0}", "log: {level: warning}", "assets:",
        ]
        for asset in scenario.assets {
            lines.append(
                "  - {id: \"\(asset.asset)\", class: \(asset.assetClass.rawValue), "
                    + "primaryVenue: \"\(asset.primaryVenue)\", "
                    + "dailyVolume: \"\(asset.dailyVolume)\", "
                    + "depthReference: \"\(asset.depthReference)\", "
                    + "systemCollateral: \"\(asset.systemCollateral)\", sources: 2}")
        }
        return try Settings.read(
            yaml: Array(lines.joined(separator: "\n").utf8), file: "the demo's configuration")
    }

    private func create(_ plan: TopicPlan, on broker: EmbeddedBroker) throws {
        for entry in plan.entries {
            try broker.create(
                topic: entry.name, partitions: entry.family == .other ? 1 : partitions)
        }
    }

    private func waitForWorkers(_ service: WorkerService) throws {
        say("Workers:  joining their group (about 3 s on the embedded broker)…")
        let end = ContinuousClock.now + .seconds(60)
        while service.counters.serving.count < partitions, !Interruption.shared.isRequested {
            guard ContinuousClock.now < end else {
                throw CommandFailure("the workers did not join their group within 60 s")
            }
            Interruption.shared.sleep(.milliseconds(50))
        }
    }

    private func play(
        _ scenario: Scenario, settings: Settings, service: WorkerService, watch: HaircutWatch
    ) throws {
        let feed = try ScenarioFeed(
            .producer(bootstrapServers: settings.kafka.bootstrapServers),
            quotes: settings.topics.quotes, surfaces: settings.topics.ivSurfaces)
        defer { feed.close() }
        let terminal = Terminal()
        let crash = scenario.start(ofSection: "crash") ?? scenario.start
        let parts: [(from: Instant, to: Instant, speed: Double?)] = [
            (scenario.start, crash, nil), (crash, scenario.end, speed == 0 ? nil : speed),
        ]
        var summary = DemoSummary(from: crash)
        for (number, part) in parts.enumerated() {
            try feed.play(
                scenario.events().lazy.filter { $0.time >= part.from && $0.time < part.to },
                speed: part.speed,
                mayGoOn: { sent in
                    let counters = service.counters
                    return sent - counters.records < Self.mostBehind
                        && counters.published - watch.tables < Self.mostBehind
                },
                isStopped: { Interruption.shared.isRequested }
            ) { feed in
                watch.read { summary.add($0) }
                terminal.block(
                    ["", Self.progress(of: part, at: feed.time, isWarmUp: number == 0)]
                        + watch.lines)
            }
        }
        settle(service, feed, watch) { summary.add($0) }
        terminal.lastBlock([""] + watch.lines)
        terminal.keepBlock()
        let counters = service.counters
        terminal.line(
            "\n\(counters.quotes) quotes and \(counters.surfaces) surfaces in, "
                + "\(counters.published) tables out, \(counters.refused) refused\n")
        for line in summary.lines { terminal.line(line) }
    }

    private static func progress(
        of part: (from: Instant, to: Instant, speed: Double?), at time: Instant?, isWarmUp: Bool
    ) -> String {
        let time = time ?? part.from
        let share = time.seconds(since: part.from) / part.to.seconds(since: part.from)
        let what = isWarmUp ? "warming up" : "the crash"
        return "\(Terminal.bar(share))  \(what)  \(time.description.prefix(19)) UTC"
    }

    /// Waits until everything fed was processed and everything published was read.
    private func settle(
        _ service: WorkerService, _ feed: ScenarioFeed, _ watch: HaircutWatch,
        _ read: (HaircutWatch.Reading) -> Void
    ) {
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end, !Interruption.shared.isRequested {
            watch.read(read)
            let counters = service.counters
            if counters.records >= feed.sent, watch.tables >= counters.published { return }
            Interruption.shared.sleep(.milliseconds(20))
        }
    }
}
