import Kafka
import Synchronization
import Testing

/// Log lines of librdkafka's threads.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

struct ErrorTests {
    @Test func theRemedyIsTheStrongestThatTheFlagsAskFor() {
        func remedy(
            fatal: Bool = false, abort: Bool = false, retry: Bool = false
        ) -> KafkaError.Remedy {
            KafkaError(
                code: -185, operation: "test", isFatal: fatal, isRetriable: retry,
                requiresAbort: abort
            ).remedy
        }
        #expect(remedy(fatal: true, abort: true, retry: true) == .replaceClient)
        #expect(remedy(abort: true, retry: true) == .abortTransaction)
        #expect(remedy(retry: true) == .retry)
        #expect(remedy() == .report)
    }

    @Test(
        arguments: [
            (-195, "_TRANSPORT", true, false, false),
            (-185, "_TIMED_OUT", true, false, false),
            (-184, "_QUEUE_FULL", true, false, false),
            (-150, "_FATAL", false, true, false),
            (-144, "_FENCED", false, true, true),
            (14, "COORDINATOR_LOAD_IN_PROGRESS", true, false, false),
            (22, "ILLEGAL_GENERATION", false, false, true),
            (25, "UNKNOWN_MEMBER_ID", false, false, true),
            (29, "TOPIC_AUTHORIZATION_FAILED", false, false, false),
            (47, "INVALID_PRODUCER_EPOCH", false, false, true),
            (82, "FENCED_INSTANCE_ID", false, false, true),
        ] as [(Int32, String, Bool, Bool, Bool)])
    func aCodeHasANameAndAMeaning(
        code: Int32, name: String, isRetriable: Bool, isFatal: Bool, isOwnershipLost: Bool
    ) {
        let error = KafkaError(code: code, operation: "test")
        #expect(error.name == name)
        #expect(error.isRetriable == isRetriable)
        #expect(error.isFatal == isFatal)
        #expect(error.isOwnershipLost == isOwnershipLost)
        #expect("\(error)".hasPrefix("could not test: "))
        #expect("\(error)".contains("(\(name))"))
    }

    @Test func anUnknownPropertyIsNamed() {
        let error = #expect(throws: KafkaError.self) {
            _ = try Consumer(
                .consumer(
                    bootstrapServers: "127.0.0.1:1", groupId: "g",
                    properties: ["fetch.queue.backoff.ms": "1"]))
        }
        #expect(error?.description.contains("fetch.queue.backoff.ms") == true)
        #expect(error?.code == KafkaError.Code.invalidArgument)
    }

    @Test func theCooperativeAssignorIsRefused() {
        let error = #expect(throws: KafkaError.self) {
            _ = try Consumer(
                .consumer(
                    bootstrapServers: "127.0.0.1:1", groupId: "g",
                    properties: ["partition.assignment.strategy": "cooperative-sticky"]))
        }
        #expect(error?.reason.contains("use range") == true)
    }

    @Test func secretsAreInNoErrorAndNoLogLine() throws {
        let secret = "tr0ub4dor&3"
        let lines = Lines()
        var texts: [String] = []
        do {
            let producer = try Producer(
                .producer(
                    bootstrapServers: "127.0.0.1:1",
                    properties: [
                        "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN",
                        "sasl.username": "desk", "sasl.password": secret,
                        "client.id": "id-\(secret)", "debug": "all",
                    ])
            ) { lines.append($0.text) }
            let start = ContinuousClock.now
            while texts.isEmpty, ContinuousClock.now - start < .seconds(10) {
                producer.poll(upTo: .milliseconds(50))
                texts += producer.takeEvents().map { "\($0)" }
            }
            producer.close(within: .seconds(2))
        }
        #expect(!texts.isEmpty)
        #expect(lines.all.contains { $0.contains("***") })
        #expect(!(texts + lines.all).contains { $0.contains(secret) })

        let error = #expect(throws: KafkaError.self) {
            _ = try Producer(
                .producer(
                    bootstrapServers: "127.0.0.1:1",
                    properties: ["ssl.key.pem": "not a key \(secret)", "security.protocol": "ssl"]))
        }
        #expect(error?.description.contains(secret) == false)
    }

    @Test func aClosedClientSaysSo() throws {
        let fixture = try Fixture()
        let consumer = try fixture.consumer()
        let producer = try fixture.producer()
        #expect(consumer.close() == .clean)
        #expect(producer.close() == .clean)
        #expect(consumer.close() == .clean)
        #expect(throws: KafkaError.self) { try consumer.subscribe(["quotes"]) }
        #expect(throws: KafkaError.self) { try producer.topic("quotes") }
        consumer.poll()
        producer.poll()
    }
}
