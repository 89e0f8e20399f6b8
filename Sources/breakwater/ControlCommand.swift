import ArgumentParser
import Foundation
import Haircuts
import Operations
import Quantities

/// `control`: orders of two people to the haircut workers.
struct ControlCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "control",
        abstract: "Override, freeze, lift the governor, change parameters; list and withdraw.",
        discussion: """
            One order is in force for an asset (or * for every asset) and action; a newer one \
            takes its place. Each names who gave it, who approved it, and why, and ends by itself \
            within 24 h, but for parameters. Nothing is sent without --yes: what would be sent is \
            printed.

              breakwater control override --config breakwater.yaml --asset BTC --initial 0.5 \
            --maintenance 0.3 --expires-in 4h --reason "exchange outage" --by alice \
            --approved-by bob

            Workers take what is on the topic: who may write there is for the brokers' access \
            control (docs/security.md).
            """,
        subcommands: [
            Override.self, Freeze.self, Solvency.self, Parameters.self, Withdraw.self, List.self,
        ])

    /// What every order has.
    struct Order: ParsableArguments {
        @Option(
            help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
        var config: String

        @Option(help: "The asset; * is every asset.")
        var asset: AssetArgument

        @Option(help: "Who gives the order.")
        var by: String

        @Option(help: "Who approved it; somebody else.")
        var approvedBy: String

        @Option(help: "Why, at most 512 bytes.")
        var reason: String

        @Flag(help: "Send it; without this it is only printed.")
        var yes = false

        func validate() throws {
            let texts = [("--by", by), ("--approved-by", approvedBy), ("--reason", reason)]
            for (name, text) in texts {
                let isBlank = text.allSatisfy { $0.isWhitespace }
                guard !isBlank, text.utf8.count <= Control.mostTextBytes else {
                    throw ValidationError("\(name) must be 1 to \(Control.mostTextBytes) bytes")
                }
            }
            guard by != approvedBy else {
                throw ValidationError("--approved-by must be somebody else than --by")
            }
        }
    }

    /// When an order ends that has to end.
    struct Expiry: ParsableArguments {
        @Option(help: "How long it holds: 90s, 30m, 4h; at most 24h.")
        var expiresIn: DurationArgument?

        @Option(help: "When it ends, such as 2026-11-22T18:00:00Z.")
        var expires: InstantArgument?

        func validate() throws {
            guard (expiresIn == nil) != (expires == nil) else {
                throw ValidationError("give one of --expires-in and --expires")
            }
        }

        /// - Throws: when the end is not within 24 h after now.
        func end(after now: Instant) throws -> Instant {
            let end =
                expires?.instant ?? now.advanced(bySeconds: expiresIn?.seconds ?? 0)
            let latest = now.advanced(bySeconds: Control.longestSeconds)
            guard end > now, end <= latest else {
                throw ValidationError("the end must be after now and within 24 h, by \(latest)")
            }
            return end
        }
    }

    struct Override: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a floor under every tier of an asset's haircuts.")

        @OptionGroup var order: Order
        @OptionGroup var expiry: Expiry

        @Option(help: "Least initial haircut, 0 to 1.")
        var initial: Double

        @Option(help: "Least maintenance haircut, 0 to 1, not above the initial one.")
        var maintenance: Double

        func validate() throws {
            guard 0 <= maintenance, maintenance <= initial, initial <= 1 else {
                throw ValidationError("it must hold that 0 ≤ --maintenance ≤ --initial ≤ 1")
            }
        }

        func run() throws {
            let haircut = Haircut(initial: initial, maintenance: maintenance)
            try give(.override(haircut), order) { try expiry.end(after: $0) }
        }
    }

    struct Freeze: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Freeze: no decrease, maintenance held, the fallback on initial.")

        @OptionGroup var order: Order
        @OptionGroup var expiry: Expiry

        func run() throws { try give(.freeze, order) { try expiry.end(after: $0) } }
    }

    struct Solvency: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lift the governor: haircuts rise however much selling that forces.")

        @OptionGroup var order: Order
        @OptionGroup var expiry: Expiry

        func run() throws { try give(.solvency, order) { try expiry.end(after: $0) } }
    }

    struct Parameters: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Change parameters of the model, until withdrawn.",
            discussion: """
                Each --set is NAME=VALUE with a name of the configuration's parameters; amounts \
                are joined by commas: --set notionals=100000,1000000. All changes of an asset \
                stand in one order: a newer one takes its place as a whole.
                """)

        @OptionGroup var order: Order

        @Option(name: .customLong("set"), help: "NAME=VALUE; may be given several times.")
        var changes: [ChangeArgument]

        func validate() throws {
            let names = changes.map(\.change.name)
            guard !names.isEmpty, Set(names).count == names.count else {
                throw ValidationError("give --set NAME=VALUE, each name once")
            }
        }

        func run() throws {
            let changes = changes.map(\.change)
            try give(.parameters(changes), order, check: { try refuseUnsound(changes, $0) }) { _ in
                nil
            }
        }

        /// - Throws: when an asset that it is for could not use the parameters.
        private func refuseUnsound(
            _ changes: [Control.ParameterChange], _ settings: Settings
        ) throws {
            let assets = settings.assets.filter {
                order.asset.asset == nil || $0.asset == order.asset.asset
            }
            for asset in assets {
                var parameters = asset.parameters
                for change in changes {
                    HaircutParameter.all.first { $0.name == change.name }?
                        .set(change.value, in: &parameters)
                }
                if let violation = parameters.violations.first {
                    throw ValidationError("\(asset.asset): \(violation)")
                }
            }
        }
    }
}

