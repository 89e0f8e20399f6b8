import Margin
import Quantities

/// When an account's figures are worth publishing again though nothing decisive changed.
///
/// - Source: docs/contracts.md, when a margin requirement is published.
struct RefreshRule {
    let time: Instant
    let excess: MarginPair
    /// How far each excess may move.
    let tolerance: MarginPair
    let interval: Int64
    let heartbeat: Int64

    init(_ output: MarginRequirement, _ parameters: MarginParameters) {
        self.init(
            time: output.time, equity: output.equity.double,
            excess: MarginPair(
                initial: output.excess.initial.double,
                maintenance: output.excess.maintenance.double), status: output.status,
            requirement: MarginPair(
                initial: output.requirement.initial.double,
                maintenance: output.requirement.maintenance.double), parameters)
    }

    init(
        _ output: RowOutput, status: MarginStatus, requirement: MarginPair,
        _ parameters: MarginParameters
    ) {
        self.init(
            time: output.time, equity: output.equity, excess: output.excess, status: status,
            requirement: requirement, parameters)
    }

    private init(
        time: Instant, equity: Double, excess: MarginPair, status: MarginStatus,
        requirement: MarginPair, _ parameters: MarginParameters
    ) {
        self.time = time
        self.excess = excess
        func move(_ requirement: Double) -> Double {
            // Rounding to the cent is no move.
            parameters.refreshTolerance * (requirement > 0 ? requirement : abs(equity)) + 0.01
        }
        tolerance = MarginPair(
            initial: move(requirement.initial), maintenance: move(requirement.maintenance))
        let milliseconds =
            status == .healthy
            ? parameters.refreshHealthyMilliseconds : parameters.refreshMilliseconds
        interval = Int64(milliseconds * 1e6)
        heartbeat = Int64(parameters.heartbeatMinutes * 60e9)
    }

    /// Whether long enough has passed for any move.
    func mayBeDue(at now: Instant) -> Bool { now >= time.advanced(byNanoseconds: interval) }

    func isDue(_ current: MarginPair, at now: Instant) -> Bool {
        guard mayBeDue(at: now) else { return false }
        if now >= time.advanced(byNanoseconds: heartbeat) { return true }
        return abs(current.initial - excess.initial) > tolerance.initial
            || abs(current.maintenance - excess.maintenance) > tolerance.maintenance
    }
}

extension MarginFigures {
    /// How far the account is from the line of the next worse status, in S; of one that is
    /// bankrupt, from its own. Without debts and derivatives there is no line near.
    func distanceToNextLine(
        from status: MarginStatus, _ parameters: MarginParameters
    ) -> Double {
        let scale = scale(parameters)
        guard scale > 0 else { return .infinity }
        let next: MarginStatus =
            switch status {
            case .healthy: .warning
            case .warning: .marginCall
            case .marginCall: .liquidation
            case .liquidation, .bankrupt: .bankrupt
            }
        return abs(margin(over: next, parameters)) / scale
    }
}

/// The accounts that wait to be refreshed, nearest their line first.
struct RefreshQueue: Sendable {
    struct Entry: Sendable {
        var account: Int32
        /// From the next line, in S; ≥ 0.
        var distance: Double
    }

    /// Time between two searches for accounts that are due.
    static let passMilliseconds = 250.0

    private(set) var passTime = Instant(nanoseconds: .min)
    /// Farthest first, so that the next is the last.
    private var entries: [Entry] = []

    func isPassDue(at time: Instant) -> Bool {
        time >= passTime.advanced(byNanoseconds: Int64(Self.passMilliseconds * 1e6))
    }

    mutating func fill(with due: [Entry], at time: Instant, names: IdentifierTable) {
        passTime = time
        entries = due.sorted {
            if $0.distance != $1.distance { return $0.distance > $1.distance }
            return names.isOrdered($1.account, before: $0.account)
        }
    }

    /// Takes the next account out.
    mutating func next() -> Int32? { entries.popLast()?.account }
}
