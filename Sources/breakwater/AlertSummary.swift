import Margin
import Quantities

/// The alerts of a run against the price: by the minute, and which accounts were concerned.
struct AlertSummary {
    /// Alerts and prices before this are the warm-up's.
    let start: Instant
    /// The asset whose price is shown.
    let asset: String
    private var minutes: [Int64: Minute] = [:]
    private var called: Set<Identifier> = []
    private var liquidated: Set<Identifier> = []
    private var bankrupt: Set<Identifier> = []
    private var total = 0

    private struct Minute {
        var lowestPrice: Double?
        var warnings = 0
        var calls = 0
        var liquidations = 0
        var cleared = 0

        var alerts: Int { warnings + calls + liquidations + cleared }
    }

    /// Minutes shown: those with the most alerts.
    static let shown = 15

    init(from start: Instant, asset: String) {
        self.start = start
        self.asset = asset
    }

    mutating func add(_ reading: HaircutWatch.Reading) {
        guard reading.asset == asset, reading.time >= start else { return }
        let minute = reading.time.period(ofSeconds: 60)
        let lowest = minutes[minute]?.lowestPrice ?? reading.mid
        minutes[minute, default: Minute()].lowestPrice = min(lowest, reading.mid)
    }

    mutating func add(_ alert: LiquidationAlert) {
        guard alert.time >= start else { return }
        total += 1
        let minute = alert.time.period(ofSeconds: 60)
        switch alert.level {
        case .healthy: minutes[minute, default: Minute()].cleared += 1
        case .warning: minutes[minute, default: Minute()].warnings += 1
        case .marginCall:
            minutes[minute, default: Minute()].calls += 1
            called.insert(alert.account)
        case .liquidation:
            minutes[minute, default: Minute()].liquidations += 1
            liquidated.insert(alert.account)
        case .bankrupt:
            minutes[minute, default: Minute()].liquidations += 1
            bankrupt.insert(alert.account)
        }
    }

    /// What happened to accounts, and the busiest minutes in the order of time.
    var lines: [String] {
        let busiest = minutes.filter { $0.value.alerts > 0 }
            .sorted { ($0.value.alerts, $1.key) > ($1.value.alerts, $0.key) }
            .prefix(Self.shown).sorted { $0.key < $1.key }
        let most = busiest.map(\.value.alerts).max() ?? 1
        let rows = busiest.map { key, minute in
            let time = Instant(nanoseconds: key * 60_000_000_000)
            let bar = String(repeating: "#", count: max(1, minute.alerts * 30 / most))
            return String(clock(time).prefix(5)).left(7)
                + (minute.lowestPrice.map(price) ?? "–").right(12)
                + "\(minute.alerts)".right(9) + "\(minute.warnings)".right(10)
                + "\(minute.calls)".right(14) + "\(minute.liquidations)".right(14)
                + "\(minute.cleared)".right(9) + "  " + bar
        }
        return [
            "\(total) alerts; accounts margin-called \(called.count), in liquidation "
                + "\(liquidated.count), below zero \(bankrupt.count)",
            "minute".left(7) + "\(asset) low".right(12) + "alerts".right(9)
                + "warnings".right(10) + "margin calls".right(14) + "liquidations".right(14)
                + "cleared".right(9),
        ] + rows + ["(the \(rows.count) minutes with the most alerts; nobody acts on a plan here)"]
    }
}
