import ArgumentParser
import Foundation
import Haircuts
import Kafka
import Messages
import Operations
import Quantities

/// The decomposition of a haircut.
struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say where an asset's haircut comes from, in words and numbers.",
        discussion: """
            Reads the newest table of the asset from the haircut topic and takes it apart: what \
            the model wants and why, what holds the published haircut back, what a holding of the \
            size given counts, and which record caused it.
            """)

    @Option(
        help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String

    @Option(help: "The asset.")
    var asset: String

    @Option(help: "Value of a holding, in the valuation currency.")
    var notional = 1_000_000.0

    @Option(help: "Seconds to wait for the brokers.")
    var timeout = 20.0

    func validate() throws {
        guard notional > 0, notional.isFinite, timeout > 0, timeout.isFinite else {
            throw ValidationError("--notional and --timeout must be above 0")
        }
        guard Identifier(asset) != nil else {
            throw ValidationError("--asset must be 1 to 64 printable ASCII characters")
        }
    }

    func run() throws {
        Interruption.shared.listen()
        let settings = try readSettings(config)
        guard let asset = Identifier(asset) else { return }
        let table = try LatestTable(settings, asset: asset).read(within: .seconds(timeout))
        guard let table else {
            if Interruption.shared.isByHand { throw ExitCode(130) }
            throw CommandFailure(
                "\(settings.topics.haircuts) holds no table of \(asset): check its name, and that "
                    + "a haircut worker serves it")
        }
        for line in HaircutExplanation(table, notional: notional).lines { say(line) }
    }
}

/// Finds the newest table of one asset by reading the haircut topic to its end.
private struct LatestTable {
    private let settings: Settings
    private let asset: Identifier

    init(_ settings: Settings, asset: Identifier) {
        self.settings = settings
        self.asset = asset
    }

    /// - Returns: nil when there is none, or the wait was interrupted.
    /// - Throws: when the topic cannot be read, or its end is not reached in time.
    func read(within limit: Duration) throws -> HaircutTable? {
        let end = ContinuousClock.now + limit
        let topic = settings.topics.haircuts
        let reader = try BusReader(settings, as: "explain")
        try reader.begin(whole: [topic], until: end)
        var decoder = HaircutDecoder()
        var table = HaircutTable.blank
        var latest: HaircutTable?
        try reader.readToEnds(of: topic, until: end) { record, _ in
            guard decode(record, with: &decoder, into: &table) else { return }
            if latest.map({ $0.sequence < table.sequence || $0.time < table.time }) ?? true {
                latest = table
            }
        }
        return latest
    }

    private func decode(
        _ record: Record, with decoder: inout HaircutDecoder, into table: inout HaircutTable
    ) -> Bool {
        guard let key = record.key, let value = record.value,
            asset.isEqual(to: key.assumingMemoryBound(to: UInt8.self))
        else { return false }
        do throws(Refusal) {
            try decoder.decode(value, key: key, recordTimestamp: nil, into: &table)
            return true
        } catch {
            return false
        }
    }
}
