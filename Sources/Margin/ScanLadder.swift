import Haircuts
import Quantities
import RealModule

/// The sixteen scenarios of MODEL §8, in the order of risk arrays.
public enum ScanScenarios {
    public static let count = 16

    /// In scan ranges, each of the first seven with volatility up and with volatility down, the
    /// last two with volatility as it is.
    public static let all: [RiskScenario] = {
        var all: [RiskScenario] = []
        for price in [0, 1.0 / 3, -1.0 / 3, 2.0 / 3, -2.0 / 3, 1, -1] {
            all.append(RiskScenario(price: price, volatility: .up))
            all.append(RiskScenario(price: price, volatility: .down))
        }
        all.append(RiskScenario(price: 2, volatility: .none))
        all.append(RiskScenario(price: -2, volatility: .none))
        return all
    }()
}

/// The scan ranges of one haircut table, ready for risk arrays: the table's grid notionals, and
/// between them as many notionals as keep neighbouring ranges within `widestStep`.
///
/// Arrays are computed at these rungs and interpolated between them. Ranges are linear in the
/// notional between rungs, so that the arrays of linear instruments are exact, and those of
/// options are exact at the table's own notionals and below the first.
public struct ScanLadder: Hashable, Sendable {
    /// In the valuation currency, increasing; one at least.
    public private(set) var notionals: [Double] = []
    /// Price moves down and up, fractions, one a rung.
    public private(set) var downs: [Double] = []
    public private(set) var ups: [Double] = []
    /// What each scenario multiplies prices by: `ScanScenarios.count` a rung; > 0.
    public private(set) var factors: [Double] = []
    /// Their natural logarithms.
    public private(set) var logFactors: [Double] = []

    /// Neighbouring rungs are at most this far apart in the range down, up to `mostBetween`.
    public static let widestStep = 0.025
    public static let mostBetween = 15
    /// No scenario takes a price lower than to this part of it.
    public static let leastFactor = 1e-12

    /// - Parameter scan: of a haircut table, increasing in notional; none is a range of
    ///   everything.
    public init(_ scan: [ScanRange]) {
        for range in scan {
            let (notional, down, up) = (range.notional.double, range.down, range.up)
            if let lastNotional = notionals.last, let lastDown = downs.last, let lastUp = ups.last {
                guard notional > lastNotional else { continue }
                // Six steps of 0.025 are six, whatever their last binary digit.
                let steps = (abs(down - lastDown) / Self.widestStep - 1e-12).rounded(.up)
                let between = min(Self.mostBetween, max(0, Int(steps) - 1))
                for step in 0..<between {
                    let part = Double(step + 1) / Double(between + 1)
                    append(
                        notional: lastNotional + part * (notional - lastNotional),
                        down: lastDown + part * (down - lastDown),
                        up: lastUp + part * (up - lastUp))
                }
            }
            append(notional: notional, down: down, up: up)
        }
        if notionals.isEmpty { append(notional: 0, down: 1, up: 1) }
    }

    public var count: Int { notionals.count }

    private mutating func append(notional: Double, down: Double, up: Double) {
        notionals.append(notional)
        downs.append(down)
        ups.append(up)
        for scenario in ScanScenarios.all {
            let move = scenario.price * (scenario.price < 0 ? down : up)
            let factor = max(Self.leastFactor, 1 + move)
            factors.append(factor)
            logFactors.append(Double.log(factor))
        }
    }

    /// Where a net delta notional lies: between `rung` and the next at `fraction`.
    ///
    /// - Parameter notional: of any sign; its magnitude counts.
    /// - Returns: `rung` 0…`count − 1`, `fraction` 0…1 and 0 at the ends.
    @inlinable
    public func place(of notional: Double) -> (rung: Int, fraction: Double) {
        let size = abs(notional)
        guard size > notionals[0] else { return (0, 0) }
        let last = count - 1
        guard size < notionals[last] else { return (last, 0) }
        var rung = 0
        while notionals[rung + 1] <= size { rung += 1 }
        let width = notionals[rung + 1] - notionals[rung]
        return (rung, (size - notionals[rung]) / width)
    }

    /// The range of an account with this net delta notional.
    public func range(of notional: Double) -> (down: Double, up: Double) {
        let (rung, fraction) = place(of: notional)
        guard fraction > 0 else { return (downs[rung], ups[rung]) }
        return (
            downs[rung] + fraction * (downs[rung + 1] - downs[rung]),
            ups[rung] + fraction * (ups[rung + 1] - ups[rung])
        )
    }
}
