import Foundation

/// What one run measured: written as JSON, and shown as a table.
struct Report: Codable {
    struct Machine: Codable {
        var cores: Int
        var system: String
        /// Load over the last minute when the run began: above 0.5 the figures are disturbed.
        var loadBefore: Double
    }

    struct Result: Codable {
        var name: String
        var unit: String
        var median: Double
        /// In the order they were measured, interleaved with the other results' samples.
        var samples: [Double]
    }

    /// A promise, kept or not.
    struct Target: Codable {
        var name: String
        var value: Double
        /// `at most` or `at least`.
        var comparison: String
        var limit: Double
        var unit: String
        /// Ratios hold on any machine; other targets are for an idle one.
        var isRatio: Bool
        var isMet: Bool
    }

    var format = "breakwater-bench.v1"
    var isQuick: Bool
    var machine = Machine(
        cores: ProcessInfo.processInfo.activeProcessorCount,
        system: ProcessInfo.processInfo.operatingSystemVersionString, loadBefore: loadAverage)
    var results: [Result] = []
    var targets: [Target] = []

    init(isQuick: Bool) {
        self.isQuick = isQuick
    }

    private static var loadAverage: Double {
        var load = 0.0
        return getloadavg(&load, 1) == 1 ? load : 0
    }

    /// Adds a result.
    ///
    /// - Returns: its median.
    @discardableResult
    mutating func add(_ name: String, _ unit: String, _ samples: [Double]) -> Double {
        let middle = median(samples)
        results.append(Result(name: name, unit: unit, median: middle, samples: samples))
        return middle
    }

    mutating func target(
        _ name: String, _ value: Double, atMost limit: Double, unit: String, isRatio: Bool
    ) {
        targets.append(
            Target(
                name: name, value: value, comparison: "at most", limit: limit, unit: unit,
                isRatio: isRatio, isMet: value <= limit))
    }

    mutating func target(
        _ name: String, _ value: Double, atLeast limit: Double, unit: String, isRatio: Bool
    ) {
        targets.append(
            Target(
                name: name, value: value, comparison: "at least", limit: limit, unit: unit,
                isRatio: isRatio, isMet: value >= limit))
    }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try encoder.encode(self).write(to: URL(filePath: path), options: .atomic)
    }

    func show() {
        print("\n\(column("measured", 46))\(column("median", 12))\(column("least…most", 22))unit")
        for result in results {
            let range = "\(number(result.samples.min()))…\(number(result.samples.max()))"
            print(
                column(result.name, 46) + column(number(result.median), 12) + column(range, 22)
                    + result.unit)
        }
        print("\n\(column("target", 58))\(column("value", 10))limit")
        for target in targets {
            print(
                column(target.name, 58) + column(number(target.value), 10)
                    + "\(target.comparison) \(number(target.limit)) \(target.unit): "
                    + (target.isMet ? "met" : "NOT MET"))
        }
        // Before what else is said on the standard error.
        fflush(nil)
    }

    private func column(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private func number(_ value: Double?) -> String {
        guard let value else { return "–" }
        let digits = abs(value) >= 1_000 ? 0 : abs(value) >= 10 ? 1 : 3
        return String(format: "%.\(digits)f", value)
    }
}
