import ArgumentParser
import Foundation
import Glibc
import Kafka
import Pipeline

/// The topics of one run, so that no run meets another's records.
struct RunTopics {
    static let partitions = 4

    let quotes: String
    let surfaces: String
    /// What the run publishes: haircut tables, or quotes passed through.
    let output: String
    let deadLetters: String

    init(run: Int) {
        quotes = "bench-\(run).quotes"
        surfaces = "bench-\(run).surfaces"
        output = "bench-\(run).output"
        deadLetters = "bench-\(run).dead-letters"
    }

    /// Topics of a loop that passes records on.
    init(passing input: String, to output: String) {
        quotes = input
        surfaces = input + "-surfaces"
        self.output = output
        deadLetters = output + "-dead-letters"
    }

    /// The topics of a worker; those that are not named here are the run's own as well.
    var pipeline: PipelineTopics {
        var topics = PipelineTopics()
        topics.quotes = quotes
        topics.surfaces = surfaces
        topics.haircuts = output
        topics.deadLetters = deadLetters
        topics.positions = quotes + "-positions"
        topics.controls = quotes + "-controls"
        topics.requirements = quotes + "-requirements"
        topics.alerts = quotes + "-alerts"
        topics.breakers = quotes + "-breakers"
        topics.exposures = quotes + "-exposures"
        topics.checkpoints = quotes + "-checkpoints"
        return topics
    }
}

/// The other process: the embedded broker and the producer of quotes, so that neither's processor
/// time is counted as the consumer's.
///
/// It takes commands on its standard input, a line each, and answers on its standard output.
struct Feeder: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "feed", shouldDisplay: false)

    /// Records sent and not yet processed, at most: the broker keeps 5 MiB a partition, of which
    /// this is less than half.
    static let mostBehind = 16_000

    func run() throws {
        let broker = try EmbeddedBroker()
        // Large batches, because the embedded broker answers a fetch with one batch a partition.
        let producer = try Producer(
            .producer(
                bootstrapServers: broker.bootstrapServers,
                properties: ["linger.ms": "20", "batch.size": "500000"]))
        var inbox = CommandInbox()
        say("broker \(broker.bootstrapServers)")
        var quotes = EncodedRecords()
        while let words = inbox.next(wait: true) {
            guard words.count == 4, words[0] == "run", let run = Int(words[1]),
                let count = Int(words[2]), let cadence = Int(words[3])
            else { continue }
            let topics = RunTopics(run: run)
            for entry in TopicPlan(topics.pipeline).entries {
                try broker.create(topic: entry.name, partitions: RunTopics.partitions)
            }
            let surfaces = EncodedRecords.surfaces()
            for index in 0..<surfaces.count {
                try send(surfaces, index, to: producer.topic(topics.surfaces), producer)
            }
            try producer.flush(within: .seconds(10))
            quotes = .quotes(count, cadenceMilliseconds: cadence)
            say("prepared")
            try feed(quotes, to: producer.topic(topics.quotes), producer, &inbox)
        }
        producer.close(within: .seconds(2))
        broker.close()
    }

    /// Sends all records once it is told to, never further ahead of the consumer than it may.
    private func feed(
        _ records: borrowing EncodedRecords, to topic: Producer.Topic, _ producer: Producer,
        _ inbox: inout CommandInbox
    ) throws {
        var processed = -1
        var sent = 0
        while sent < records.count {
            while let words = inbox.next(wait: processed < 0) {
                if words.count == 2, words[0] == "processed" {
                    processed = Int(words[1]) ?? processed
                }
            }
            if inbox.isAtEnd { return }
            let limit = min(records.count, processed + Self.mostBehind, sent + 256)
            if limit == sent { producer.poll(upTo: .milliseconds(1)) }
            while sent < limit {
                try send(records, sent, to: topic, producer)
                sent += 1
            }
            producer.poll()
        }
        try producer.flush(within: .seconds(10))
        say("fed \(sent)")
    }

    private func send(
        _ records: borrowing EncodedRecords, _ index: Int, to topic: Producer.Topic,
        _ producer: Producer
    ) throws(KafkaError) {
        let partition = Int32(records.assets[index] % RunTopics.partitions)
        let timestamp = records.timestamps[index]
        try records.withRecord(index) { (body, key) throws(KafkaError) in
            while try producer.produce(
                to: topic, partition: partition, key: key, value: body,
                timestampMilliseconds: timestamp) == .queueFull
            {
                producer.poll(upTo: .milliseconds(5))
            }
        }
    }

    private func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}

/// Lines from the standard input, split into words.
private struct CommandInbox {
    private var bytes: [UInt8] = []
    private var lines: [String] = []
    private(set) var isAtEnd = false

    /// The next line; nil when there is none, or, having waited, when there will be none.
    mutating func next(wait: Bool) -> [Substring]? {
        while lines.isEmpty, !isAtEnd {
            var entry = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, wait ? 1_000 : 0) > 0 else {
                if wait { continue }
                return nil
            }
            receive()
        }
        return lines.isEmpty ? nil : lines.removeFirst().split(separator: " ")
    }

    private mutating func receive() {
        var part = [UInt8](repeating: 0, count: 4_096)
        let count = Glibc.read(0, &part, part.count)
        guard count > 0 else {
            isAtEnd = true
            return
        }
        bytes += part[..<count]
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(String(decoding: bytes[..<end], as: UTF8.self))
            bytes.removeSubrange(...end)
        }
    }
}
