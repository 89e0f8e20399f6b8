import ArgumentParser

@main
struct Breakwater: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breakwater",
        abstract: "Adaptive collateral haircuts for exchange margin engines, on Kafka.")
}
