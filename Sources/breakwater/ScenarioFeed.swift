import Foundation
import Kafka
import Market
import Messages
import Quantities
import Scenarios

/// Publishes a scenario's events to the input topics at a chosen pace, stamped with the
/// scenario's own time.
final class ScenarioFeed {
    private let producer: Producer
    private let quotes: Producer.Topic
    private let surfaces: Producer.Topic
    private var buffer = OutputBuffer()
    private var key = OutputBuffer(capacity: Identifier.longest)
    /// Quotes and surfaces, and accounts, sent so far.
    private(set) var sent = 0
    private(set) var accountsSent = 0
    /// Of the newest event sent; nil before the first.
    private(set) var time: Instant?

    private static let quoteHeaders = [Header("schema", "quote.v1")]
    private static let surfaceHeaders = [Header("schema", "iv-surface.v1")]
    private static let positionsHeaders = [Header("schema", "positions.v1")]

    init(_ configuration: ClientConfiguration, quotes: String, surfaces: String)
        throws(KafkaError)
    {
        producer = try Producer(configuration)
        self.quotes = try producer.topic(quotes)
        self.surfaces = try producer.topic(surfaces)
    }

    /// Publishes events until they end or `isStopped`.
    ///
    /// - Parameters:
    ///   - speed: seconds of the scenario per second; nil for as fast as may be.
    ///   - mayGoOn: asked often; false holds the feed, so that it does not run away from a
    ///     consumer.
    ///   - isStopped: true ends the feed.
    ///   - progress: told every now and then.
    func play(
        _ events: some Sequence<ScenarioEvent>, speed: Double?, mayGoOn: (Int) -> Bool,
        isStopped: () -> Bool,
        progress: (ScenarioFeed) throws(KafkaError) -> Void
    ) throws(KafkaError) {
        var began: (time: Instant, at: ContinuousClock.Instant)?
        for event in events {
            if isStopped() { break }
            if let speed, let began {
                let due = began.at + .seconds(event.time.seconds(since: began.time) / speed)
                while !isStopped(), ContinuousClock.now < due {
                    producer.poll(upTo: min(.milliseconds(20), due - .now))
                    try progress(self)
                }
            } else if began == nil {
                began = (event.time, .now)
            }
            while sent % 64 == 0, !isStopped(), !mayGoOn(sent) {
                producer.poll(upTo: .milliseconds(2))
                try progress(self)
            }
            try send(event)
            if sent % 256 == 0 { try progress(self) }
        }
        try producer.flush(within: .seconds(10))
        try progress(self)
    }

    /// Publishes what accounts hold, each to the partition of its owner, so that accounts of one
    /// owner are aggregated.
    ///
    /// - Parameters:
    ///   - topic: of positions, with this many partitions, > 0.
    ///   - mayGoOn: asked often with the number sent; false holds the feed.
    func publish(
        _ accounts: [AccountSnapshot], to topic: String, partitions: Int32,
        mayGoOn: (Int) -> Bool, isStopped: () -> Bool,
        progress: (ScenarioFeed) throws(KafkaError) -> Void
    ) throws(KafkaError) {
        let topic = try producer.topic(topic)
        for account in accounts {
            if isStopped() { break }
            while accountsSent % 64 == 0, !isStopped(), !mayGoOn(accountsSent) {
                producer.poll(upTo: .milliseconds(2))
                try progress(self)
            }
            key.removeAll()
            key.append(account.owner)
            let partition = key.withBytes {
                murmur2Partition(of: $0, partitionCount: partitions)
            }
            key.removeAll()
            key.append(account.account)
            buffer.removeAll()
            buffer.write(account)
            let headers = Self.positionsHeaders
            let stamp = account.time.milliseconds
            while try produce(to: topic, partition: partition, stamp: stamp, headers: headers)
                == .queueFull
            {
                producer.poll(upTo: .milliseconds(10))
            }
            accountsSent += 1
            if accountsSent % 256 == 0 { try progress(self) }
        }
        try producer.flush(within: .seconds(10))
        try progress(self)
    }

    /// Records that the broker has not acknowledged.
    var undelivered: Int { sent + accountsSent - producer.deliveries().delivered }

    func close() { producer.close(within: .seconds(5)) }

    private func send(_ event: ScenarioEvent) throws(KafkaError) {
        buffer.removeAll()
        let topic: Producer.Topic
        let headers: [Header]
        switch event {
        case .quote(let quote):
            buffer.write(quote)
            (topic, headers) = (quotes, Self.quoteHeaders)
        case .surface(let surface):
            buffer.write(surface)
            (topic, headers) = (surfaces, Self.surfaceHeaders)
        }
        key.removeAll()
        key.append(event.asset)
        time = event.time
        let stamp = time?.milliseconds
        while try produce(to: topic, stamp: stamp, headers: headers) == .queueFull {
            producer.poll(upTo: .milliseconds(10))
        }
        sent += 1
    }

    /// Sends what the buffer holds under what the key holds.
    private func produce(
        to topic: Producer.Topic, partition: Int32? = nil, stamp: Int64?, headers: [Header]
    ) throws(KafkaError) -> Producer.Admission {
        try buffer.withBytes { (body) throws(KafkaError) in
            try key.withBytes { (key) throws(KafkaError) in
                try producer.produce(
                    to: topic, partition: partition, key: key, value: body,
                    timestampMilliseconds: stamp, headers: headers)
            }
        }
    }
}
