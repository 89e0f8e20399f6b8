import ArgumentParser
import Foundation
import Kafka
import Operations

/// What is published, as it comes.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show haircuts, breakers and accounts in the terminal, as they are published.",
        discussion: """
            Reads the output topics as any consumer would and joins no group. Without --account \
            it shows accounts by status and the newest alerts; with it, a line for each account \
            named. End it with Ctrl-C.
            """)

    @Option(
        help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(name: .customLong("asset"), help: "An asset to show, again for each; default: all.")
    var assets: [String] = []

    @Option(name: .customLong("account"), help: "An account to show, again for each.")
    var accounts: [String] = []

    @Flag(help: "Read what is there, show it and end.")
    var once = false

    @Option(help: "Seconds to wait for the brokers.")
    var timeout = 20.0

    func validate() throws {
        guard timeout > 0, timeout.isFinite else {
            throw ValidationError("--timeout must be above 0")
        }
    }

    func run() throws {
        Interruption.shared.listen()
        let settings = try readSettings(config)
        let end = ContinuousClock.now + .seconds(timeout)
        let haircuts = try HaircutWatch(settings, isWhole: false, until: end)
        let margin = try MarginWatch(settings, accounts: Set(accounts), until: end)
        let terminal = Terminal()
        while !Interruption.shared.isRequested {
            try haircuts.read()
            try margin.read()
            let hasRead = haircuts.hasReachedEnds && margin.hasReachedEnds
            if hasRead {
                if once { return terminal.lastBlock(lines(haircuts, margin)) }
                terminal.block(lines(haircuts, margin))
            } else if ContinuousClock.now >= end {
                throw CommandFailure("the ends of the topics were not reached within \(timeout) s")
            }
            Interruption.shared.sleep(.milliseconds(hasRead ? 100 : 10))
        }
        if Interruption.shared.isByHand { throw ExitCode(130) }
    }

    private func lines(_ haircuts: HaircutWatch, _ margin: MarginWatch) -> [String] {
        haircuts.lines(of: Set(assets)) + [""]
            + (accounts.isEmpty ? margin.lines : margin.accountLines)
    }
}
