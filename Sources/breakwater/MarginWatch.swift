import Foundation
import Haircuts
import Kafka
import Margin
import Messages
import Operations
import Quantities

/// A consumer of requirements, alerts, breaker changes and exposures, as a liquidation service
/// would be one, that shows them as lines.
final class MarginWatch {
    private let reader: BusReader
    private let topics: Settings.Topics
    private var requirementDecoder = MarginRequirementDecoder()
    private var alertDecoder = LiquidationAlertDecoder()
    private var exposureDecoder = ExposureDecoder()
    private let breakerDecoder = BreakerDecoder()
    private var requirement = MarginRequirement.blank
    private var alert = LiquidationAlert.blank
    private var exposure = Exposure.blank
    private var change = BreakerChange.blank
    private var accounts: [Identifier: Standing] = [:]
    private let kept: Set<String>
    private var keptRequirements: [String: MarginRequirement] = [:]
    /// By asset and shard.
    private var ladders: [Identifier: [Int32: Exposure]] = [:]
    private var breakers: [Identifier: BreakerChange] = [:]
    private var recentAlerts: [String] = []
    /// Records read since the start.
    private(set) var requirements = 0
    private(set) var alerts = 0

    /// What is remembered of an account.
    private struct Standing {
        var status: MarginStatus
        /// Value of what it holds, in the valuation currency.
        var held: Double
    }

    /// Alerts shown, newest last.
    static let alertsShown = 6

    /// - Parameters:
    ///   - accounts: those kept whole, to be shown a line each.
    ///   - end: until when brokers that cannot be reached are waited for.
    init(
        _ settings: Settings, accounts: Set<String> = [], until end: ContinuousClock.Instant
    ) throws {
        topics = settings.topics
        kept = accounts
        reader = try BusReader(settings, as: "margin-watch")
        try reader.begin(
            whole: [topics.marginRequirements, topics.breakers, topics.exposures],
            recent: [topics.liquidationAlerts], until: end)
    }

    /// Whether all that was there at the start has been read.
    var hasReachedEnds: Bool { reader.hasReachedEnds }

    /// Takes what has come in.
    ///
    /// - Parameter use: told of every alert.
    func read(_ use: (LiquidationAlert) -> Void = { _ in }) throws(KafkaError) {
        try reader.read { take($0, topic: $1, use) }
    }

    private func take(
        _ record: Record, topic: String, _ use: (LiquidationAlert) -> Void
    ) {
        guard let value = record.value, let key = record.key else { return }
        do throws(Refusal) {
            switch topic {
            case topics.marginRequirements:
                try requirementDecoder.decode(
                    value, key: key, recordTimestamp: nil, into: &requirement)
                requirements += 1
                note(requirement)
            case topics.liquidationAlerts:
                try alertDecoder.decode(value, key: key, recordTimestamp: nil, into: &alert)
                alerts += 1
                recentAlerts.append(Self.line(alert))
                recentAlerts.removeFirst(max(0, recentAlerts.count - Self.alertsShown))
                use(alert)
            case topics.breakers:
                try breakerDecoder.decode(value, key: key, recordTimestamp: nil, into: &change)
                breakers[change.asset] = change
            default:
                try exposureDecoder.decode(value, key: key, recordTimestamp: nil, into: &exposure)
                ladders[exposure.asset, default: [:]][exposure.shard] = exposure
            }
        } catch {
            return
        }
    }

    private func note(_ requirement: MarginRequirement) {
        let held = requirement.assets.reduce(0) { $0 + max(0, $1.value.double) }
        accounts[requirement.account] = Standing(status: requirement.status, held: held)
        let account = "\(requirement.account)"
        if kept.contains(account) { keptRequirements[account] = requirement }
    }

    /// The accounts that are kept, one line each below their head.
    var accountLines: [String] {
        let head = Self.line(
            "account", "status", "equity", "requirement", "excess init.", "excess maint.", "ratio",
            "at")
        return [head]
            + kept.sorted().map { account in
                guard let requirement = keptRequirements[account] else {
                    return account.left(14) + "no requirement published"
                }
                return Self.line(
                    account, requirement.status.rawValue, "\(requirement.equity)",
                    "\(requirement.requirement.maintenance)", "\(requirement.excess.initial)",
                    "\(requirement.excess.maintenance)",
                    requirement.marginRatio.map { fixed($0, 3) } ?? "–", clock(requirement.time))
            }
    }

    private static func line(
        _ account: String, _ status: String, _ equity: String, _ requirement: String,
        _ initial: String, _ maintenance: String, _ ratio: String, _ time: String
    ) -> String {
        account.left(14) + status.left(12) + equity.right(17) + requirement.right(17)
            + initial.right(17) + maintenance.right(17) + ratio.right(8) + time.right(10)
    }

    /// Accounts by status, what a fall would force, breakers and the newest alerts.
    var lines: [String] {
        var counts: [MarginStatus: Int] = [:]
        var atRisk = 0.0
        for standing in accounts.values {
            counts[standing.status, default: 0] += 1
            if standing.status >= .marginCall { atRisk += standing.held }
        }
        let states = MarginStatus.allCases.map { "\($0.rawValue) \(counts[$0, default: 0])" }
        return [
            "accounts:  \(states.joined(separator: "   "))",
            "at risk:   \(millions(atRisk)) held by accounts at margin call or worse; a fall of 1 %"
                + " would force \(millions(forcedByOnePercent)), of 5 % "
                + millions(forced(byFall: 0.05)),
            "breakers:  \(breakerLine)",
        ] + recentAlerts.map { "  \($0)" }
            + Array(repeating: "", count: Self.alertsShown - recentAlerts.count)
    }

    private var forcedByOnePercent: Double { forced(byFall: 0.01) }

    /// Over all assets and shards, in the valuation currency.
    private func forced(byFall fall: Double) -> Double {
        ladders.values.reduce(0) { sum, shards in
            shards.values.reduce(sum) { sum, exposure in
                let rung = exposure.byPrice.first { abs($0.step - fall) < 1e-9 }
                return sum + (rung?.value.double ?? 0)
            }
        }
    }

    private var breakerLine: String {
        guard !breakers.isEmpty else { return "all normal" }
        return breakers.values.sorted { $0.asset < $1.asset }.map { change in
            let reasons = BreakerReasons.names.filter { change.reasons.contains($0.reason) }
            let why = reasons.first.map { " (\($0.name))" } ?? ""
            return "\(change.asset) \(change.to.rawValue)\(why) \(clock(change.time))"
        }.joined(separator: "   ")
    }

    private static func line(_ alert: LiquidationAlert) -> String {
        let level = alert.level == .healthy ? "cleared" : alert.level.rawValue
        let shortfall = alert.shortfall.maintenance.double
        let steps = alert.plan.count
        return clock(alert.time) + "  " + "\(alert.account)".left(12) + level.left(13)
            + "from \(alert.previous.rawValue)".left(18) + "by \(alert.cause.rawValue)".left(15)
            + (shortfall > 0 ? "short \(millions(shortfall))" : "").left(18)
            + (steps > 0 ? "plan of \(steps) step\(steps == 1 ? "" : "s")" : "")
    }
}

func millions(_ value: Double) -> String { fixed(value / 1e6, value < 1e6 ? 3 : 1) + " M" }

/// `HH:MM:SS`.
func clock(_ time: Instant) -> String { String(time.description.dropFirst(11).prefix(8)) }
