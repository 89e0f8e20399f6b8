import Foundation
import Kafka

/// The address of a real broker, for what the embedded one cannot do; nil without one.
public let kafkaBootstrap = ProcessInfo.processInfo.environment["KAFKA_BOOTSTRAP"]

/// A name that no topic or group of another run has.
public func uniqueTopicName() -> String {
    "breakwater-test-" + String(UInt64.random(in: .min ... .max), radix: 36)
}

/// Something on a real broker did not come about in time.
public struct NotOnTheBroker: Error, CustomStringConvertible {
    public let description: String
}

extension Admin {
    /// Waits until each partition of the topics has a leader: a broker answers that a topic is
    /// created before it is ready to take records.
    ///
    /// - Throws: ``NotOnTheBroker`` after half a minute.
    public func awaitLeaders(of topics: [String]) throws {
        let end = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < end {
            if let found = try? describe(topics),
                topics.allSatisfy({ found[$0]?.leaderless.isEmpty == true })
            {
                return
            }
            Thread.sleep(forTimeInterval: 0.2)
        }
        throw NotOnTheBroker(description: "topics \(topics) have no leaders after 30 s")
    }
}

/// Deletes topics of a real broker; says so where that fails, for nothing else depends on it.
public func deleteTopics(_ topics: [String], at bootstrapServers: String) {
    do {
        let admin = try Admin(ClientConfiguration(bootstrapServers: bootstrapServers))
        defer { admin.close() }
        for (_, error) in try admin.delete(topics) { print("left behind: \(error)") }
    } catch {
        print("left behind: \(topics): \(error)")
    }
}
