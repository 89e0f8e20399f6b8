import Kafka

extension TopicPlan {
    /// Topics whose partition count is another than it was, a sentence each. Their keys lie in
    /// other partitions now, so that the shards no longer hold what belongs to them.
    public func changes(
        since counts: [String: Int], in topics: [String: TopicDescription]
    ) -> [String] {
        entries.compactMap { entry in
            guard let before = counts[entry.name], let now = topics[entry.name]?.partitionCount,
                now != before
            else { return nil }
            return "topic \(entry.name) has \(now) partitions and had \(before): stop, and start "
                + "anew with fresh topics (docs/reliability.md)"
        }
    }

    /// How far the work of each stage can be shared, a sentence a stage whose topics are there.
    ///
    /// - Parameters: threads of each role in one process, ≥ 0.
    public func scaleOut(
        _ topics: [String: TopicDescription], haircutWorkers: Int, marginWorkers: Int
    ) -> [String] {
        let stages = [
            ("haircut", Family.market, haircutWorkers), ("margin", Family.accounts, marginWorkers),
        ]
        return stages.compactMap { role, family, workers in
            let counts = entries.filter { $0.family == family }.compactMap {
                topics[$0.name]?.partitionCount
            }
            guard let partitions = counts.min(), partitions > 0 else { return nil }
            let share =
                "\(role) stage: \(partitions) partitions, so at most \(partitions) workers "
                + "at work"
            guard workers > 0 else { return "\(share); this configuration runs none" }
            let processes = (partitions + workers - 1) / workers
            let standby =
                workers > partitions
                ? "; \(workers - partitions) of one process's \(workers) stand by" : ""
            return "\(share): \(processes) \(processes == 1 ? "process" : "processes") of "
                + "\(workers)\(standby)"
        }
    }
}
