import Kafka
import Quantities

// MARK: - Beginning to serve

extension Worker {
    /// Lets new shards publish, once all their inputs are restored and nothing is waited for.
    func startServing(at moment: ContinuousClock.Instant) {
        guard stage.shards.contains(where: { !$0.isServing }) else {
            // All were taken back as they were.
            if stage.counters.serving.count != stage.shards.count { noteServing() }
            return
        }
        // Also who waits buries what was refused while it restored.
        defer { if effects.count > 0, batchStart == nil { batchStart = moment } }
        guard !mustWait(at: moment) else { return }
        for slot in stage.shards.indices where !stage.shards[slot].isServing {
            stage.serve(slot, into: effects)
            stage.shards[slot].isServing = true
        }
        noteServing()
    }

    private func noteServing() {
        stage.counters.serving = stage.shards.map(\.partition)
        log.info("serving \(stage.leadTopic) partitions \(stage.counters.serving)")
    }

    private func mustWait(at moment: ContinuousClock.Instant) -> Bool {
        guard let wait = stage.servingWait else {
            endWait()
            return false
        }
        let names = wait.tables.map { "\($0)" }
        let list = names.joined(separator: ", ")
        let since = awaitingSince ?? moment
        awaitingSince = wait.isBounded ? since : nil
        if !names.isEmpty, stage.counters.awaited.isEmpty {
            log.notice(
                """
                waiting for the first haircut tables of \(list), for \
                \(WorkerLimits.firstTables.components.seconds) s at most
                """)
        }
        guard !wait.isBounded || moment - since < WorkerLimits.firstTables else {
            if !names.isEmpty {
                log.warning(
                    """
                    no haircut table of \(list) came: serving without; who holds some is \
                    margin-called at worst until one comes
                    """)
            }
            endWait()
            return false
        }
        stage.counters.awaited = names
        // Who has nothing to say yet is ready to say it.
        let ready = stage.shards.filter { $0.isServing || names.isEmpty }
        stage.counters.serving = ready.map(\.partition)
        return true
    }

    func endWait() {
        awaitingSince = nil
        stage.counters.awaited = []
    }
}
