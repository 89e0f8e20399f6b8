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
        time = output.time
        excess = MarginPair(
            initial: output.excess.initial.double, maintenance: output.excess.maintenance.double)
        let equity = abs(output.equity.double)
        func move(_ requirement: FixedDecimal) -> Double {
            let base = requirement > .zero ? requirement.double : equity
            // Rounding to the cent is no move.
            return parameters.refreshTolerance * base + 0.01
        }
        tolerance = MarginPair(
            initial: move(output.requirement.initial),
            maintenance: move(output.requirement.maintenance))
        let milliseconds =
            output.status == .healthy
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
        var name: Identifier
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

    mutating func fill(with due: [Entry], at time: Instant) {
        passTime = time
        entries = due.sorted {
            if $0.distance != $1.distance { return $0.distance > $1.distance }
            return $0.name > $1.name
        }
    }

    /// Takes the next account out.
    mutating func next() -> Int32? { entries.popLast()?.account }
}
