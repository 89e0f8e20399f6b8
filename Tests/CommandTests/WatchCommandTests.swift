import Foundation
import Kafka
import TestSupport
import Testing

/// What people read of the bus: `watch` and `explain`, over records that the examples hold.
@Suite struct WatchCommandTests {
    private func publish(_ example: String, key: String, to topic: String, at address: String)
        throws
    {
        let producer = try Producer(.producer(bootstrapServers: address))
        defer { producer.close() }
        let value = try Repository.data("schemas/examples/\(example)")
        try Array(key.utf8).withUnsafeBytes { key in
            try value.withUnsafeBytes { value in
                _ = try producer.produce(
                    to: try producer.topic(topic), partition: 0, key: key, value: value)
            }
        }
        #expect(try producer.flush(within: .seconds(10)) == 0)
    }

    /// Runs a command on the bus and gives what it printed as words, line by line.
    private func words(_ arguments: [String], _ path: String) throws -> [[String]] {
        let process = try RunningProcess(arguments + ["--config", path])
        try process.waitUntilExit(within: .seconds(60))
        #expect(process.status == 0, "\(process.errors)")
        return process.output.split(separator: "\n").map {
            $0.split(separator: " ").map(String.init)
        }
    }

    @Test func whatIsOnTheBusIsShownOnce() throws {
        let broker = try BrokerProcess(topics: BrokerProcess.topics)
        try publish(
            "haircut.v1/valid/normal.json", key: "BTC", to: "risk.haircuts.v1",
            at: broker.address)
        try publish(
            "margin-requirement.v1/valid/healthy.json", key: "A-1",
            to: "risk.margin-requirements.v1", at: broker.address)
        try withFile(broker.configuration()) { path in
            let all = try words(["watch", "--once"], path)
            #expect(all.contains { $0.starts(with: ["BTC", "61234.75", "–"]) }, "\(all)")
            #expect(all.contains { $0.starts(with: ["accounts:", "healthy"]) }, "\(all)")
            let one = try words(
                ["watch", "--once", "--asset", "ETH", "--account", "A-1", "--account", "A-2"], path)
            #expect(!one.contains { $0.first == "BTC" })
            #expect(one.contains { $0.first == "A-1" && $0.count == 8 }, "\(one)")
            #expect(one.contains(["A-2", "no", "requirement", "published"]), "\(one)")
            let explained = try words(["explain", "--asset", "BTC"], path)
            #expect(explained.first?.starts(with: ["BTC", "at"]) == true, "\(explained)")
        }
    }

    @Test func aTopicThatIsNotThereIsNamed() throws {
        let broker = try BrokerProcess(topics: ["risk.haircuts.v1": 1])
        try withFile(broker.configuration()) { path in
            let process = try RunningProcess(["watch", "--once", "--config", path])
            try process.waitUntilExit(within: .seconds(60))
            #expect(process.status == 1)
            #expect(process.errors.contains("market.iv-surfaces.v1"), "\(process.errors)")
        }
    }
}
