import ArgumentParser
import Foundation

/// The benchmarks, and the process that feeds them.
@main
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breakwater-bench",
        abstract: "Measure decoding, encoding, haircut tables, margin and the whole worker.",
        discussion: "How to read the figures: Benchmarks/README.md.",
        subcommands: [Measure.self, Feeder.self], defaultSubcommand: Measure.self)
}

struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "measure")

    @Option(help: "Where the figures are written, as JSON.")
    var output: String?

    @Flag(help: "A tenth of the records, for a build that checks every change.")
    var quick = false

    @Option(help: "Measure this part alone; may be given several times.")
    var only: [Part] = []

    @Flag(help: "Fail when a ratio misses its target.")
    var gate = false

    func run() throws {
        var report = Report(isQuick: quick)
        for part in Part.allCases where only.isEmpty || only.contains(part) {
            progress(part.progress)
            try measure(part, into: &report)
        }
        report.show()
        if let output {
            try report.write(to: output)
            progress("written to \(output)")
        }
        let missed = report.targets.filter { $0.isRatio && !$0.isMet }
        if gate, !missed.isEmpty { throw ExitCode(1) }
    }

    /// What can be measured alone.
    enum Part: String, CaseIterable, ExpressibleByArgument {
        case codec, haircut, margin, latency, pipeline

        fileprivate var progress: String {
            switch self {
            case .codec: "decoding and encoding…"
            case .haircut: "haircut tables…"
            case .margin: "a margin shard of many accounts…"
            case .latency: "from haircut tables to alerts, on an embedded broker…"
            case .pipeline: "quotes through the worker, on an embedded broker…"
            }
        }
    }

    private func measure(_ part: Part, into report: inout Report) throws {
        switch part {
        case .codec: try CodecBenchmark(passes: quick ? 20 : 200, samples: 5).run(into: &report)
        case .haircut:
            HaircutBenchmark(rounds: quick ? 100 : 1_000, samples: 5).run(into: &report)
        case .margin:
            MarginBenchmark(accounts: quick ? 100_000 : 1_000_000, samples: 5).run(into: &report)
        case .latency: try LatencyBenchmark(records: quick ? 200 : 2_000).run(into: &report)
        case .pipeline:
            try PipelineBenchmark(records: quick ? 20_000 : 200_000, repeats: 3).run(into: &report)
        }
    }

    private func progress(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
