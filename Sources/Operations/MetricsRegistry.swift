import Metrics
import Synchronization

/// Keeps the metrics that code makes through swift-metrics and shows them as families.
///
/// Counters stay counters, meters and plain recorders become gauges, aggregating recorders
/// summaries of sum and count, timers histograms in seconds. A name keeps the kind it was first
/// used with, and only so many series are kept: further ones record into nothing.
public final class MetricsRegistry: MetricsFactory {
    /// Upper bounds of a timer's buckets, in seconds.
    public static let buckets = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    private let mostSeries: Int
    private let series = Mutex<[Key: Series]>([:])

    private struct Key: Hashable {
        var name: String
        var labels: [MetricFamily.Label]
    }

    /// - Parameter mostSeries: > 0.
    public init(mostSeries: Int = 2_000) {
        precondition(mostSeries > 0)
        self.mostSeries = mostSeries
    }

    /// Everything recorded, by name and labels.
    public var families: [MetricFamily] {
        let all = series.withLock { $0 }
        return Dictionary(grouping: all) { $0.key.name }.sorted { $0.key < $1.key }
            .compactMap { name, group in
                guard let kind = group.first?.value.kind else { return nil }
                let sorted = group.sorted { shownOrder($0.key.labels) < shownOrder($1.key.labels) }
                return MetricFamily(
                    name, kind, name.split(separator: "_").joined(separator: " "),
                    sorted.flatMap { $0.value.samples($0.key.labels) })
            }
    }

    private func make(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind
    ) -> Series {
        let key = Key(
            name: validName(label),
            labels: dimensions.map { MetricFamily.Label(validName($0.0), $0.1) }
                .sorted { $0.name < $1.name })
        return series.withLock { series in
            let isOther = series.contains { $0.key.name == key.name && $0.value.kind != kind }
            if isOther { return Series(kind) }
            if let known = series[key] { return known }
            let new = Series(kind)
            if series.count < mostSeries { series[key] = new }
            return new
        }
    }

    public func makeCounter(
        label: String, dimensions: [(String, String)]
    ) -> any CounterHandler { make(label, dimensions, .counter) }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler { make(label, dimensions, .counter) }

    public func makeMeter(
        label: String, dimensions: [(String, String)]
    ) -> any MeterHandler { make(label, dimensions, .gauge) }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler { make(label, dimensions, aggregate ? .summary : .gauge) }

    public func makeTimer(
        label: String, dimensions: [(String, String)]
    ) -> any TimerHandler { make(label, dimensions, .histogram) }

    // A scrape after the last use must still find what was counted.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}
}

/// The value of one series.
private final class Series: CounterHandler, FloatingPointCounterHandler, MeterHandler,
    RecorderHandler, TimerHandler
{
    private struct State {
        /// A counter's or gauge's value, a summary's or histogram's sum.
        var value = 0.0
        var count = 0
        var buckets: [Int] = []
    }

    let kind: MetricFamily.Kind
    private let state = Mutex(State())

    init(_ kind: MetricFamily.Kind) {
        self.kind = kind
        guard kind == .histogram else { return }
        state.withLock { $0.buckets = MetricsRegistry.buckets.map { _ in 0 } }
    }

    func increment(by amount: Int64) { increment(by: Double(amount)) }
    func increment(by amount: Double) { state.withLock { $0.value += amount } }
    func decrement(by amount: Double) { state.withLock { $0.value -= amount } }
    func reset() { state.withLock { $0.value = 0 } }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.value = value } }
    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) * 1e-9) }

    func record(_ value: Double) {
        guard kind != .gauge else { return set(value) }
        state.withLock { state in
            state.value += value
            state.count += 1
            for (index, bound) in MetricsRegistry.buckets.enumerated()
            where index < state.buckets.count && value <= bound {
                state.buckets[index] += 1
            }
        }
    }

    func samples(_ labels: [MetricFamily.Label]) -> [MetricFamily.Sample] {
        let state = state.withLock { $0 }
        let count = Double(state.count)
        switch kind {
        case .counter, .gauge: return [.init(labels: labels, value: state.value)]
        case .summary, .histogram:
            var samples = zip(MetricsRegistry.buckets, state.buckets).map { bound, count in
                MetricFamily.Sample(
                    suffix: "_bucket", labels: labels + [.init("le", bound)], value: Double(count))
            }
            if kind == .histogram {
                samples.append(
                    .init(suffix: "_bucket", labels: labels + [.init("le", "+Inf")], value: count))
            }
            samples.append(.init(suffix: "_sum", labels: labels, value: state.value))
            samples.append(.init(suffix: "_count", labels: labels, value: count))
            return samples
        }
    }
}

private func shownOrder(_ labels: [MetricFamily.Label]) -> String {
    labels.map { "\($0.name)\u{1}\($0.value)\u{1}" }.joined()
}

/// A name as Prometheus takes it: anything but letters, digits and underscores becomes `_`.
private func validName(_ label: String) -> String {
    let name = String(
        label.unicodeScalars.map { scalar in
            let isValid =
                scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9") ~= scalar)
            return isValid || scalar == "_" ? Character(scalar) : "_"
        })
    return name.first.map { $0.isNumber } ?? true ? "_" + name : name
}
