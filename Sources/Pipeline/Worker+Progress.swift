import Kafka

/// When a worker last looked at how far it is, and when it last said so.
struct ProgressNotes {
    fileprivate var lookedAt: ContinuousClock.Instant?
    fileprivate var saidAt: ContinuousClock.Instant?
}

// MARK: - How far it is

extension Worker {
    /// Takes note, a few times a second, of how much is restored and how far the inputs are behind.
    func noteProgress(at moment: ContinuousClock.Instant) {
        if let last = progress.lookedAt, moment - last < WorkerLimits.progress { return }
        progress.lookedAt = moment
        let (read, all) = restored
        stage.counters.restoredRecords = read
        stage.counters.recordsToRestore = all
        stage.counters.lags = lags
        guard all > 0 else {
            progress.saidAt = nil
            return
        }
        // What is restored at once is not worth a line.
        let since = progress.saidAt ?? moment
        progress.saidAt = since
        guard moment - since >= WorkerLimits.progressLine else { return }
        progress.saidAt = moment
        log.info("restoring \(stage.counters.partitions): \(read) of \(all) records read")
    }

    /// Records read to restore, of those to read; 0 of 0 when there is nothing to restore.
    private var restored: (read: Int64, all: Int64) {
        var sum: (read: Int64, all: Int64) = (0, 0)
        switch phase {
        case .idle, .settling, .opening:
            break
        case .restoring(let outputs):
            for output in outputs {
                sum.read += min(output.position, output.marks.high) - output.marks.low
                sum.all += output.marks.high - output.marks.low
            }
        case .serving:
            guard inputs.areRestoring else { break }
            for input in inputs.inputs {
                let (read, all) = input.restoring(to: consumer.knownEnd(of: input.source))
                sum.read += read
                sum.all += all
            }
        }
        return sum
    }

    private var lags: [Int32: Int64] {
        guard case .serving = phase else { return [:] }
        var lags: [Int32: Int64] = [:]
        for input in inputs.inputs where input.source.topic == stage.leadTopic {
            guard let end = consumer.knownEnd(of: input.source) else { continue }
            lags[input.source.partition] = max(0, end - (input.nextOffset ?? 0))
        }
        return lags
    }
}
