import Quantities
import RealModule

/// The circuit breaker of one asset: signals in, a state out. Up at once, down one state at a time
/// after a dwell in which nothing as severe was seen.
///
/// - Source: MODEL §6.
package struct CircuitBreaker: Hashable, Sendable {
    private let elevatedDeviations: Double
    private let stressedDeviations: Double
    private let spreadLimit: Double
    private let quoteStaleSeconds: Double
    private let surfaceStaleSeconds: Double
    private let confidenceThreshold: Double
    private let dwellNanoseconds: Int64

    /// Age of a quote, in seconds, beyond which a stale surface freezes.
    package static let oldQuoteSeconds = 10.0
    /// Branching ratios from which the state is stressed, and frozen where the price is in doubt.
    package static let stressedBranching = 0.5
    package static let runawayBranching = 0.9

    package init(_ parameters: HaircutParameters) {
        elevatedDeviations = parameters.elevatedDeviations
        stressedDeviations = parameters.stressedDeviations
        spreadLimit = parameters.spreadLimitBasisPoints / 1e4
        quoteStaleSeconds = parameters.quoteStaleSeconds
        surfaceStaleSeconds = parameters.surfaceStaleSeconds
        confidenceThreshold = parameters.confidenceThreshold
        dwellNanoseconds = Int64(parameters.dwellSeconds * 1e9)
    }

    /// What is remembered from signal to signal.
    package struct State: Hashable, Sendable {
        package var state = BreakerState.normal
        /// When `state` was entered; nil before the first assessment.
        package var enteredAt: Instant?
        /// Since when nothing of this state's severity has been seen; nil while something is.
        package var cleanSince: Instant?
        /// When last assessed.
        package var assessedAt: Instant?
        /// σ_b as of the last full evaluation, annualised; nil before the first.
        package var baseVolatility: Double?
        /// ρ as of the last full evaluation.
        package var branchingRatio = 0.0

        package init() {}
    }

    /// What the breaker looks at.
    package struct Signals: Hashable, Sendable {
        /// R now over R some minutes ago; 1 where it is not known.
        package var oneMinute = 1.0
        package var fiveMinutes = 1.0
        package var thirtyMinutes = 1.0
        /// σ_b, annualised.
        package var baseVolatility: Double
        package var fastVolatility: Double?
        /// D, D̄, s and s̄; D̄ > 0, s̄ nil until it is known.
        package var depth: Double
        package var depthBaseline: Double
        package var spread: Double
        package var spreadBaseline: Double?
        package var hasEmptySide = false
        package var quoteAgeSeconds = 0.0
        /// nil: no surface was ever seen, so none can be stale.
        package var surfaceAgeSeconds: Double?
        package var branchingRatio = 0.0
        package var confidence = 1.0
        package var isGovernorHolding = false
        package var isFrozenByControl = false

        package init(
            baseVolatility: Double, depth: Double, depthBaseline: Double, spread: Double
        ) {
            self.baseVolatility = baseVolatility
            self.depth = depth
            self.depthBaseline = depthBaseline
            self.spread = spread
        }
    }

    /// σ_b·√t for t = 1, 5 and 30 minutes, over σ_b.
    private static let rootOfYears = (
        (1 / 525_600.0).squareRoot(), (5 / 525_600.0).squareRoot(), (30 / 525_600.0).squareRoot()
    )

    /// Every reason there is now to leave `normal`.
    package func reasons(_ signals: Signals) -> BreakerReasons {
        var reasons: BreakerReasons = []
        func add(_ reason: BreakerReasons, when holds: Bool) {
            if holds { reasons.formUnion(reason) }
        }
        func add(
            _ elevated: BreakerReasons, _ stressed: BreakerReasons, ratio: Double, root: Double
        ) {
            let deviation = signals.baseVolatility * root
            guard Self.exceeds(ratio, elevatedDeviations * deviation) else { return }
            reasons.formUnion(elevated)
            add(stressed, when: Self.exceeds(ratio, stressedDeviations * deviation))
        }
        let (one, five, thirty) = Self.rootOfYears
        add(.returnOneMinute, .returnOneMinuteStressed, ratio: signals.oneMinute, root: one)
        add(.returnFiveMinutes, .returnFiveMinutesStressed, ratio: signals.fiveMinutes, root: five)
        add(
            .returnThirtyMinutes, .returnThirtyMinutesStressed, ratio: signals.thirtyMinutes,
            root: thirty)
        if let fast = signals.fastVolatility {
            add(.fastVolatility, when: fast > 2.5 * signals.baseVolatility)
        }
        add(.depthBelowHalf, when: signals.depth < 0.5 * signals.depthBaseline)
        add(.depthBelowFifth, when: signals.depth < 0.2 * signals.depthBaseline)
        add(
            .wideSpread,
            when: signals.spread > max(5 * (signals.spreadBaseline ?? 0), spreadLimit))
        add(.governorHolding, when: signals.isGovernorHolding)
        add(.emptySide, when: signals.hasEmptySide)
        add(.branchingHalf, when: signals.branchingRatio >= Self.stressedBranching)
        add(.quoteStale, when: signals.quoteAgeSeconds > quoteStaleSeconds)
        if let age = signals.surfaceAgeSeconds, age > surfaceStaleSeconds {
            reasons.formUnion(.surfaceStale)
            add(.quoteAndSurfaceStale, when: signals.quoteAgeSeconds > Self.oldQuoteSeconds)
        }
        add(
            .runawayInDoubt,
            when: signals.branchingRatio >= Self.runawayBranching
                && signals.confidence < confidenceThreshold)
        add(.freezeControl, when: signals.isFrozenByControl)
        return reasons
    }

    /// Whether |ln ratio| is above a threshold ≥ 0; the logarithm is taken only where it is near.
    private static func exceeds(_ ratio: Double, _ threshold: Double) -> Bool {
        // |ln(1 + d)| ≤ |d|/(1 − |d|).
        let distance = abs(ratio - 1)
        if distance <= threshold * (1 - distance) { return false }
        return abs(Double.log(ratio)) > threshold
    }

    /// Moves the state as these reasons call for at a time that does not go back.
    ///
    /// - Returns: since when what changed was so, if the state changed: now on the way up, the
    ///   beginning of the state that is left on the way down.
    package func advance(
        _ state: inout State, _ reasons: BreakerReasons, at now: Instant
    ) -> Instant? {
        let severity = reasons.severity
        let gap = state.assessedAt.map { now.seconds(since: $0) } ?? 0
        state.assessedAt = now
        if state.enteredAt == nil { state.enteredAt = now }
        if severity.rank > state.state.rank {
            state.state = severity
            state.enteredAt = now
            state.cleanSince = nil
            return now
        }
        guard severity.rank < state.state.rank else {
            state.cleanSince = nil
            return nil
        }
        // What nobody looked at for longer than a quote is fresh was not seen to be clean.
        let clean = gap > quoteStaleSeconds ? now : state.cleanSince ?? now
        state.cleanSince = clean
        guard now.nanoseconds - clean.nanoseconds >= dwellNanoseconds else { return nil }
        let since = state.enteredAt
        state.state = state.state.oneDown
        state.enteredAt = now
        state.cleanSince = severity.rank < state.state.rank ? now : nil
        return since
    }
}

extension BreakerReasons {
    /// All that make the state at least elevated, stressed and frozen.
    static let elevating = BreakerReasons(rawValue: 0xFF)
    static let stressing = BreakerReasons(rawValue: 0x3F00)
    static let freezing = BreakerReasons(rawValue: 0x3_C000)

    /// The least state that these reasons allow.
    package var severity: BreakerState {
        if !isDisjoint(with: .freezing) { return .frozen }
        if !isDisjoint(with: .stressing) { return .stressed }
        return isEmpty ? .normal : .elevated
    }
}

extension BreakerState {
    /// From 0, normal, to 3, frozen.
    var rank: Int {
        switch self {
        case .normal: 0
        case .elevated: 1
        case .stressed: 2
        case .frozen: 3
        }
    }

    var oneDown: BreakerState {
        switch self {
        case .frozen: .stressed
        case .stressed: .elevated
        case .elevated, .normal: .normal
        }
    }
}
