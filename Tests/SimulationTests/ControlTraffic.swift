import Haircuts
import Quantities
import TestSupport

/// What people order, most of it as two of them may: control.v1 and withdrawals.
struct ControlTraffic {
    private var random: SplitMix64
    private let start: Int64
    /// Of the clocks of all who send.
    var jump: Plan.ClockJump?
    private var sequences: [String: Int] = [:]
    private var last: Plan.Input?

    /// - Parameter start: milliseconds since 1970 of the plan's time 0.
    init(seed: UInt64, start: Int64) {
        random = SplitMix64(seed: seed)
        self.start = start
    }

    private mutating func choose<Element>(_ elements: [Element]) -> Element {
        elements[Int(random.next() % UInt64(elements.count))]
    }

    /// A record sent at a time, milliseconds after the start.
    mutating func next(at time: Int64) -> Plan.Input {
        if let last, random.next() % 10 == 0 { return last }
        let asset = choose(["BTC", "ETH", "USDE", "*"])
        let action = choose(Control.Action.allCases)
        let key = "\(asset)|\(action)"
        if random.next() % 4 == 0 {
            return Plan.Input(topic: .controls, key: key, value: nil, note: "withdrawn")
        }
        sequences[key, default: 0] += 1
        let seconds = choose([5, 15, 40, 3_600, 43_200])
        let others = random.next() % 12 == 0 ? "alice" : "bob"
        let text = """
            {"schema":"control.v1","asset":"\(asset)","time":"\(instant(time))",\
            "sequence":\(sequences[key] ?? 0),"action":"\(action)",\(order(action))\
            "expires":"\(instant(time, after: Int64(seconds) * 1_000))","reason":"simulated",\
            "by":"alice","approvedBy":"\(others)"}
            """
        let input = Plan.Input(
            topic: .controls, key: key, value: Array(text.utf8),
            note: "control \(sequences[key] ?? 0), \(seconds) s")
        last = input
        return input
    }

    private mutating func order(_ action: Control.Action) -> String {
        switch action {
        case .freeze, .solvency: return ""
        case .override:
            let maintenance = Int(random.next() % 90)
            return #""initial":0.\#(maintenance + 10),"maintenance":0.\#(digits(maintenance)),"#
        case .parameters:
            let change = choose([
                #""floor":0.07"#, #""detectionSeconds":2400"#, #""initialBuffer":1.5"#,
                #""publishIntervalMilliseconds":300"#, #""stressVolatility":1.6"#,
            ])
            return #""parameters":{\#(change)},"#
        }
    }

    private func digits(_ percent: Int) -> String { percent < 10 ? "0\(percent)" : "\(percent)" }

    private func instant(_ time: Int64, after milliseconds: Int64 = 0) -> Instant {
        let shown = jump?.shown(time) ?? time
        return Instant(nanoseconds: (start + shown + milliseconds) * 1_000_000)
    }
}
