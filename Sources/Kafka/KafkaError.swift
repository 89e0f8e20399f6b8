import CRdKafka

/// What went wrong with Kafka, as a sentence a person can act on and flags a program can.
public struct KafkaError: Error, Sendable, Equatable, CustomStringConvertible {
    /// librdkafka's code: negative for its own errors, positive for a broker's. See ``Code``.
    public let code: Int32
    /// The code's name without its prefix, for example `_TRANSPORT` or `UNKNOWN_TOPIC_OR_PART`.
    public let name: String
    /// What was being done, to follow "could not", for example `commit offsets of group risk`.
    public let operation: String
    /// librdkafka's or the broker's own words, secrets masked.
    public let reason: String
    /// The client instance can do no more and must be replaced.
    public let isFatal: Bool
    /// The same call may succeed when it is made again.
    public let isRetriable: Bool
    /// The current transaction must be aborted; its messages may then be sent in a new one.
    public let requiresAbort: Bool

    public init(
        code: Int32, operation: String, reason: String? = nil, isFatal: Bool? = nil,
        isRetriable: Bool? = nil, requiresAbort: Bool = false
    ) {
        let librdkafkaCode = rd_kafka_resp_err_t(rawValue: code)
        self.code = code
        self.name = String(cString: rd_kafka_err2name(librdkafkaCode))
        self.operation = operation
        self.reason = reason ?? String(cString: rd_kafka_err2str(librdkafkaCode))
        self.isFatal = isFatal ?? Code.fatal.contains(code)
        self.isRetriable = isRetriable ?? Code.retriable.contains(code)
        self.requiresAbort = requiresAbort
    }

    /// `could not <operation>: <reason> (<name>); <advice>`
    public var description: String {
        let sentence = "could not \(operation): \(reason) (\(name))"
        guard let advice else { return sentence }
        return "\(sentence); \(advice)"
    }

    /// What the program should do next.
    public enum Remedy: Sendable, Equatable {
        /// Make the same call again.
        case retry
        /// Abort the transaction and send its messages again in a new one.
        case abortTransaction
        /// Close this client and make a new one.
        case replaceClient
        /// Nothing a program can do: say it to a person.
        case report
    }

    /// What the program should do next, by the flags: fatal before abort before retry.
    public var remedy: Remedy {
        if isFatal { return .replaceClient }
        if requiresAbort { return .abortTransaction }
        return isRetriable ? .retry : .report
    }

    /// Another member or producer has taken over: what was held must be dropped, not published.
    public var isOwnershipLost: Bool { Code.ownershipLost.contains(code) }

    /// What a person can check, for the errors that a person can mend.
    private var advice: String? {
        switch code {
        case Code.transport, Code.allBrokersDown, Code.resolve:
            "check kafka.bootstrapServers and that the broker is up"
        case Code.timedOut, Code.messageTimedOut:
            "check that the broker is up and not overloaded"
        case Code.authentication, Code.saslAuthenticationFailed:
            "check kafka.security: mechanism, user name and password"
        case Code.ssl:
            "check kafka.security: certificates and host name"
        case Code.topicAuthorizationFailed, Code.groupAuthorizationFailed,
            Code.clusterAuthorizationFailed, Code.transactionalIdAuthorizationFailed:
            "grant this user access on the broker"
        case Code.unknownTopic, Code.unknownTopicOrPartition, Code.unknownPartition:
            "create the topic or check its name and partition count"
        case Code.offsetReset, Code.offsetOutOfRange:
            "the wanted offset is no longer in the topic: check its retention"
        case Code.unsupportedFeature:
            "the broker does not offer this: check its version"
        case Code.fenced, Code.producerFenced, Code.invalidProducerEpoch:
            "another instance uses the same transactional id"
        case Code.messageTooLarge, Code.recordListTooLarge:
            "raise message.max.bytes here and on the topic, or send less"
        default: nil
        }
    }
}

