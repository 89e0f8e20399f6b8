import Foundation
import Haircuts
import Quantities

/// A published table in words and numbers: where a haircut comes from, what holds it back, and
/// what it means for a holding of one size.
///
/// It says only what the table says: every number here was published.
public struct HaircutExplanation: Sendable {
    private let table: HaircutTable
    /// Value of the holding asked about, in the valuation currency; > 0.
    private let notional: Double

    /// - Parameters:
    ///   - table: as decoded from the haircut topic; its tiers are not empty.
    ///   - notional: value of a holding, in the valuation currency; finite, > 0.
    public init(_ table: HaircutTable, notional: Double) {
        precondition(notional > 0 && notional.isFinite)
        self.table = table
        self.notional = notional
    }

    /// The explanation, a line each.
    public var lines: [String] {
        heading + [""] + holding + [""] + composition + [""] + publication + [""] + origin
    }

    private var heading: [String] {
        [
            "\(table.asset) at \(table.time), table \(table.sequence), state "
                + table.state.rawValue,
            "one unit held is worth \(table.price), one owed costs \(table.debtPrice) "
                + "(mid \(table.mid), reference \(table.reference), confidence "
                + "\(percent(table.confidence)))",
        ]
    }

    private var holding: [String] {
        let initial = table.loss(ofHolding: notional, \.initial)
        let maintenance = table.loss(ofHolding: notional, \.maintenance)
        var lines = [
            "a holding worth \(money(notional)) counts",
            "  initial      \(money(notional - initial))  (haircut \(percent(initial / notional)))",
            "  maintenance  \(money(notional - maintenance))  "
                + "(haircut \(percent(maintenance / notional)))",
        ]
        if let impact = table.impact {
            lines.append(
                "  selling it at once is expected to cost "
                    + percent(impact.cost(ofSelling: notional)))
        }
        let counted = table.tiers.last { $0.to != nil }?.to
        if let counted, notional > counted.double {
            lines.append("  what is above \(counted) counts nothing")
        }
        return lines
    }

    private var composition: [String] {
        let parts = table.components
        let rows: [(String, Double, String)] = [
            (
                "market", parts.market,
                "expected shortfall over \(duration(parts.horizonSeconds)) at a volatility of "
                    + percent(parts.volatility)
            ),
            (
                "liquidity", parts.liquidity,
                "half the spread (\(percent(parts.spread))) and the impact of an unwind"
            ),
            ("peg", parts.peg, "how far a stable asset is below its peg"),
            ("divergence", parts.divergence, "mid away from the reference; initial only"),
            ("confidence", parts.confidence, "sources that disagree; initial only"),
        ]
        return [
            "the model, at the first grid point, wants initial \(percent(table.target.initial)) "
                + "and maintenance \(percent(table.target.maintenance))"
        ]
            + rows.map { name, share, what in
                "  " + name.padding(toLength: 11, withPad: " ", startingAt: 0)
                    + percent(share) + "  " + what
            } + [
                "  depth within 2 % below mid \(parts.depth), usually \(parts.depthBaseline)",
                "  newest book \(fixed(parts.quoteAge)) s old, "
                    + (parts.surfaceAge.map { "newest surface \(fixed($0)) s old" }
                        ?? "no surface"),
                "  selling forced by a fall causes \(fixed(table.branchingRatio)) of that fall "
                    + "again (1 is a runaway)",
            ]
    }

    private var publication: [String] {
        let bounds = Bounds.names.filter { table.boundBy.contains($0.bound) }
            .map { bound, name in "\(name) (\(Self.meaning(bound)))" }
        var lines = [
            "published are initial \(percent(table.initial.double)) and maintenance "
                + percent(table.maintenance.double),
            bounds.isEmpty
                ? "  nothing holds them away from the model"
                : "  held by " + bounds.joined(separator: ", "),
        ]
        if table.gap.initial > 0 || table.gap.maintenance > 0 {
            lines.append(
                "  below the model by \(percent(table.gap.initial)) and "
                    + "\(percent(table.gap.maintenance)): somebody has to fund that")
        }
        if let next = table.next {
            lines.append(
                "  at \(next.at) they will be \(percent(next.initial.double)) and "
                    + "\(percent(next.maintenance.double)) if the model stays")
        }
        lines.append(
            "  to be trusted until \(table.validUntil); after that initial at least "
                + percent(table.fallback))
        return lines
    }

    private var origin: [String] {
        let cause =
            switch table.cause {
            case .record(let topic, let partition, let offset):
                "record \(offset) of partition \(partition) of \(topic)"
            case .timer(let time): "time alone, \(time)"
            }
        return [
            "caused by \(cause)", "model \(table.modelVersion), parameters \(table.parametersHash)",
        ]
    }

    private static func meaning(_ bound: Bounds) -> String {
        switch bound {
        case .limiter: "moves in bounded steps"
        case .governor: "a higher one would force more selling than the market takes"
        case .floor: "the least the parameters allow"
        case .cap: "the most the parameters allow"
        case .override: "a control set a floor"
        case .freeze: "a control allows no fall"
        case .fallback: "the data is in doubt"
        default: "unknown"
        }
    }

    private func percent(_ share: Double) -> String { String(format: "%.2f %%", share * 100) }
    private func money(_ value: Double) -> String { String(format: "%.2f", value) }
    private func fixed(_ value: Double) -> String { String(format: "%.2f", value) }

    private func duration(_ seconds: Double) -> String {
        seconds < 2 * 86_400
            ? String(format: "%.1f h", seconds / 3_600)
            : String(format: "%.1f days", seconds / 86_400)
    }
}

extension HaircutTable {
    /// What the tiers take off a holding worth `value`, in its currency.
    fileprivate func loss(
        ofHolding value: Double, _ side: KeyPath<HaircutTier, Ratio>
    ) -> Double {
        tiers.reduce(0) { loss, tier in
            let top = min(tier.to?.double ?? .infinity, value)
            return loss + max(0, top - tier.from.double) * tier[keyPath: side].double
        }
    }
}
