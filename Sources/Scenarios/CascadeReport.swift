/// Results of cascades, modes beside scenarios, as a table for people.
public struct CascadeReport: Sendable {
    /// Of recorded crashes: each shown for itself.
    public var recorded: [CascadeResult]
    /// Of synthetic ones: shown by their median and 95th percentile.
    public var synthetic: [CascadeResult]

    public init(recorded: [CascadeResult], synthetic: [CascadeResult]) {
        self.recorded = recorded
        self.synthetic = synthetic
    }

    /// A row of the table: what it is about and a text a column.
    public struct Row: Hashable, Sendable {
        public var scenario: String
        public var mode: CascadeMode
        public var cells: [String]
    }

    /// Names of the cells of a row.
    public static let columns = [
        "forced sales", "accounts", "deepest", "bad debt", "below 0", "amplified", "haircut",
        "peak/trough", "step/min",
    ]

    public var rows: [Row] {
        recorded.map { Row(scenario: $0.scenario, mode: $0.mode, cells: Self.cells([$0], 0.5)) }
            + [(0.5, "median"), (0.95, "95th percentile")].flatMap { share, name in
                CascadeMode.allCases.compactMap { mode in
                    let results = synthetic.filter { $0.mode == mode }
                    guard !results.isEmpty else { return nil }
                    return Row(
                        scenario: "\(results.count) synthetic, \(name)", mode: mode,
                        cells: Self.cells(results, share))
                }
            }
    }

    private static func cells(_ results: [CascadeResult], _ share: Double) -> [String] {
        func at(_ figure: (CascadeResult) -> Double) -> Double {
            percentile(results.map(figure), share)
        }
        return [
            "\(rounded(at { $0.forcedSales } / 1e6, 1)) M",
            rounded(at { Double($0.accountsLiquidated) }, 0),
            "-\(rounded(at { 1 - $0.deepestPrice } * 100, 1)) %",
            "\(rounded(at { $0.badDebt } / 1e6, 2)) M",
            rounded(at { Double($0.accountsBelowZero) }, 0), rounded(at { $0.amplification }, 2),
            "\(rounded(at { $0.mostHaircut } * 100, 1)) %", rounded(at { $0.peakToTrough }, 1),
            rounded(at { $0.largestMinuteStep } * 100, 2),
        ]
    }

    /// What is claimed of the adaptive mode, and whether it held.
    public struct Claim: Hashable, Sendable {
        public var text: String
        public var holds: Bool
    }

    /// Over recorded and synthetic crashes together: less bad debt than with fixed weights and
    /// less forced selling than with one raise, in the median and the 95th percentile.
    public var claims: [Claim] {
        [(0.5, "median"), (0.95, "95th percentile")].flatMap { share, name in
            [
                claim(.fixed, "bad debt", name) { percentile($0.map(\.badDebt), share) },
                claim(.manualStep, "forced sales", name) {
                    percentile($0.map(\.forcedSales), share)
                },
            ]
        }
    }

    private func claim(
        _ other: CascadeMode, _ what: String, _ name: String,
        _ figure: ([CascadeResult]) -> Double
    ) -> Claim {
        let all = recorded + synthetic
        let ours = figure(all.filter { $0.mode == .adaptive })
        let theirs = figure(all.filter { $0.mode == other })
        let numbers = "\(rounded(ours / 1e6, 2)) M against \(rounded(theirs / 1e6, 2)) M"
        return Claim(
            text: "\(what), \(name): adaptive \(numbers) of \(other.rawValue)",
            holds: ours < theirs)
    }

    /// The table in fixed columns, with a line for each claim.
    public var lines: [String] {
        let rows = rows
        let names = rows.map { ($0.scenario, $0.mode.rawValue) }
        let first = max(8, names.map(\.0.count).max() ?? 0)
        let second = max(4, names.map(\.1.count).max() ?? 0)
        func line(_ scenario: String, _ mode: String, _ cells: [String]) -> String {
            let texts = zip(cells, Self.columns).map { cell, name in
                "  " + padded(cell, max(name.count, 9), right: true)
            }
            return padded(scenario, first, right: false) + "  "
                + padded(mode, second, right: false) + texts.joined()
        }
        return [line("scenario", "mode", Self.columns)]
            + rows.map { line($0.scenario, $0.mode.rawValue, $0.cells) }
            + ["(money in the valuation currency; deepest, haircut: of the first asset)"]
            + claims.map { "\($0.holds ? "holds:  " : "FAILS:  ")\($0.text)" }
    }
}

/// The value below which a share of all lies, straight between neighbours; 0 of none.
func percentile(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.last else { return 0 }
    let place = share * Double(sorted.count - 1)
    let index = Int(place)
    guard index + 1 < sorted.count else { return last }
    return sorted[index] + (place - Double(index)) * (sorted[index + 1] - sorted[index])
}

/// A number with so many decimals.
func rounded(_ value: Double, _ decimals: Int) -> String {
    let factor = [1, 10, 100, 1_000, 10_000][decimals]
    let scaled = (value * Double(factor)).rounded()
    guard abs(scaled) < 1e15 else { return "\(value)" }
    let whole = abs(Int(scaled))
    let sign = scaled < 0 ? "-" : ""
    guard decimals > 0 else { return "\(sign)\(whole)" }
    let fraction = String(whole % factor)
    let zeros = String(repeating: "0", count: decimals - fraction.count)
    return "\(sign)\(whole / factor).\(zeros)\(fraction)"
}

private func padded(_ text: String, _ width: Int, right: Bool) -> String {
    let blanks = String(repeating: " ", count: max(0, width - text.count))
    return right ? blanks + text : text + blanks
}
