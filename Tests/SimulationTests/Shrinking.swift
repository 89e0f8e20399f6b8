/// Runs plans and makes failing ones smaller.
enum Shrinking {
    /// What a plan breaks; nil when it keeps every promise.
    static func violation(of plan: Plan) throws -> Violation? {
        let world = try World(plan)
        try world.run()
        return world.violation
    }

    /// Leaves out what a plan can do without and still break the same rule: halves first, then
    /// ever smaller parts, down to single events.
    ///
    /// - Parameter limit: the most runs it may take.
    static func shrink(_ plan: Plan, rule: Violation.Rule, limit: Int = 400) throws -> Plan {
        var smallest = plan
        var runs = 0
        var size = max(1, plan.events.count / 2)
        while size >= 1, runs < limit {
            var start = 0
            var hasShrunk = false
            while start < smallest.events.count, runs < limit {
                var candidate = smallest
                candidate.events.removeSubrange(
                    start..<min(start + size, candidate.events.count))
                runs += 1
                if try violation(of: candidate)?.rule == rule {
                    smallest = candidate
                    hasShrunk = true
                } else {
                    start += size
                }
            }
            if size == 1, !hasShrunk { break }
            size = max(1, size / 2)
        }
        return smallest
    }
}
