import Kafka

/// Transactions, with the errors of librdkafka: retriable leaves the result unknown, others ask for
/// an abort or for a new producer.
extension MemoryProducer {
    public func initializeTransactions(within limit: Duration) throws(KafkaError) {
        let operation = "initialize transactions of \(transactionalId ?? "no transactional id")"
        try process.checkAlive(operation)
        guard transactionalId != nil, case .uninitialized = state else {
            throw wrongState(operation)
        }
        try untilAnswered(within: limit) { () throws(KafkaError) in
            try initialize(.initialize, operation)
        }
        state = .ready
    }

    public func beginTransaction() throws(KafkaError) {
        let operation = "begin a transaction"
        try process.checkAlive(operation)
        switch state {
        case .ready: state = .open
        case .broken(let error), .dead(let error): throw error
        case .uninitialized, .open, .ending: throw wrongState(operation)
        }
    }

    public func sendOffsets(
        _ offsets: [CommittedOffset], of metadata: any GroupMetadata, within limit: Duration
    ) throws(KafkaError) {
        let operation = "send offsets to the transaction"
        try process.checkAlive(operation)
        switch state {
        case .open: break
        case .broken(let error), .dead(let error): throw error
        case .uninitialized, .ready, .ending: throw wrongState(operation)
        }
        guard let id = transactionalId, let identity,
            let metadata = metadata as? MemoryGroupMetadata
        else { throw wrongState(operation) }
        guard !offsets.isEmpty else { return }
        let (log, member) = (process.log, metadata.member)
        hasBegun = true
        try untilAnswered(within: limit) { () throws(KafkaError) in
            try process.request(.sendOffsets, operation) { () throws(BrokerError) in
                try log.sendOffsets(offsets, of: member, to: id, identity)
            }
        }
    }

    public func commitTransaction(within limit: Duration) throws(KafkaError) {
        let operation = "commit the transaction"
        try process.checkAlive(operation)
        switch state {
        case .open:
            guard try flush(within: limit) == 0 else {
                if case .dead(let error) = state { throw error }
                if case .broken(let error) = state { throw error }
                throw KafkaError(code: KafkaError.Code.timedOut, operation: operation)
            }
            if case .dead(let error) = state { throw error }
            if case .broken(let error) = state { throw error }
        case .ending(isCommit: true): break
        case .broken(let error), .dead(let error): throw error
        case .uninitialized, .ready, .ending: throw wrongState(operation)
        }
        try end(isCommit: true, operation, within: limit)
    }

    public func abortTransaction(within limit: Duration) throws(KafkaError) {
        let operation = "abort the transaction"
        try process.checkAlive(operation)
        switch state {
        case .open, .broken, .ending(isCommit: false): break
        case .dead(let error): throw error
        case .uninitialized, .ready, .ending: throw wrongState(operation)
        }
        purgeQueue()
        try end(isCommit: false, operation, within: limit)
    }

    private func end(
        isCommit: Bool, _ operation: String, within limit: Duration
    ) throws(KafkaError) {
        guard let id = transactionalId, let identity else { throw wrongState(operation) }
        state = .ending(isCommit: isCommit)
        if hasBegun {
            let log = process.log
            try untilAnswered(within: limit) { () throws(KafkaError) in
                try process.request(
                    isCommit ? .commitTransaction : .abortTransaction, operation
                ) { () throws(BrokerError) in
                    do throws(BrokerError) {
                        try log.endTransaction(id, identity, isCommit: isCommit)
                    } catch {
                        // What never reached the coordinator needs no abort.
                        guard !isCommit, error == .invalidTransactionState else { throw error }
                    }
                }
            }
        }
        if !isCommit, isInDoubt {
            try untilAnswered(within: limit) { () throws(KafkaError) in
                try initialize(.initialize, operation)
            }
        }
        hasBegun = false
        state = .ready
    }

    /// Makes a request, and again as long as the coordinator is busy and the time has not passed.
    private func untilAnswered(
        within limit: Duration, _ request: () throws(KafkaError) -> Void
    ) throws(KafkaError) {
        let end = process.log.now + Self.milliseconds(limit)
        while true {
            do throws(KafkaError) {
                return try request()
            } catch {
                try process.checkAlive(error.operation)
                if error.code == BrokerError.concurrentTransactions.rawValue {
                    guard process.log.now < end else {
                        throw KafkaError(
                            code: KafkaError.Code.timedOut, operation: error.operation)
                    }
                    process.pass(Self.backoff)
                    try process.checkAlive(error.operation)
                    continue
                }
                throw noted(error)
            }
        }
    }

    /// Keeps what an error means for the calls that follow.
    private func noted(_ error: KafkaError) -> KafkaError {
        if error.isFatal || Self.fencing.contains(error.code) {
            die(error)
            return fatalError ?? error
        }
        guard !error.isRetriable else { return error }
        switch state {
        case .uninitialized, .ready: return error
        case .ending where error.code == BrokerError.invalidTransactionState.rawValue:
            die(error)
            return fatalError ?? error
        case .open, .ending, .broken, .dead: break
        }
        let broken = KafkaError(
            code: error.code, operation: error.operation, reason: error.reason, isFatal: false,
            isRetriable: false, requiresAbort: true)
        state = .broken(broken)
        return broken
    }

    private func wrongState(_ operation: String) -> KafkaError {
        KafkaError(
            code: KafkaError.Code.wrongState, operation: operation,
            reason: "not in this state of the transaction", isRetriable: false)
    }
}
