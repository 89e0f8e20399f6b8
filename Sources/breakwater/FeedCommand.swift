import ArgumentParser
import Foundation
import Kafka
import Operations
import Quantities
import Scenarios

/// Publishes a scenario.
struct FeedCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feed",
        abstract: "Publish a recorded scenario and synthetic accounts to the input topics.",
        discussion: """
            Records carry the scenario's own time, also as their Kafka timestamp. Run the service \
            with clock: event to follow it. The accounts come first: a population made from the \
            seed, for the scenario's assets at its first prices, each account in the partition of \
            its owner. The feed waits when the workers' committed positions fall behind, so that \
            a broker that keeps little (the embedded one) loses nothing.
            """)

    @Option(
        help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Argument(help: "One of: \(ScenarioCatalog.names.joined(separator: ", ")).")
    var scenario: String

    @Option(help: "Seconds of the scenario per second; 0 is as fast as may be.")
    var speed = 1.0

    @Option(help: "Synthetic accounts to publish before the market; 0 publishes none.")
    var accounts = 2_000

    @Option(help: "What the accounts are made from.")
    var seed: UInt64 = 1

    @Option(help: "Records sent and not yet processed at which the feed waits; 0 never waits.")
    var mostBehind = 2_000

    func validate() throws {
        guard speed >= 0, speed.isFinite, mostBehind >= 0 else {
            throw ValidationError("--speed and --most-behind must not be negative")
        }
        guard (0...10_000_000).contains(accounts) else {
            throw ValidationError("--accounts must be between 0 and 10000000")
        }
    }

    func run() throws {
        Interruption.shared.listen()
        let settings = try readSettings(config)
        let scenario = try findScenario(self.scenario)
        let properties = try settings.clientProperties()
        let feed = try ScenarioFeed(
            .producer(
                bootstrapServers: settings.kafka.bootstrapServers, properties: properties),
            quotes: settings.topics.quotes, surfaces: settings.topics.ivSurfaces)
        let position = try GroupPosition(
            of: "haircut", topic: settings.topics.quotes, settings, properties: properties)
        let terminal = Terminal()
        terminal.line(
            "feeding \(scenario.name) to \(settings.kafka.bootstrapServers): \(scenario.start) to "
                + "\(scenario.end)")
        try feedAccounts(of: scenario, feed, settings, properties, terminal)
        try feed.play(
            scenario.events(), speed: speed == 0 ? nil : speed,
            mayGoOn: { mostBehind == 0 || position.lag(behind: $0) < mostBehind },
            isStopped: { Interruption.shared.isRequested }
        ) { feed in
            terminal.block([progressLine(feed, scenario)])
        }
        terminal.keepBlock()
        let undelivered = feed.undelivered
        feed.close()
        terminal.line("\(feed.sent) records sent")
        guard undelivered == 0 else {
            throw CommandFailure("\(undelivered) of them were not acknowledged by the broker")
        }
        if Interruption.shared.isRequested { throw ExitCode(130) }
    }

    private func feedAccounts(
        of scenario: Scenario, _ feed: ScenarioFeed, _ settings: Settings,
        _ properties: [String: String], _ terminal: Terminal
    ) throws {
        guard accounts > 0 else { return }
        let topic = settings.topics.positions
        let position = try GroupPosition(
            of: "margin", topic: topic, settings, properties: properties)
        guard position.partitionCount > 0 else {
            terminal.line("no accounts sent: there is no topic \(topic)")
            return
        }
        let population = Population(size: accounts, seed: seed, market: scenario.opening)
        try feed.publish(
            population.accounts, to: topic, partitions: Int32(position.partitionCount),
            mayGoOn: { mostBehind == 0 || position.lag(behind: $0) < mostBehind },
            isStopped: { Interruption.shared.isRequested }
        ) { feed in
            let share = Double(feed.accountsSent) / Double(accounts)
            terminal.block(["\(Terminal.bar(share))  \(feed.accountsSent) accounts"])
        }
        terminal.line("\(feed.accountsSent) accounts sent to \(topic)")
    }

    private func progressLine(_ feed: ScenarioFeed, _ scenario: Scenario) -> String {
        let passed = (feed.time ?? scenario.start).seconds(since: scenario.start)
        let share = passed / Double(max(1, scenario.durationSeconds))
        let time = feed.time?.description.prefix(19) ?? ""
        return "\(Terminal.bar(share))  \(time)  \(feed.sent) records"
    }
}

/// - Throws: a usage error that lists the scenarios there are.
func findScenario(_ name: String) throws -> Scenario {
    do throws(ScenarioError) {
        return try ScenarioCatalog.scenario(named: name)
    } catch {
        writeToStandardError("\(error)\n")
        throw ExitCode(2)
    }
}

/// How far the workers of one role have come, by what their group committed.
final class GroupPosition {
    private let consumer: Consumer
    private let partitions: [TopicPartition]
    private var committed: Int64 = 0
    private var first: Int64?
    private var askedAt = ContinuousClock.now - .seconds(1)

    /// Of the topic; 0 where it does not exist.
    var partitionCount: Int { partitions.count }

    /// - Parameters:
    ///   - role: `haircut` or `margin`.
    ///   - topic: the one its group subscribes to.
    init(
        of role: String, topic: String, _ settings: Settings, properties: [String: String]
    ) throws {
        let configuration = ClientConfiguration(
            bootstrapServers: settings.kafka.bootstrapServers, properties: properties)
        let admin = try Admin(configuration)
        defer { admin.close() }
        let count = try admin.describe([topic])[topic]?.partitionCount
        partitions = (0..<Int32(count ?? 0)).map { TopicPartition(topic, $0) }
        consumer = try Consumer(
            .consumer(
                bootstrapServers: settings.kafka.bootstrapServers,
                groupId: "\(settings.kafka.groupId)-\(role)", properties: properties))
    }

    /// Records sent and not yet processed. 0 while no worker has committed anything: then nobody
    /// is waited for.
    func lag(behind sent: Int) -> Int {
        if ContinuousClock.now - askedAt > .milliseconds(50) {
            askedAt = .now
            if let offsets = try? consumer.committed(partitions, within: .seconds(2)),
                !offsets.isEmpty
            {
                committed = offsets.reduce(0) { $0 + $1.offset }
                first = first ?? committed - Int64(sent)
            }
        }
        guard let first else { return 0 }
        return max(0, sent - Int(committed - first))
    }
}
