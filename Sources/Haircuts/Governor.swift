import Quantities

/// Keeps steps of the maintenance haircut within what the market can take of forced selling.
///
/// A bucket of money fills with a share of the depth a minute; a step up spends what it forces to
/// be sold. What the bucket cannot pay for waits, but the published haircut is never further than
/// `mostHold` below the limiter's path.
///
/// - Source: MODEL §5.
package struct Governor: Hashable, Sendable {
    private let share: Double
    private let bucketMinutes: Double
    private let mostHold: Double
    private let leastDepth: Double

    /// - Parameter depthPrior: the configured depth, > 0: the bucket fills as if at least
    ///   `depthFloor` of it were there, or an empty book would keep it empty for ever.
    package init(_ parameters: HaircutParameters, depthPrior: Double) {
        share = parameters.governorShare
        bucketMinutes = parameters.governorBucketMinutes
        mostHold = parameters.governorMaxHold
        leastDepth = parameters.depthFloor * depthPrior
    }

    /// What is remembered from step to step.
    package struct State: Hashable, Sendable {
        /// What may be forced now, in the valuation currency; nil: the bucket was never asked and
        /// is full.
        package var tokens: Double?
        /// When more was last forced than the bucket held; nil: never.
        package var overdrawnAt: Instant?
        /// How far the published maintenance is below the limiter's path at the first grid point.
        package var held = Ratio.zero
        /// Published maintenance by table, for ladders that start from an earlier one.
        package var bases: [Base] = []

        package init() {}
    }

    /// Most tables remembered as starts of ladders.
    package static let mostBases = 64

    /// The maintenance haircut published from a sequence on.
    package struct Base: Hashable, Sendable {
        package var sequence: Int64
        package var time: Instant
        package var maintenance: Ratio

        package init(sequence: Int64, time: Instant, maintenance: Ratio) {
            self.sequence = sequence
            self.time = time
            self.maintenance = maintenance
        }
    }

    /// Where the limiter's path wants the published haircut, and where it is.
    package struct Step: Hashable, Sendable {
        /// Published last.
        package var from: Ratio
        /// Where the limiter's path, rounded, would take it.
        package var to: Ratio
        /// The limiter's path, unrounded.
        package var path: Double

        package init(from: Ratio, to: Ratio, path: Double) {
            self.from = from
            self.to = to
            self.path = path
        }
    }

    /// The largest part of a step that may be published; all of a step down.
    ///
    /// - Parameters:
    ///   - depth: D, in the valuation currency, ≥ 0.
    ///   - seconds: since the last call, ≥ 0; not more than five are counted.
    ///   - forced: value sold from the ladders' starts up to a published haircut; not falling.
    package func admit(
        _ step: Step, grid: TickGrid, depth: Double, seconds: Double, at now: Instant,
        in state: inout State, forced: (Ratio) -> Double
    ) -> Ratio {
        let rate = share * max(depth, leastDepth)
        let capacity = rate * bucketMinutes
        let minutes = min(max(seconds, 0), Limiter.mostSecondsPerStep) / 60
        let tokens = min(capacity, (state.tokens ?? capacity) + rate * minutes)
        state.tokens = tokens
        guard step.to > step.from else {
            state.held = .zero
            return step.to
        }
        let start = forced(step.from)
        var budget = tokens
        let whole = Self.ticksPassed(step, grid)
        if tokens >= capacity, hasRested(state, at: now) {
            budget = max(budget, forced(Self.candidate(step, grid, whole)) - start)
        }
        // The fewest ticks short of the whole step that the budget allows; no step costs nothing.
        var fewest = 0
        var most = whole + 1
        while fewest < most {
            let middle = (fewest + most) / 2
            if forced(Self.candidate(step, grid, middle)) - start <= budget {
                most = middle
            } else {
                fewest = middle + 1
            }
        }
        let affordable = Self.candidate(step, grid, fewest)
        let least = min(step.to, grid.roundedUp(step.path - mostHold))
        let admitted = max(affordable, least)
        let cost = forced(admitted) - start
        if cost > tokens { state.overdrawnAt = now }
        state.tokens = max(0, tokens - cost)
        state.held = Ratio(millionths: step.to.millionths - admitted.millionths)
        return admitted
    }

    /// Whole ticks above the last published that a step passes before its end.
    private static func ticksPassed(_ step: Step, _ grid: TickGrid) -> Int {
        Int((step.to.millionths - step.from.millionths - 1) / grid.tick)
    }

    /// The step's end less a number of ticks; the start where there are not that many.
    private static func candidate(_ step: Step, _ grid: TickGrid, _ ticks: Int) -> Ratio {
        Ratio(
            millionths: max(
                step.from.millionths, step.to.millionths - Int32(ticks) * grid.tick))
    }

    /// Whether it is a full bucket's time since more was forced than the bucket held. Without
    /// this a depth that flickers would fill a small bucket again and again.
    private func hasRested(_ state: State, at now: Instant) -> Bool {
        guard let overdrawnAt = state.overdrawnAt else { return true }
        return now.seconds(since: overdrawnAt) >= bucketMinutes * 60
    }
}

extension Governor.State {
    /// Remembers what a table published, for the ladders that will rest on it.
    ///
    /// What is older than a ladder may be is forgotten, but for the last one.
    mutating func note(_ maintenance: Ratio, sequence: Int64, at time: Instant) {
        let cutoff = time.advanced(bySeconds: -VenueExposure.mostAgeSeconds)
        var superseded = max(0, bases.count - Governor.mostBases + 1)
        while superseded + 1 < bases.count, bases[superseded + 1].time <= cutoff {
            superseded += 1
        }
        if superseded > 0 { bases.removeFirst(superseded) }
        if bases.last?.maintenance == maintenance { return }
        bases.append(Governor.Base(sequence: sequence, time: time, maintenance: maintenance))
    }

    /// What was published with a table; the lowest remembered where that is not remembered, so
    /// that a step counts for more, not less.
    func base(of sequence: Int64) -> Ratio {
        var lowest = Ratio.one
        var index = bases.count - 1
        while index >= 0 {
            if bases[index].sequence <= sequence { return bases[index].maintenance }
            lowest = min(lowest, bases[index].maintenance)
            index -= 1
        }
        return lowest
    }
}