/// Prints an order and, where that was asked for, sends it.
///
/// - Parameters:
///   - check: throws what speaks against the order under this configuration.
///   - end: when it ends, given when it begins; nil is never.
private func give(
    _ action: Control.Order, _ order: ControlCommand.Order,
    check: (Settings) throws -> Void = { _ in },
    end: (Instant) throws -> Instant?
) throws {
    let settings = try readSettings(order.config)
    if let asset = order.asset.asset, !settings.assets.contains(where: { $0.asset == asset }) {
        throw ValidationError("asset \(asset) is not in \(order.config)")
    }
    try check(settings)
    let now = wallClock()
    let topic = ControlTopic(settings)
    var control = Control(
        asset: order.asset.asset, time: now, sequence: now.milliseconds, order: action,
        expires: try end(now), reason: order.reason, by: order.by, approvedBy: order.approvedBy)
    let key = control.recordKey
    switch try topic.entries()[key] {
    case .control(let present):
        control.sequence = max(control.sequence, present.sequence + 1)
        say("takes the place of \(present.recordBody)")
    case .refused(let why): say("takes the place of one that is refused: \(why)")
    case nil: break
    }
    try finish(topic, key: key, body: control.recordBody, at: now, isWanted: order.yes)
}

/// Says what is sent, and sends it if it is wanted.
private func finish(
    _ topic: ControlTopic, key: String, body: String?, at time: Instant, isWanted: Bool
) throws {
    say("\(topic.name) \(key) \(body ?? "(tombstone)")")
    guard isWanted else {
        say("nothing was sent: --yes sends it")
        return
    }
    try topic.send(key: key, body: body, at: time)
    say("sent")
}

extension ControlCommand {
    struct Withdraw: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take an order back, with a tombstone under its key.")

        @Option(
            help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
        var config: String

        @Option(help: "The asset; * is every asset.")
        var asset: AssetArgument

        @Option(help: "Which order: override, freeze, solvency or parameters.")
        var action: Control.Action

        @Flag(help: "Send it; without this it is only printed.")
        var yes = false

        func run() throws {
            let topic = ControlTopic(try readSettings(config))
            let name = asset.asset.map { "\($0)" } ?? "*"
            let key = "\(name)|\(action.rawValue)"
            guard try topic.entries()[key] != nil else {
                throw CommandFailure("there is no \(key) on \(topic.name)")
            }
            try finish(topic, key: key, body: nil, at: wallClock(), isWanted: yes)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the orders that stand on the topic, those that ended included.")

        @Option(
            help: "The configuration file.", completion: .file(extensions: ["yaml", "yml"]))
        var config: String

        func run() throws {
            let topic = ControlTopic(try readSettings(config))
            let now = wallClock()
            let entries = try topic.entries().sorted { $0.key < $1.key }
            if entries.isEmpty { say("no orders on \(topic.name)") }
            for (key, entry) in entries {
                switch entry {
                case .control(let control): say("\(key): \(control.summary(at: now))")
                case .refused(let why): say("\(key): refused by the workers: \(why)")
                }
            }
        }
    }
}

extension Control {
    /// A line for people.
    fileprivate func summary(at now: Instant) -> String {
        let what: String =
            switch order {
            case .override(let haircut):
                "initial \(haircut.initial), maintenance \(haircut.maintenance)"
            case .freeze: "frozen"
            case .solvency: "governor lifted"
            case .parameters(let changes):
                changes.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
            }
        let end = expires.map { ($0 <= now ? "ended " : "until ") + "\($0)" } ?? "until withdrawn"
        return "\(what); \(end); by \(by), approved by \(approvedBy): \(reason)"
    }
}
