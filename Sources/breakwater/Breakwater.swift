import ArgumentParser
import Foundation

@main
struct Breakwater: AsyncParsableCommand {
    /// Of this program, as metrics and `--version` say it.
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "breakwater",
        abstract: "Adaptive collateral haircuts for exchange margin engines, on Kafka.",
        discussion: """
            Breakwater reads books, index prices, volatility surfaces and positions from Kafka \
            topics and publishes, for each asset, the haircut its collateral deserves now and, \
            for each account, what that leaves of its margin.

            Quick start:
              breakwater config check breakwater.yaml    every problem, with its line
              breakwater config show breakwater.yaml     what is in force, defaults filled in

            Every key of the file can be set by the environment, which wins: \
            kafka.bootstrapServers is BREAKWATER_KAFKA__BOOTSTRAP_SERVERS. Secrets are set only \
            so, or in files that the keys ending in File name.

            Exit status: 0 fine, 1 failed, 2 wrong usage or configuration, 130 interrupted.
            """,
        version: version,
        subcommands: [
            RunCommand.self, DemoCommand.self, BrokerCommand.self, FeedCommand.self,
            TopicsCommand.self,
            WatchCommand.self, ExplainCommand.self, StressCommand.self, ControlCommand.self,
            ConfigCommand.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            leave(with: error)
        }
    }

    /// Ends the process with the status the contracts give the error, after its message.
    private static func leave(with error: any Error) -> Never {
        let message = fullMessage(for: error)
        switch exitCode(for: error) {
        case .success:
            print(message)
            Foundation.exit(0)
        case .validationFailure:
            FileHandle.standardError.write(Data((message + "\n").utf8))
            Foundation.exit(2)
        case let code:
            if !message.isEmpty { FileHandle.standardError.write(Data((message + "\n").utf8)) }
            Foundation.exit(code.rawValue)
        }
    }
}
