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
    private(set) var sent = 0
    /// Of the newest event sent; nil before the first.
    private(set) var time: Instant?

    private static let quoteHeaders = [Header("schema", "quote.v1")]
    private static let surfaceHeaders = [Header("schema", "iv-surface.v1")]

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
        isStopped: () -> Bool, progress: (ScenarioFeed) -> Void
    ) throws(KafkaError) {
        var began: (time: Instant, at: ContinuousClock.Instant)?
        for event in events {
            if isStopped() { break }
            if let speed, let began {
                let due = began.at + .seconds(event.time.seconds(since: began.time) / speed)
                while !isStopped(), ContinuousClock.now < due {
                    producer.poll(upTo: min(.milliseconds(20), due - .now))
                    progress(self)
                }
            } else if began == nil {
                began = (event.time, .now)
            }
            while sent % 64 == 0, !isStopped(), !mayGoOn(sent) {
                producer.poll(upTo: .milliseconds(2))
                progress(self)
            }
            try send(event)
            if sent % 256 == 0 { progress(self) }
        }
        try producer.flush(within: .seconds(10))
        progress(self)
    }

    /// Records that the broker has not acknowledged.
    var undelivered: Int { sent - producer.deliveries().delivered }

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
        while try produce(to: topic, headers: headers) == .queueFull {
            producer.poll(upTo: .milliseconds(10))
        }
        sent += 1
    }

    private func produce(
        to topic: Producer.Topic, headers: [Header]
    ) throws(KafkaError) -> Producer.Admission {
        let stamp = time?.milliseconds
        return try buffer.withBytes { (body) throws(KafkaError) in
            try key.withBytes { (key) throws(KafkaError) in
                try producer.produce(
                    to: topic, key: key, value: body, timestampMilliseconds: stamp,
                    headers: headers)
            }
        }
    }
}
