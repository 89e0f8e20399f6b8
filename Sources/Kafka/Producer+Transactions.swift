import CRdKafka

/// Transactions. Each error says by ``KafkaError/remedy`` what to do: retry the same call, abort
/// the transaction, or replace the producer. A retriable error of a commit or an abort means that
/// its result is not known yet: make the same call again, never the other.
extension Producer {
    /// Registers the transactional id, fences older producers of it and ends their transaction.
    /// Once, before all others.
    public func initializeTransactions(within limit: Duration) throws(KafkaError) {
        let operation = "initialize transactions of \(transactionalId ?? "no transactional id")"
        let client = try handle.open(operation)
        try check(rd_kafka_init_transactions(client, limit.milliseconds), operation)
    }

    public func beginTransaction() throws(KafkaError) {
        let operation = "begin a transaction"
        let client = try handle.open(operation)
        try check(rd_kafka_begin_transaction(client), operation)
        isInTransaction = true
    }

    /// Makes input offsets part of the transaction. Also for partitions that the group did not
    /// itself assign.
    ///
    /// - Parameter metadata: ``Consumer/groupMetadata()`` of the present generation; an older one
    ///   is fenced.
    public func sendOffsets(
        _ offsets: [CommittedOffset], of metadata: any GroupMetadata, within limit: Duration
    ) throws(KafkaError) {
        let operation = "send offsets to the transaction"
        let client = try handle.open(operation)
        guard let metadata = metadata as? ConsumerGroupMetadata else {
            throw KafkaError(
                code: KafkaError.Code.invalidArgument, operation: operation,
                reason: "the group's metadata is of another kind of log")
        }
        let list = try PartitionList(offsets)
        try check(
            rd_kafka_send_offsets_to_transaction(
                client, list.pointer, metadata.pointer, limit.milliseconds),
            operation)
    }

    /// Flushes and commits.
    public func commitTransaction(within limit: Duration) throws(KafkaError) {
        let operation = "commit the transaction"
        let client = try handle.open(operation)
        try check(rd_kafka_commit_transaction(client, limit.milliseconds), operation)
        isInTransaction = false
    }

    /// Purges and aborts.
    public func abortTransaction(within limit: Duration) throws(KafkaError) {
        let operation = "abort the transaction"
        let client = try handle.open(operation)
        try check(rd_kafka_abort_transaction(client, limit.milliseconds), operation)
        isInTransaction = false
    }

    private func check(_ error: OpaquePointer?, _ operation: String) throws(KafkaError) {
        guard let error else { return }
        throw KafkaError(consuming: error, operation: operation, mask: handle.context.mask)
    }
}
