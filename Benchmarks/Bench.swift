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

    @Flag(help: "Fail when a ratio misses its target.")
    var gate = false

    func run() throws {
        var report = Report(isQuick: quick)
        progress("decoding and encoding…")
        try CodecBenchmark(passes: quick ? 20 : 200, samples: 5).run(into: &report)
        progress("haircut tables…")
        HaircutBenchmark(rounds: quick ? 100 : 1_000, samples: 5).run(into: &report)
        progress("a margin shard of many accounts…")
        MarginBenchmark(accounts: quick ? 100_000 : 1_000_000, samples: 5).run(into: &report)
        progress("quotes through the worker, on an embedded broker…")
        try PipelineBenchmark(records: quick ? 20_000 : 200_000, repeats: 3).run(into: &report)
        report.show()
        if let output {
            try report.write(to: output)
            progress("written to \(output)")
        }
        let missed = report.targets.filter { $0.isRatio && !$0.isMet }
        if gate, !missed.isEmpty { throw ExitCode(1) }
    }

    private func progress(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