extension KafkaError {
    /// librdkafka's codes that are handled by name.
    public enum Code {
        public static let transport = RD_KAFKA_RESP_ERR__TRANSPORT.rawValue
        public static let allBrokersDown = RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue
        public static let resolve = RD_KAFKA_RESP_ERR__RESOLVE.rawValue
        public static let timedOut = RD_KAFKA_RESP_ERR__TIMED_OUT.rawValue
        public static let messageTimedOut = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT.rawValue
        public static let queueFull = RD_KAFKA_RESP_ERR__QUEUE_FULL.rawValue
        public static let partitionEnd = RD_KAFKA_RESP_ERR__PARTITION_EOF.rawValue
        public static let offsetReset = RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET.rawValue
        public static let offsetOutOfRange = RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE.rawValue
        public static let noOffset = RD_KAFKA_RESP_ERR__NO_OFFSET.rawValue
        public static let authentication = RD_KAFKA_RESP_ERR__AUTHENTICATION.rawValue
        public static let saslAuthenticationFailed =
            RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED.rawValue
        public static let ssl = RD_KAFKA_RESP_ERR__SSL.rawValue
        public static let topicAuthorizationFailed =
            RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED.rawValue
        public static let groupAuthorizationFailed =
            RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED.rawValue
        public static let clusterAuthorizationFailed =
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED.rawValue
        public static let transactionalIdAuthorizationFailed =
            RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED.rawValue
        public static let unknownTopic = RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue
        public static let unknownPartition = RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION.rawValue
        public static let unknownTopicOrPartition =
            RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue
        public static let topicAlreadyExists =
            RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS.rawValue
        public static let unsupportedFeature = RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE.rawValue
        public static let fenced = RD_KAFKA_RESP_ERR__FENCED.rawValue
        public static let producerFenced = RD_KAFKA_RESP_ERR_PRODUCER_FENCED.rawValue
        public static let invalidProducerEpoch =
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH.rawValue
        public static let messageTooLarge = RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue
        public static let recordListTooLarge = RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE.rawValue
        public static let invalidArgument = RD_KAFKA_RESP_ERR__INVALID_ARG.rawValue
        public static let wrongState = RD_KAFKA_RESP_ERR__STATE.rawValue
        public static let outOfResources = RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE.rawValue
        public static let unexpectedRecord = RD_KAFKA_RESP_ERR__BAD_MSG.rawValue
        public static let clientFatal = RD_KAFKA_RESP_ERR__FATAL.rawValue
        public static let purgedFromQueue = RD_KAFKA_RESP_ERR__PURGE_QUEUE.rawValue
        public static let purgedInFlight = RD_KAFKA_RESP_ERR__PURGE_INFLIGHT.rawValue

        static let fatal: [Int32] = [clientFatal, fenced, producerFenced]

        static let retriable: [Int32] = [
            transport, allBrokersDown, resolve, timedOut, queueFull,
            RD_KAFKA_RESP_ERR__RETRY.rawValue,
            RD_KAFKA_RESP_ERR__WAIT_COORD.rawValue,
            RD_KAFKA_RESP_ERR__IN_PROGRESS.rawValue,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT.rawValue,
            RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION.rawValue,
            RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE.rawValue,
            RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION.rawValue,
            RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE.rawValue,
            RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE.rawValue,
            RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS.rawValue,
            RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE.rawValue,
            RD_KAFKA_RESP_ERR_NOT_COORDINATOR.rawValue,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS.rawValue,
            RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND.rawValue,
            RD_KAFKA_RESP_ERR_NOT_CONTROLLER.rawValue,
            RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS.rawValue,
            RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT.rawValue,
            RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS.rawValue,
        ]

        static let ownershipLost: [Int32] = [
            fenced, producerFenced, invalidProducerEpoch,
            RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION.rawValue,
            RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID.rawValue,
            RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID.rawValue,
            RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST.rawValue,
        ]
    }

    /// Takes over librdkafka's error object and frees it.
    init(consuming error: OpaquePointer, operation: String, mask: SecretMask) {
        defer { rd_kafka_error_destroy(error) }
        self.init(
            code: rd_kafka_error_code(error).rawValue, operation: operation,
            reason: mask.masked(String(cString: rd_kafka_error_string(error))),
            isFatal: rd_kafka_error_is_fatal(error) != 0,
            isRetriable: rd_kafka_error_is_retriable(error) != 0,
            requiresAbort: rd_kafka_error_txn_requires_abort(error) != 0)
    }

    /// Throws unless the code is that of success.
    static func check(
        _ code: rd_kafka_resp_err_t, _ operation: @autoclosure () -> String
    ) throws(KafkaError) {
        guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
        throw KafkaError(code: code.rawValue, operation: operation())
    }

    /// The error of a call on a client that was closed before.
    static func closed(_ operation: String) -> KafkaError {
        KafkaError(
            code: Code.wrongState, operation: operation, reason: "the client is closed",
            isRetriable: false)
    }
}
