import ArgumentParser
import Foundation
import Operations

/// `config check` and `config show`.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check a configuration, or show what is in force.",
        subcommands: [Check.self, Show.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say every problem of a configuration with its line.",
            discussion: """
                The environment counts as it does for the service. Exits with 0 when the \
                configuration is fine and with 2 when it is not.
                """)

        @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String

        func run() throws {
            let settings = try readSettings(file)
            let assets = settings.assets.count
            print(
                "\(file): fine: \(assets) \(assets == 1 ? "asset" : "assets"), workers: "
                    + "\(settings.workers.haircut) haircut, \(settings.workers.margin) margin, "
                    + "\(settings.delivery.rawValue), brokers "
                    + settings.kafka.bootstrapServers)
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the configuration in force: defaults filled in, secrets masked.")

        @Argument(help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String

        func run() throws {
            print(try readSettings(file).yaml, terminator: "")
        }
    }
}

/// The settings of a file with this process's environment over them; says every problem on stderr.
///
/// - Throws: `ExitCode(2)` after the problems have been said.
func readSettings(_ path: String) throws -> Settings {
    do {
        return try Settings.read(path: path, environment: ProcessInfo.processInfo.environment)
    } catch {
        writeToStandardError("\(error)\n")
        throw ExitCode(2)
    }
}
