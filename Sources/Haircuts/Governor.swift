import Quantities

/// Keeps steps of the maintenance haircut within what the market can take of forced selling.
///
/// - Source: MODEL §5.
package struct Governor: Hashable, Sendable {
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
}
