import Metrics
import Operations
import Testing

@Suite struct MetricsTests {
    @Test func everyKindIsShownAsItsOwn() throws {
        let registry = MetricsRegistry()
        let counter = Counter(
            label: "breakwater_tries_total", dimensions: [("b", "2"), ("a", "1")], factory: registry
        )
        counter.increment(by: 2)
        Counter(
            label: "breakwater_tries_total", dimensions: [("a", "1"), ("b", "2")], factory: registry
        ).increment()
        FloatingPointCounter(label: "breakwater_value_total", factory: registry).increment(by: 0.5)
        Meter(label: "breakwater_level", factory: registry).set(7.25)
        Gauge(label: "breakwater_queue", factory: registry).record(3)
        let recorder = Recorder(label: "breakwater_size_bytes", factory: registry)
        for size in [10, 20] { recorder.record(size) }
        let timer = Metrics.Timer(label: "breakwater_commit_seconds", factory: registry)
        for milliseconds in [1, 30, 30, 20_000] { timer.recordMilliseconds(milliseconds) }

        let shown = try Exposition(registry.families.exposition)
        #expect(try shown.value("breakwater_tries_total", ["a": "1", "b": "2"]) == "3")
        #expect(try shown.value("breakwater_value_total") == "0.5")
        #expect(try shown.value("breakwater_level") == "7.25")
        #expect(try shown.value("breakwater_queue") == "3")
        #expect(try shown.value("breakwater_size_bytes_sum") == "30")
        #expect(try shown.value("breakwater_size_bytes_count") == "2")
        let kinds = [
            "breakwater_tries_total": "counter", "breakwater_value_total": "counter",
            "breakwater_level": "gauge", "breakwater_queue": "gauge",
            "breakwater_size_bytes": "summary", "breakwater_commit_seconds": "histogram",
        ]
        #expect(shown.kinds == kinds)
        let buckets = ["0.001": "1", "0.025": "1", "0.05": "3", "10.0": "3", "+Inf": "4"]
        for (bound, count) in buckets {
            #expect(try shown.value("breakwater_commit_seconds_bucket", ["le": bound]) == count)
        }
        #expect(try shown.value("breakwater_commit_seconds_count") == "4")
        #expect(
            Double(try shown.value("breakwater_commit_seconds_sum")).map { ($0 * 1e3).rounded() }
                == 20_061)
    }

    @Test func labelsAndHelpAreEscapedAndReadBack() throws {
        let odd = "a\"b\\c\nd}e,f=\"g\" é"
        let family = MetricFamily(
            "breakwater_odd", .gauge, "one\\two\nthree",
            [.init(labels: [.init("name", odd)], value: 1)])
        let text = [family].exposition
        let shown = try Exposition(text)
        #expect(try shown.value("breakwater_odd", ["name": odd]) == "1")
        #expect(shown.help["breakwater_odd"] == "one\\\\two\\nthree")
        #expect(text.split(separator: "\n").count == 3)
    }

    @Test func valuesAreShownAsPrometheusReadsThem() throws {
        for (value, text) in [
            (1, "1"), (-0.25, "-0.25"), (1e300, "1e+300"), (.nan, "NaN"), (.infinity, "+Inf"),
            (-.infinity, "-Inf"), (9_007_199_254_740_991, "9007199254740991"),
        ] as [(Double, String)] {
            let family = MetricFamily("x", .gauge, "x", [.init(value: value)])
            #expect([family].exposition == "# HELP x x\n# TYPE x gauge\nx \(text)\n")
        }
        #expect([MetricFamily("x", .gauge, "x", [])].exposition == "")
    }

    @Test func namesThatPrometheusDoesNotKnowAreMadeFit() throws {
        let registry = MetricsRegistry()
        Counter(label: "1.a-b c", dimensions: [("x.y", "z")], factory: registry).increment()
        #expect(try Exposition(registry.families.exposition).value("_1_a_b_c", ["x_y": "z"]) == "1")
    }

    @Test func aNameKeepsItsFirstKind() throws {
        let registry = MetricsRegistry()
        Counter(label: "breakwater_a", factory: registry).increment()
        Meter(label: "breakwater_a", factory: registry).set(9)
        #expect(try Exposition(registry.families.exposition).value("breakwater_a") == "1")
    }

    @Test func theNumberOfSeriesIsBounded() throws {
        let registry = MetricsRegistry(mostSeries: 10)
        for number in 0..<1_000 {
            Counter(
                label: "breakwater_a_total", dimensions: [("n", "\(number)")], factory: registry
            ).increment()
        }
        #expect(try Exposition(registry.families.exposition).lines.count == 10)
    }
}
