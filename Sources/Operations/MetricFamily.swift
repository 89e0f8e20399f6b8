/// A metric with all its series, as Prometheus shows them.
public struct MetricFamily: Hashable, Sendable {
    public enum Kind: String, Sendable {
        case counter, gauge, histogram, summary
    }

    /// One label of a series.
    public struct Label: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: some CustomStringConvertible) {
            self.name = name
            self.value = "\(value)"
        }
    }

    /// One line.
    public struct Sample: Hashable, Sendable {
        /// Put after the family's name: `_bucket`, `_sum`, `_count`, or nothing.
        public var suffix: String
        public var labels: [Label]
        public var value: Double

        public init(suffix: String = "", labels: [Label] = [], value: Double) {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    /// `breakwater_…`, with its unit, and `_total` where it counts.
    public var name: String
    /// A sentence without its final point.
    public var help: String
    public var kind: Kind
    public var samples: [Sample]

    public init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.help = help
        self.kind = kind
        self.samples = samples
    }

    /// A family with one series without labels.
    public init(_ name: String, _ kind: Kind, _ help: String, _ value: some BinaryInteger) {
        self.init(name, kind, help, [Sample(value: Double(value))])
    }
}

extension [MetricFamily] {
    /// The text format 0.0.4 of Prometheus. Families without samples are left out.
    public var exposition: String {
        var text = ""
        for family in self where !family.samples.isEmpty {
            let help = family.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
            text += "# HELP \(family.name) \(help)\n# TYPE \(family.name) \(family.kind.rawValue)\n"
            for sample in family.samples {
                text += family.name + sample.suffix
                if !sample.labels.isEmpty {
                    let labels = sample.labels.map { "\($0.name)=\"\(escaped($0.value))\"" }
                    text += "{" + labels.joined(separator: ",") + "}"
                }
                text += " \(shown(sample.value))\n"
            }
        }
        return text
    }
}

private func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        .replacing("\n", with: "\\n")
}

/// As Prometheus reads it: whole numbers without a point, and `NaN`, `+Inf`, `-Inf`.
private func shown(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
