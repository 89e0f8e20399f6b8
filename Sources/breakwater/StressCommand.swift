import ArgumentParser
import Foundation
import Operations
import Scenarios
import Synchronization

/// What would happen if.
struct StressCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stress",
        abstract: "Play what would happen, in this process alone.",
        subcommands: [CascadeCommand.self])
}

/// `stress cascade`.
struct CascadeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cascade",
        abstract: "Compare ways to set haircuts in crashes whose liquidations move the price.",
        discussion: """
            Plays each crash once a mode, with the same synthetic accounts: fixed venue weights \
            (static), fixed weights raised by 20 points when depth is gone (manual-step; \
            manual-step-collateral where that leaves derivatives alone), Breakwater \
            (adaptive), and Breakwater with its governor lifted (adaptive-no-governor). Needs no \
            broker. docs/cascade.md says what is assumed.

              breakwater stress cascade --seeds 20 --output cascade.html
            """)

    @Option(help: "A recorded crash: one of \(ScenarioCatalog.names.joined(separator: ", ")).")
    var scenario = "crash-2025-10-10"

    @Option(help: "Synthetic crashes, made from the seeds 0, 1, 2 and so on.")
    var seeds = 200

    @Option(help: "Accounts in each crash.")
    var accounts = 100

    @Option(help: "Write a page with drawings of the recorded crash, too.")
    var output: String?

    func validate() throws {
        guard (0...100_000).contains(seeds), (1...100_000).contains(accounts) else {
            throw ValidationError("--seeds is 0 to 100000, --accounts 1 to 100000")
        }
    }

    func run() async throws {
        Interruption.shared.listen()
        let recorded = CrashPath(recorded: try findScenario(scenario))
        let started = ContinuousClock.now
        let total = seeds + 1
        let results = await played(recorded, total: total, Terminal())
        if Interruption.shared.isByHand { throw ExitCode(130) }
        let report = CascadeReport(
            recorded: results[0] ?? [],
            synthetic: (1..<total).flatMap { results[$0] ?? [] })
        for line in report.lines { say(line) }
        let took = ContinuousClock.now - started
        say("\(total) crashes with \(accounts) accounts, in \(took.components.seconds) s")
        guard let output else { return }
        let subtitle = """
            \(accounts) synthetic accounts; the same crash and the same accounts in every mode; \
            sales by liquidation plans move the price.
            """
        try writeWhole(CascadePage(report, subtitle: subtitle).html, to: output)
        say("drawn in \(output)")
    }

    /// The results of each crash: the recorded one first, then the seeds in order. As many at a
    /// time as there are processors.
    private func played(
        _ recorded: CrashPath, total: Int, _ terminal: Terminal
    ) async -> [Int: [CascadeResult]] {
        let accounts = accounts
        func play(_ number: Int) -> [CascadeResult] {
            let path = number == 0 ? recorded : CrashPath(seed: UInt64(number - 1))
            let cascade = Cascade(path: path, size: accounts, seed: UInt64(number))
            return CascadeMode.allCases.map { cascade.run($0) }
        }
        return await withTaskGroup(of: (Int, [CascadeResult]).self) { group in
            var results: [Int: [CascadeResult]] = [:]
            var next = 0
            func start() {
                guard next < total, !Interruption.shared.isRequested else { return }
                let number = next
                next += 1
                group.addTask { (number, play(number)) }
            }
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount { start() }
            for await (number, played) in group {
                results[number] = played
                start()
                terminal.block(
                    ["\(Terminal.bar(Double(results.count) / Double(total)))  crashes played"])
            }
            terminal.lastBlock([])
            return results
        }
    }
}
