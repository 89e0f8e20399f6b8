import ArgumentParser
import Foundation
import Kafka
import Operations
import Pipeline

/// `topics list`, `create` and `check`.
struct TopicsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topics",
        abstract: "List, create or check the topics Breakwater needs.",
        discussion: """
            Topics of one family must have equal partition counts, because partition N of each \
            belongs to shard N. Producers of quotes and surfaces must partition by key with \
            murmur2: the Java client's default; in librdkafka partitioner=murmur2_random.
            """,
        subcommands: [List.self, Create.self, Check.self])

    struct Options: ParsableArguments {
        @Option(
            help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
        var config: String

        func read() throws -> (settings: Settings, configuration: ClientConfiguration) {
            let settings = try readSettings(config)
            let configuration = ClientConfiguration(
                bootstrapServers: settings.kafka.bootstrapServers,
                properties: try settings.clientProperties())
            return (settings, configuration)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the topics that are needed, and of what kind. Asks no broker.")

        @OptionGroup var options: Options

        func run() throws {
            let plan = try options.read().settings.topicPlan
            let width = (plan.entries.map(\.name.count).max() ?? 0) + 2
            say("\("TOPIC".left(width))\("CLEANUP".left(10))FAMILY (equal partition counts)")
            for entry in plan.entries {
                let cleanup = entry.cleanup.rawValue.left(10)
                say("\(entry.name.left(width))\(cleanup)\(entry.family.rawValue)")
            }
        }
    }

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Create the topics that do not exist yet.",
            discussion: """
                Replication is 3, or what the cluster has; with more than one replica \
                min.insync.replicas is 2; compacted topics keep tombstones for a day. Topics that \
                exist are left as they are: topics check says whether they fit. Choose the \
                partitions for growth: they limit how many workers share the work and cannot be \
                changed later without starting the shards anew.
                """)

        @OptionGroup var options: Options

        @Option(help: "Partitions of each topic.")
        var partitions = 8

        func validate() throws {
            guard (1...10_000).contains(partitions) else {
                throw ValidationError("--partitions must be between 1 and 10000")
            }
        }

        func run() throws {
            let (settings, configuration) = try options.read()
            let plan = settings.topicPlan
            let admin = try Admin(configuration)
            defer { admin.close() }
            let cluster = try admin.describeCluster()
            let missing = Set(plan.missing(in: cluster.topics))
            let new = plan.newTopics(
                missing, partitions: partitions, brokerCount: max(1, cluster.brokerCount))
            let failures = try admin.create(new)
            for topic in new {
                if let failure = failures[topic.name] {
                    say("\(topic.name): failed: \(failure.description)")
                } else {
                    say("\(topic.name): created with \(topic.partitions) partitions")
                }
            }
            for entry in plan.entries where !missing.contains(entry.name) {
                say("\(entry.name): exists")
            }
            guard failures.isEmpty else {
                throw CommandFailure("\(failures.count) of \(new.count) topics were not created")
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say everything about the topics that does not fit; exit 1 if anything.",
            discussion: """
                Then says how far the work can be shared: a partition belongs to one worker, so \
                there are at most as many at work as partitions, in however many processes. \
                Further ones stand by and take over when one goes.
                """)

        @OptionGroup var options: Options

        func run() throws {
            let (settings, configuration) = try options.read()
            let plan = settings.topicPlan
            let admin = try Admin(configuration)
            defer { admin.close() }
            let topics = try admin.describe(plan.entries.map(\.name))
            var policies: [String: [String: String]]?
            do throws(KafkaError) {
                policies = try admin.configurations(of: topics.keys.sorted())
            } catch {
                say("cleanup policies not checked: \(error)")
            }
            let problems = plan.problems(topics: topics, settings: policies)
            for problem in problems { say(problem) }
            let workers = settings.workers
            for line in plan.scaleOut(
                topics, haircutWorkers: workers.haircut, marginWorkers: workers.margin)
            {
                say(line)
            }
            guard problems.isEmpty else {
                throw CommandFailure("\(problems.count) problems")
            }
            say("\(plan.entries.count) topics are as they should be")
        }
    }
}

extension Settings {
    /// Every topic of the contracts under its configured name.
    var topicPlan: TopicPlan {
        TopicPlan(
            TopicPlan.shapes.compactMap { shape in
                Settings.Topics.names.first { $0.key == shape.key }.map { name in
                    TopicPlan.Entry(
                        key: shape.key, name: topics[keyPath: name.path], cleanup: shape.cleanup,
                        family: shape.family)
                }
            })
    }
}
