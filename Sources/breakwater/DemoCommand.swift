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
            Starts an embedded broker on loopback, feeds the scenario and synthetic accounts to \
            the input topics, runs the haircut and the margin workers on them, and shows what \
            consumers of their topics read: haircuts, breakers, accounts by status, alerts. The \
            hours before the crash are played first, as fast as may be, so that volatilities and \
            baselines are known when it begins. Nobody acts on the alerts' plans here.
            """)

    @Option(help: "One of: \(ScenarioCatalog.names.joined(separator: ", ")).")
    var scenario = "crash-2025-10-10"

    @Option(help: "Seconds of the market per second; 0 is as fast as may be.")
    var speed = 600.0

    @Option(help: "Partitions of the topics.")
    var partitions = 2

    @Option(help: "Worker threads of each role.")
    var workers = 1

    @Option(help: "Synthetic accounts.")
    var accounts = 300

    @Option(help: "What the accounts are made from.")
    var seed: UInt64 = 1

    /// Records sent and not yet processed, or tables published and not yet read, at which the feed
    /// waits: the broker keeps 5 MiB a partition.
    private static let mostBehind = 150
    /// Market played before the accounts come, so that there are prices to hold them to.
    private static let openingSeconds: Int64 = 60

    func validate() throws {
        guard speed >= 0, speed.isFinite, (1...64).contains(partitions), (1...64).contains(workers),
            (0...20_000).contains(accounts)
        else {
            throw ValidationError(
                "--speed must not be negative; --partitions and --workers are 1 to 64, "
                    + "--accounts at most 20000")
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
        let services = Services(
            haircut: .haircut(pipeline, workers: workers, log: log),
            margin: .margin(pipeline, workers: workers, log: log))
        let observation = try Observation(
            settings, plan: TopicPlan(pipeline.topics), log: log,
            workers: { services.all.observed })
        say("Page:     \(observation.url)")
        for service in services.all { service.start() }
        defer {
            observation.stop()
            for service in services.all { service.stop() }
            for service in services.all { _ = service.wait(upTo: .seconds(9)) }
            broker.close()
        }
        let end = ContinuousClock.now + .seconds(20)
        let watches = Watches(
            haircuts: try HaircutWatch(settings, isWhole: true, until: end),
            margin: try MarginWatch(settings, until: end))
        try waitForWorkers(services)
        try play(scenario, settings: settings, services: services, watches: watches)
        if Interruption.shared.isByHand { throw ExitCode(130) }
    }

    private struct Services {
        var haircut: WorkerService
        var margin: WorkerService
        var all: [WorkerService] { [haircut, margin] }
    }

    private struct Watches {
        var haircuts: HaircutWatch
        var margin: MarginWatch
        var lines: [String] { haircuts.lines() + [""] + margin.lines }
    }

    /// A stretch of the market and what it is played for; nil speed is as fast as may be.
    private struct Part {
        var from: Instant
        var to: Instant
        var speed: Double?
        var what: String
    }

    /// The configuration recommended for the scenario, read as any configuration is.
    private func settings(for scenario: Scenario, address: String) throws -> Settings {
        var lines = [
            "kafka: {bootstrapServers: \"\(address)\", groupId: demo}", "delivery: at-least-once",
            "clock: event", "http: {port: 0}", "log: {level: warning}",
            // Hours pass in seconds here: refreshes of what only moved are not to fill the bus,
            // ladders are drawn less often, and nothing is out of date because another partition
            // is a minute of the market ahead.
            "margin: {refreshesPerSecond: 500, exposureMilliseconds: 30000}",
            "parameters: {validitySeconds: 3600, quoteStaleSeconds: 3600, "
                + "surfaceStaleSeconds: 3600}",
            "assets:",
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

    private func waitForWorkers(_ services: Services) throws {
        say("Workers:  joining their group (about 3 s on the embedded broker)…")
        let end = ContinuousClock.now + .seconds(60)
        while services.all.contains(where: { $0.counters.serving.count < partitions }),
            !Interruption.shared.isRequested
        {
            guard ContinuousClock.now < end else {
                throw CommandFailure("the workers did not join their group within 60 s")
            }
            Interruption.shared.sleep(.milliseconds(50))
        }
    }

    private func play(
        _ scenario: Scenario, settings: Settings, services: Services, watches: Watches
    ) throws {
        let feed = try ScenarioFeed(
            .producer(bootstrapServers: settings.kafka.bootstrapServers),
            quotes: settings.topics.quotes, surfaces: settings.topics.ivSurfaces)
        defer { feed.close() }
        let terminal = Terminal()
        let crash = scenario.start(ofSection: "crash") ?? scenario.start
        let opening = min(crash, scenario.start.advanced(bySeconds: Self.openingSeconds))
        let parts = [
            Part(from: scenario.start, to: opening, speed: nil, what: "opening"),
            Part(from: opening, to: crash, speed: nil, what: "warming up"),
            Part(from: crash, to: scenario.end, speed: speed == 0 ? nil : speed, what: "the crash"),
        ]
        var summary = DemoSummary(from: crash)
        var alerts = AlertSummary(from: crash, asset: "\(scenario.assets[0].asset)")
        func read() throws(KafkaError) {
            try watches.haircuts.read {
                summary.add($0)
                alerts.add($0)
            }
            try watches.margin.read { alerts.add($0) }
        }
        func mayGoOn() -> Bool { isWithinBounds(feed, services, watches) }
        for part in parts {
            try feed.play(
                scenario.events().lazy.filter { $0.time >= part.from && $0.time < part.to },
                speed: part.speed, mayGoOn: { _ in mayGoOn() },
                isStopped: { Interruption.shared.isRequested }
            ) { (feed) throws(KafkaError) in
                try read()
                terminal.block(["", Self.progress(of: part, at: feed.time)] + watches.lines)
            }
            if part.what == "opening" {
                try settle(feed, services, watches, read)
                let population = Population(size: accounts, seed: seed, market: scenario.opening)
                try feed.publish(
                    population.accounts, to: settings.topics.positions,
                    partitions: Int32(partitions), mayGoOn: { _ in mayGoOn() },
                    isStopped: { Interruption.shared.isRequested }
                ) { (_) throws(KafkaError) in try read() }
            }
        }
        try settle(feed, services, watches, read)
        terminal.lastBlock([""] + watches.lines)
        terminal.keepBlock()
        for line in Self.totals(services) + summary.lines + [""] + alerts.lines {
            terminal.line(line)
        }
    }

    private static func totals(_ services: Services) -> [String] {
        let (haircut, margin) = (services.haircut.counters, services.margin.counters)
        return [
            "",
            "\(haircut.quotes) quotes and \(haircut.surfaces) surfaces in, "
                + "\(haircut.published) tables and \(haircut.breakerChanges) breaker changes out, "
                + "\(haircut.refused) refused",
            "\(margin.positions) accounts in, \(margin.requirements) requirements and "
                + "\(margin.alerts) alerts out, \(margin.refused) refused", "",
        ]
    }

    /// Whether neither the workers nor these consumers are so far behind that the broker, which
    /// keeps 5 MiB a partition, would drop what they have not read.
    private func isWithinBounds(
        _ feed: ScenarioFeed, _ services: Services, _ watches: Watches
    ) -> Bool {
        let (haircut, margin) = (services.haircut.counters, services.margin.counters)
        return feed.sent - haircut.quotes - haircut.surfaces < Self.mostBehind
            && feed.accountsSent - margin.positions < Self.mostBehind
            // Each margin worker reads every table.
            && haircut.published - margin.haircuts / workers < Self.mostBehind
            && haircut.published - watches.haircuts.tables < Self.mostBehind
            && margin.requirements - watches.margin.requirements < Self.mostBehind
    }

    private static func progress(of part: Part, at time: Instant?) -> String {
        let time = time ?? part.from
        let share = time.seconds(since: part.from) / part.to.seconds(since: part.from)
        return "\(Terminal.bar(share))  \(part.what)  \(time.description.prefix(19)) UTC"
    }

    /// Waits until everything fed was processed and everything published was read.
    private func settle(
        _ feed: ScenarioFeed, _ services: Services, _ watches: Watches,
        _ read: () throws(KafkaError) -> Void
    ) throws(KafkaError) {
        let end = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < end, !Interruption.shared.isRequested {
            try read()
            let (haircut, margin) = (services.haircut.counters, services.margin.counters)
            if haircut.quotes + haircut.surfaces >= feed.sent,
                watches.haircuts.tables >= haircut.published,
                margin.haircuts >= haircut.published * workers,
                watches.margin.requirements >= margin.requirements
            {
                return
            }
            Interruption.shared.sleep(.milliseconds(20))
        }
    }
}
