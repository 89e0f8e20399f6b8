import Quantities

/// The circuit breaker of one asset: signals in, a state out.
///
/// - Source: MODEL §6.
package struct CircuitBreaker: Hashable, Sendable {
    /// What is remembered from signal to signal.
    package struct State: Hashable, Sendable {
        package var state = BreakerState.normal
        /// When `state` was entered; nil before the first assessment.
        package var enteredAt: Instant?
        /// Since when nothing of this state's severity has been seen; nil while something is.
        package var cleanSince: Instant?
        /// σ_b as of the last full evaluation, annualised; nil before the first.
        package var baseVolatility: Double?
        /// ρ as of the last full evaluation.
        package var branchingRatio = 0.0

        package init() {}
    }
}
