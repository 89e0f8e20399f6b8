import CRdKafka

/// What a client is made from: librdkafka's own properties, with this project's defaults.
///
/// Security settings (`security.protocol`, `sasl.*`, `ssl.*`) are passed through as they are. Their
/// secrets appear in no error text and no log line.
public struct ClientConfiguration: Sendable {
    /// librdkafka's property names and values.
    public var properties: [String: String]

    /// Reconnects within a second, sees new topics and partitions within ten, and does not let the
    /// kernel hold small requests back, as librdkafka does in later versions.
    public init(bootstrapServers: String, properties: [String: String] = [:]) {
        self.properties = [
            "bootstrap.servers": bootstrapServers, "reconnect.backoff.max.ms": "1000",
            "socket.nagle.disable": "true",
        ]
        merge(properties)
    }

    /// For a ``Consumer``: range assignor, eager; no commits but those asked for; ends of
    /// partitions reported; an offset out of range is an event, never a silent jump; low latency.
    ///
    /// - Parameters:
    ///   - groupId: also needed, though not joined, where partitions are assigned by hand.
    ///   - properties: override the defaults.
    public static func consumer(
        bootstrapServers: String, groupId: String, properties: [String: String] = [:]
    ) -> ClientConfiguration {
        var configuration = ClientConfiguration(bootstrapServers: bootstrapServers)
        configuration.merge([
            "group.id": groupId,
            "partition.assignment.strategy": "range",
            "enable.auto.commit": "false",
            "enable.auto.offset.store": "false",
            "enable.partition.eof": "true",
            "auto.offset.reset": "error",
            "isolation.level": "read_committed",
            "allow.auto.create.topics": "false",
            "session.timeout.ms": "10000",
            // Members learn of a rebalance by their next heartbeat, and all wait for the last.
            "heartbeat.interval.ms": "500",
            "fetch.wait.max.ms": "10",
            "fetch.min.bytes": "1",
        ])
        configuration.merge(properties)
        return configuration
    }

    /// For a ``Producer``: idempotent, and partitioned by keys as Kafka's Java client does.
    ///
    /// - Parameters:
    ///   - transactionalId: makes it transactional; nil for a plain one.
    ///   - properties: override the defaults.
    public static func producer(
        bootstrapServers: String, transactionalId: String? = nil,
        properties: [String: String] = [:]
    ) -> ClientConfiguration {
        var configuration = ClientConfiguration(bootstrapServers: bootstrapServers)
        configuration.merge([
            "enable.idempotence": "true",
            "partitioner": "murmur2_random",
            "linger.ms": "1",
            "retry.backoff.ms": "10",
        ])
        if let transactionalId {
            configuration.merge([
                "transactional.id": transactionalId,
                "transaction.timeout.ms": "10000",
                "message.timeout.ms": "10000",
            ])
        }
        configuration.merge(properties)
        return configuration
    }

    /// Sets properties, over what was set before.
    public mutating func merge(_ others: [String: String]) {
        properties.merge(others) { _, new in new }
    }

    var bootstrapServers: String { properties["bootstrap.servers"] ?? "" }

    /// librdkafka's configuration object; the caller owns it.
    ///
    /// - Throws: `_INVALID_ARG` for an unknown property, a refused value, or one that this
    ///   version of librdkafka is known to lose records with.
    func makeObject(mask: SecretMask) throws(KafkaError) -> OpaquePointer {
        try refuseHazards()
        guard let object = rd_kafka_conf_new() else {
            throw KafkaError(code: KafkaError.Code.outOfResources, operation: "configure a client")
        }
        for (name, value) in properties.sorted(by: { $0.key < $1.key }) {
            var text = ErrorText()
            let result = text.fill { rd_kafka_conf_set(object, name, value, $0, $1) }
            guard result == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(object)
                throw KafkaError(
                    code: KafkaError.Code.invalidArgument, operation: "configure \(name)",
                    reason: SecretMask.isSecret(name)
                        ? "librdkafka refuses the value given" : mask.masked(text.string))
            }
        }
        return object
    }

    /// Settings under which librdkafka 2.0.2 is known to resume from older positions or to crash.
    private func refuseHazards() throws(KafkaError) {
        if properties["partition.assignment.strategy"]?.contains("cooperative") == true {
            throw KafkaError(
                code: KafkaError.Code.invalidArgument,
                operation: "configure partition.assignment.strategy",
                reason: "cooperative-sticky resumes from older positions in this librdkafka; "
                    + "use range")
        }
    }
}

/// Takes secrets out of texts that are going to be shown.
struct SecretMask: Sendable {
    private let secrets: [String]

    init(_ configuration: ClientConfiguration) {
        secrets = configuration.properties
            .filter { Self.isSecret($0.key) && !$0.value.isEmpty }
            .map(\.value)
            .sorted { ($0.count, $0) > ($1.count, $1) }
    }

    static func isSecret(_ property: String) -> Bool {
        property.contains("password") || property.contains("secret") || property.hasSuffix(".pem")
            || property == "sasl.oauthbearer.config"
    }

    func masked(_ text: String) -> String {
        var masked = text
        for secret in secrets {
            masked = masked.split(separator: secret, omittingEmptySubsequences: false)
                .joined(separator: "***")
        }
        return masked
    }
}

/// A buffer for the sentences librdkafka writes.
struct ErrorText {
    private(set) var string = ""

    /// Calls `body` with a buffer and its size, and keeps what was written.
    mutating func fill<Result>(_ body: (UnsafeMutablePointer<CChar>, Int) -> Result) -> Result {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            buffer.initialize(repeating: 0)
            guard let base = buffer.baseAddress else { preconditionFailure("512 is not 0") }
            let result = body(base, buffer.count)
            string = String(cString: base)
            return result
        }
    }

    /// As ``fill(_:)``, but makes no string where the code is that of success.
    mutating func fillIfFailed(
        _ body: (UnsafeMutablePointer<CChar>, Int) -> rd_kafka_resp_err_t
    ) -> rd_kafka_resp_err_t {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("512 is not 0") }
            base.initialize(to: 0)
            let code = body(base, buffer.count)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { string = String(cString: base) }
            return code
        }
    }
}
