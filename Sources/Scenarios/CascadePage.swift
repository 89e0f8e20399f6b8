import Quantities

/// A report as one HTML page with its drawings inside: nothing is loaded from anywhere.
public struct CascadePage: Sendable {
    private let report: CascadeReport
    private let subtitle: String

    /// - Parameter subtitle: how the figures were made, for whoever reads the page alone.
    public init(_ report: CascadeReport, subtitle: String) {
        self.report = report
        self.subtitle = subtitle
    }

    public var html: String {
        let scenarios = report.recorded.reduce(into: [String]()) { names, result in
            if !names.contains(result.scenario) { names.append(result.scenario) }
        }
        let drawings = scenarios.map { name in
            "<h2>\(name)</h2>\n" + legend
                + panels(report.recorded.filter { $0.scenario == name })
        }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>Breakwater: cascades</title>
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <style>\(Self.style)</style></head><body><main>
            <h1>Cascades: who sets the haircut decides how much is sold</h1>
            <p>\(subtitle)</p>
            \(drawings.joined(separator: "\n"))
            <h2>Modes and scenarios</h2>
            \(table)
            <h2>What is claimed</h2>
            <ul>\(claims)</ul>
            </main></body></html>

            """
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1b2733;--soft:#5f6f7f;--line:#d9dfe5;--back:#fff;\
        --static:#7a8794;--manual-step:#d1495b;--manual-step-collateral:#c98bb9;\
        --adaptive:#1f77b4;--adaptive-no-governor:#e39a1c}
        @media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#93a1af;--line:#2d3843;\
        --back:#12181f;--adaptive:#58a6e8}}
        body{margin:0;background:var(--back);color:var(--ink);\
        font:15px/1.5 system-ui,sans-serif}
        main{max-width:1000px;margin:0 auto;padding:24px}
        h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:28px 0 6px}
        p{color:var(--soft);margin:0 0 12px;max-width:75ch}
        svg{width:100%;height:auto;display:block}
        svg text{fill:var(--soft);font:11px system-ui,sans-serif}
        svg .title{fill:var(--ink);font-size:13px}
        svg .grid{stroke:var(--line);stroke-width:1}
        svg path{fill:none;stroke-width:1.6;stroke-linejoin:round}
        .static{stroke:var(--static)}.manual-step{stroke:var(--manual-step)}\
        .manual-step-collateral{stroke:var(--manual-step-collateral)}
        .adaptive{stroke:var(--adaptive);stroke-width:2.2}
        .adaptive-no-governor{stroke:var(--adaptive-no-governor);stroke-dasharray:5 3}
        .alone{stroke:var(--ink);stroke-dasharray:2 3;stroke-width:1.1}
        .key{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;color:var(--soft)}
        .key svg{width:26px;height:8px;display:inline-block;margin-right:6px}
        .wide{overflow-x:auto}
        table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
        td,th{padding:3px 9px;text-align:right;border-bottom:1px solid var(--line);\
        white-space:nowrap}
        td:nth-child(-n+2),th:nth-child(-n+2){text-align:left}
        .fails{color:var(--manual-step)}
        """

    private var legend: String {
        let entries =
            CascadeMode.allCases.map { ($0.rawValue, $0.rawValue) }
            + [("alone", "had nobody been liquidated")]
        return "<div class=\"key\">"
            + entries.map { style, name in
                "<span><svg viewBox=\"0 0 26 8\"><path class=\"\(style)\" d=\"M0 4H26\"/></svg>"
                    + "\(name)</span>"
            }.joined() + "</div>\n"
    }

    private func panels(_ results: [CascadeResult]) -> String {
        guard let any = results.first else { return "" }
        let alone = SVGPanel.Line(style: "alone", values: any.minutes.map(\.priceAlone))
        func lines(_ figure: (CascadeMinute) -> Double) -> [SVGPanel.Line] {
            results.map {
                SVGPanel.Line(style: $0.mode.rawValue, values: $0.minutes.map(figure))
            }
        }
        let panels = [
            SVGPanel(
                title: "Price of the first asset", unit: "", lines: [alone] + lines(\.price),
                startsAtZero: false),
            SVGPanel(
                title: "Published maintenance haircut, first tier, %", unit: "",
                lines: lines { $0.haircut * 100 }, startsAtZero: true),
            SVGPanel(
                title: "Ladder: what one point more would force to be sold, millions", unit: "",
                lines: lines { $0.forcedByPoint / 1e6 }, startsAtZero: true),
            SVGPanel(
                title: "Sold by liquidations, all assets, millions a minute", unit: "",
                lines: lines { $0.sold / 1e6 }, startsAtZero: true),
            SVGPanel(
                title: "Bids within 2 % of mid, millions", unit: "",
                lines: [
                    SVGPanel.Line(style: "alone", values: any.minutes.map { $0.depth / 1e6 })
                ], startsAtZero: true),
        ]
        let times = any.minutes.map { String($0.time.description.dropFirst(11).prefix(5)) }
        return panels.map { $0.svg(times: times) }.joined(separator: "\n")
    }

    private var table: String {
        let head = (["scenario", "mode"] + CascadeReport.columns).map { "<th>\($0)</th>" }
        let rows = report.rows.map { row in
            "<tr>"
                + ([row.scenario, row.mode.rawValue] + row.cells).map { "<td>\($0)</td>" }.joined()
                + "</tr>"
        }
        return "<div class=\"wide\"><table><tr>\(head.joined())</tr>\n"
            + rows.joined(separator: "\n") + "\n</table></div>"
    }

    private var claims: String {
        report.claims.map { claim in
            "<li\(claim.holds ? "" : " class=\"fails\"")>\(claim.text): "
                + "\(claim.holds ? "holds" : "fails")</li>"
        }.joined()
    }
}

