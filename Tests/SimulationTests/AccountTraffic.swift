import Quantities
import TestSupport

/// Accounts that trade: full snapshots of what they hold, most of them sound.
struct AccountTraffic {
    private var random: SplitMix64
    private let start: Int64
    /// Of the clocks of all who send.
    var jump: Plan.ClockJump?
    private var sequences: [Int]
    private var last: [Plan.Input?]

    static let accounts = 10
    static let owners = 6

    /// - Parameter start: milliseconds since 1970 of the plan's time 0.
    init(seed: UInt64, start: Int64) {
        random = SplitMix64(seed: seed)
        self.start = start
        sequences = Array(repeating: 0, count: Self.accounts)
        last = Array(repeating: nil, count: Self.accounts)
    }

    private mutating func below(_ bound: UInt64) -> Int { Int(random.next() % bound) }

    /// A snapshot of every account: what a plan begins and ends with.
    mutating func all(at time: Int64) -> [Plan.Input] {
        (0..<Self.accounts).map { snapshot($0, at: time) }
    }

    /// A record sent at a time, milliseconds after the start.
    mutating func next(at time: Int64) -> Plan.Input {
        let account = below(UInt64(Self.accounts))
        switch below(20) {
        case 0: return tombstone(account)
        case 1:
            var input = last[account] ?? snapshot(account, at: time)
            input.note += " once more"
            return input
        case 2:
            var input = snapshot(account, at: time)
            input.value?.removeLast(1 + below(40))
            input.note += " cut off"
            return input
        case 3:
            var input = snapshot(account, at: time + 20_000)
            input.note += " from the future"
            return input
        case 4:
            var input = snapshot(account, at: time)
            input.key = "A-none"
            input.note += " with the key of another"
            return input
        default: return snapshot(account, at: time)
        }
    }

    private mutating func tombstone(_ account: Int) -> Plan.Input {
        Plan.Input(
            topic: .positions, key: name(account), value: nil, note: "tombstone",
            partitionKey: owner(account))
    }

    private func name(_ account: Int) -> String { "A-\(account)" }
    private func owner(_ account: Int) -> String { "O-\(account % Self.owners)" }

    /// Collateral in one or two assets against a debt that it covers by more or by less, so that
    /// every status is met.
    private mutating func snapshot(_ account: Int, at time: Int64) -> Plan.Input {
        sequences[account] += 1
        let bitcoins = 1 + below(40)
        let ether = below(3) == 0 ? below(200) : 0
        let value = bitcoins * 6_000 + ether * 300
        let debt = value * (30 + below(75)) / 100
        var balances = [
            #"{"asset":"BTC","quantity":"\#(bitcoins / 10).\#(bitcoins % 10)"}"#,
            #"{"asset":"USD","quantity":"-\#(debt)"}"#,
        ]
        if ether > 0 {
            balances.append(#"{"asset":"ETH","quantity":"\#(ether / 10).\#(ether % 10)"}"#)
        }
        let perpetual = """
            {"instrument":"BTC-PERP","kind":"perpetual","underlying":"BTC","contract":"linear",\
            "multiplier":"1","quantity":"\(below(2) == 0 ? "-" : "")0.\(1 + below(9))",\
            "entryPrice":"60000"}
            """
        let shown = jump?.shown(time) ?? time
        let time = Instant(nanoseconds: (start + shown) * 1_000_000)
        let text = """
            {"schema":"positions.v1","account":"\(name(account))","owner":"\(owner(account))",\
            "time":"\(time)","sequence":\(sequences[account]),\
            "balances":[\(balances.joined(separator: ","))],\
            "positions":[\(below(3) == 0 ? perpetual : "")]}
            """
        let input = Plan.Input(
            topic: .positions, key: name(account), value: Array(text.utf8),
            note: "snapshot \(sequences[account])", partitionKey: owner(account))
        last[account] = input
        return input
    }
}
