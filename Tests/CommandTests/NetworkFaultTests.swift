import Foundation
import Kafka
import TestSupport
import Testing

/// FAULTS 1 and 15: the way to the brokers is cut, slow or stalled.
@Suite(.serialized) struct NetworkFaultTests {
    private func configuration(_ broker: BrokerProcess, _ proxy: Proxy) -> String {
        broker.configuration().replacing(
            "\"\(broker.address)\"", with: "\"\(proxy.address)\"")
    }

    private func port(of service: RunningProcess) throws -> Int {
        var port: Int?
        try service.wait(for: "the page's address") {
            let match = service.errors.firstMatch(of: /metrics: http:\/\/127\.0\.0\.1:([0-9]+)\n/)
            port = match.flatMap { Int($0.1) }
            return port != nil
        }
        return try #require(port)
    }

    /// The value of a metric without labels, or with these written as they are shown.
    private func metric(_ name: String, port: Int) -> Double? {
        Client.get(port: port, "/metrics").body.split(separator: "\n")
            .first { $0.hasPrefix(name + " ") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    private func becomeReady(_ service: RunningProcess, _ port: Int) throws {
        try service.wait(upTo: .seconds(90), for: "readiness") {
            Client.get(port: port, "/readyz").status == 200
        }
    }

    /// Feeds a part of the scenario past the proxy, straight to the broker, while `disturb` is at
    /// work on the service's connections; then everything sent must have been applied once.
    private func expectNothingMissing(
        while disturb: (Proxy, RunningProcess) throws -> Void
    ) throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        let proxy = try Proxy(to: broker)
        try withFile(configuration(broker, proxy)) { path in
            let service = try RunningProcess(["run", "--config", path])
            let port = try port(of: service)
            try becomeReady(service, port)
            try withFile(broker.configuration()) { direct in
                let feed = try RunningProcess([
                    "feed", "--config", direct, "crash-2025-10-10", "--speed", "300",
                ])
                try disturb(proxy, service)
                try proxy.pass()
                feed.signal(SIGINT)
                try feed.waitUntilExit(within: .seconds(15))
                let sent = try #require(
                    feed.output.matches(of: /([0-9]+) (messages|records|events|quotes)/).last
                        .flatMap { Double($0.1) }, "\(feed.output)")
                #expect(sent > 100)
                try service.wait(upTo: .seconds(60), for: "all records applied") {
                    let quotes = metric(
                        "breakwater_records_total{role=\"haircut\",input=\"quotes\"}", port: port)
                    let surfaces = metric(
                        "breakwater_records_total{role=\"haircut\",input=\"surfaces\"}", port: port)
                    return (quotes ?? 0) + (surfaces ?? 0) >= sent
                }
                try becomeReady(service, port)
                // Not held to be without duplicates: with at-least-once the margin workers may
                // send an exposure again, which the haircut workers then count and ignore.
                #expect(metric("breakwater_offset_resets_total{role=\"haircut\"}", port: port) == 0)
            }
            service.signal(SIGTERM)
            try service.waitUntilExit(within: .seconds(10))
            #expect(service.status == 0)
        }
        try expectRepeatsToBeIdentical(broker)
    }

    /// Each asset's tables follow each other without a gap, from the first that the broker still
    /// has; one that comes again is the same to the byte.
    private func expectRepeatsToBeIdentical(_ broker: BrokerProcess) throws {
        let topic = "risk.haircuts.v1"
        var seen: [String: [Int: String]] = [:]
        var newest: [String: Int] = [:]
        for (key, body) in try read(topic, of: broker) {
            let match = try #require(body.firstMatch(of: /"sequence":([0-9]+),/))
            let sequence = try #require(Int(match.1))
            if let earlier = seen[key]?[sequence] {
                #expect(earlier == body, "\(key) \(sequence)")
            } else {
                #expect(newest[key].map { sequence == $0 + 1 } ?? true, "\(key) \(sequence)")
                newest[key] = sequence
            }
            seen[key, default: [:]][sequence] = body
        }
        #expect(!newest.isEmpty)
    }

    private func read(
        _ topic: String, of broker: BrokerProcess
    ) throws -> [(key: String, body: String)] {
        let consumer = try Consumer(
            .consumer(
                bootstrapServers: broker.address, groupId: "reader",
                properties: ["auto.offset.reset": "earliest"]))
        defer { consumer.close() }
        let places = (0..<2).map { TopicPartition(topic, $0) }
        try consumer.assign(places.map { TopicPartitionOffset($0, .beginning) })
        let batch = consumer.makeBatch(capacity: 1_000)
        var records: [(key: String, body: String)] = []
        var atEnd: Set<TopicPartition> = []
        let limit = ContinuousClock.now + .seconds(20)
        while atEnd.count < places.count {
            consumer.wait(upTo: .milliseconds(50))
            consumer.poll()
            for queue in consumer.queues {
                repeat {
                    queue.drain(into: batch)
                    for index in 0..<batch.count {
                        guard let key = batch[index].key, let body = batch[index].value else {
                            continue
                        }
                        records.append(
                            (
                                String(decoding: key, as: UTF8.self),
                                String(decoding: body, as: UTF8.self)
                            ))
                    }
                    if batch.endOffset != nil { atEnd.insert(queue.topicPartition) }
                } while !batch.isEmpty
            }
            try #require(ContinuousClock.now < limit, "the end of \(topic) does not come")
        }
        return records
    }

    @Test func nothingIsMissingWhenConnectionsAreCutAgainAndAgain() throws {
        try expectNothingMissing { proxy, service in
            for _ in 0..<6 {
                Thread.sleep(forTimeInterval: 1)
                try proxy.cut()
            }
            #expect(service.isRunning)
        }
    }

    @Test func nothingIsMissingWithRoundTripsOfHalfASecond() throws {
        try expectNothingMissing { proxy, _ in
            try proxy.delay(0.25)
            Thread.sleep(forTimeInterval: 8)
        }
    }

    @Test func nothingIsMissingAfterTheBrokersCouldNotBeReachedForAWhile() throws {
        try expectNothingMissing { proxy, service in
            Thread.sleep(forTimeInterval: 1)
            try proxy.refuse()
            Thread.sleep(forTimeInterval: 5)
            #expect(service.isRunning)
        }
    }
}