/// One drawing: lines over the minutes, with a grid.
struct SVGPanel {
    struct Line {
        /// A class of the page's style.
        var style: String
        /// One a minute.
        var values: [Double]
    }

    var title: String
    var unit: String
    var lines: [Line]
    var startsAtZero: Bool

    private static let width = 960.0
    private static let height = 190.0
    private static let left = 64.0
    private static let right = 12.0
    private static let top = 24.0
    private static let bottom = 20.0

    func svg(times: [String]) -> String {
        let values = lines.flatMap(\.values)
        let most = values.max() ?? 1
        let least = startsAtZero ? 0 : values.min() ?? 0
        let step = Self.step(for: max(most - least, 1e-9))
        let low = (least / step).rounded(.down) * step
        let high = max((most / step).rounded(.up) * step, low + step)
        var parts = [
            "<text class=\"title\" x=\"\(Int(Self.left))\" y=\"15\">\(title)</text>"
        ]
        func y(_ value: Double) -> Double {
            Self.top + (high - value) / (high - low) * (Self.height - Self.top - Self.bottom)
        }
        func x(_ minute: Int) -> Double {
            Self.left + Double(minute) / Double(max(1, times.count - 1))
                * (Self.width - Self.left - Self.right)
        }
        var mark = low
        while mark <= high + step / 2 {
            let height = rounded(y(mark), 1)
            parts.append(
                "<path class=\"grid\" d=\"M\(Int(Self.left)) \(height)"
                    + "H\(Int(Self.width - Self.right))\"/>"
                    + "<text x=\"\(Int(Self.left) - 6)\" y=\"\(rounded(y(mark) + 4, 1))\" "
                    + "text-anchor=\"end\">\(Self.label(mark, step))\(unit)</text>")
            mark += step
        }
        for minute in times.indices where times[minute].hasSuffix(":00") {
            parts.append(
                "<text x=\"\(rounded(x(minute), 1))\" y=\"\(Int(Self.height) - 5)\" "
                    + "text-anchor=\"middle\">\(times[minute])</text>")
        }
        for line in lines {
            let points = line.values.enumerated().map { minute, value in
                "\(rounded(x(minute), 1)) \(rounded(y(value), 1))"
            }
            parts.append(
                "<path class=\"\(line.style)\" d=\"M\(points.joined(separator: "L"))\"/>")
        }
        return "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\" "
            + "aria-label=\"\(title)\">\(parts.joined())</svg>"
    }

    /// 1, 2 or 5 times a power of ten, so that three to six lines fit.
    private static func step(for range: Double) -> Double {
        var power = 1.0
        while power * 10 <= range { power *= 10 }
        while power > range { power /= 10 }
        for factor in [0.2, 0.5, 1, 2] where range / (power * factor) <= 5.5 {
            return power * factor
        }
        return power * 2
    }

    private static func label(_ value: Double, _ step: Double) -> String {
        rounded(value, step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3)
    }
}
