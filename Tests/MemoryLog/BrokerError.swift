/// Why a broker refuses a request. Raw values are the codes of Kafka's protocol.
public enum BrokerError: Int32, Error, Sendable {
    case offsetOutOfRange = 1
    case unknownTopicOrPartition = 3
    case messageTooLarge = 10
    case coordinatorLoadInProgress = 14
    case illegalGeneration = 22
    case unknownMember = 25
    case rebalanceInProgress = 27
    case topicAlreadyExists = 36
    case outOfOrderSequence = 45
    case invalidProducerEpoch = 47
    case invalidTransactionState = 48
    case invalidProducerIdMapping = 49
    case concurrentTransactions = 51
    case fencedInstance = 82
    case invalidRecord = 87
    case unstableOffsetCommit = 88
    case producerFenced = 90
}

/// What a reader is shown of transactions.
public enum Isolation: Sendable {
    /// Everything, as it was appended.
    case readUncommitted
    /// Up to the last stable offset, without what was aborted.
    case readCommitted
}

/// A producer as brokers know it: an id, and an epoch that fences older instances.
public struct ProducerIdentity: Hashable, Sendable {
    public let id: Int64
    public let epoch: Int16

    public init(id: Int64, epoch: Int16) {
        self.id = id
        self.epoch = epoch
    }
}
