import ArgumentParser
import Foundation
import Kafka
import Operations

/// The embedded broker alone.
struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker",
        abstract: "Run the embedded broker alone, for trying out and for tests.",
        discussion: """
            The first line printed is bootstrap.servers=ADDRESS; the address is what \
            kafka.bootstrapServers wants. Any Kafka client can use it, from this machine. \
            It keeps the newest 5 MiB of each partition in memory and forgets everything when it \
            ends; it has neither compaction nor isolation of transactions. Topics that were not \
            named are created with one partition when first used.

              breakwater broker --topic market.quotes.v1:4 --topic market.iv-surfaces.v1:4
            """)

    @Option(
        name: .customLong("topic"), help: "A topic to create; may be given several times.",
        transform: TopicArgument.init)
    var topics: [TopicArgument] = []

    @Option(help: "Write the address to this file as well, once the broker serves.")
    var addressFile: String?

    /// `NAME:PARTITIONS`.
    struct TopicArgument {
        var name: String
        var partitions: Int

        init(_ text: String) throws {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, let partitions = Int(parts[1]),
                (1...10_000).contains(partitions)
            else {
                throw ValidationError(
                    "'\(text)' is not NAME:PARTITIONS, such as market.quotes.v1:4")
            }
            name = String(parts[0])
            self.partitions = partitions
        }
    }

    func run() throws {
        Interruption.shared.listen()
        let broker = try EmbeddedBroker()
        for topic in topics { try broker.create(topic: topic.name, partitions: topic.partitions) }
        if let addressFile { try writeWhole(broker.bootstrapServers + "\n", to: addressFile) }
        say("bootstrap.servers=\(broker.bootstrapServers)")
        while !Interruption.shared.isRequested { Interruption.shared.sleep(.seconds(1)) }
        broker.close()
    }
}

/// Writes a file that is either there whole or not at all.
func writeWhole(_ text: String, to path: String) throws {
    do {
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
    } catch {
        throw CommandFailure("cannot write \(path): \(error.localizedDescription)")
    }
}

/// A failure with a sentence for the person at the terminal; exit status 1.
struct CommandFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
