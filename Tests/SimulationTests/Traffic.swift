import Kafka
import Quantities
import TestSupport

/// Markets that send quotes and surfaces, most of them sound.
struct Traffic {
    private var random: SplitMix64
    private var assets: [Market]
    private let start: Int64
    /// Of the clocks of all who send.
    var jump: Plan.ClockJump?

    private struct Market {
        let name: String
        /// Of the house's book, in cents.
        var mid: Int
        var spread = 2
        /// Of one level, in hundredths of a unit.
        var size = 2_000
        var sequences = [0, 0]
        var surfaceSequence = 0
        var last: Plan.Input?
    }

    static let listed = ["BTC", "ETH", "USDE"]
    /// Whether sound surfaces come with the quotes, not only before them.
    var sendsSurfaces = true

    /// - Parameter start: milliseconds since 1970 of the plan's time 0.
    init(seed: UInt64, start: Int64) {
        random = SplitMix64(seed: seed)
        self.start = start
        assets = [
            Market(name: "BTC", mid: 6_000_000), Market(name: "ETH", mid: 300_000),
            Market(name: "USDE", mid: 100), Market(name: "DOGE", mid: 20),
        ]
    }

    private mutating func chance(_ percent: Int) -> Bool { Int(random.next() % 100) < percent }

    private mutating func choose<Element>(_ elements: [Element]) -> Element {
        elements[Int(random.next() % UInt64(elements.count))]
    }

    /// A record sent at a time, milliseconds after the start.
    mutating func next(at time: Int64) -> Plan.Input {
        let index = chance(4) ? assets.count - 1 : Int(random.next() % 3)
        let kind = random.next() % 100
        switch kind {
        case 0..<66: return book(index, at: time)
        case 66..<80: return price(index, at: time)
        case 80..<90 where sendsSurfaces: return surface(index, at: time)
        default: return oddity(index, at: time)
        }
    }

    /// A surface of every listed asset: what a plan begins with.
    mutating func opening() -> [Plan.Input] {
        Self.listed.indices.map { surface($0, at: 0) }
    }

    /// A price and a book of every listed asset: what ends a plan.
    mutating func closing(at time: Int64) -> [Plan.Input] {
        Self.listed.indices.flatMap { [price($0, at: time), book($0, at: time)] }
    }

    // MARK: Sound records

    private mutating func move(_ index: Int) {
        let mid = assets[index].mid
        let percent = chance(2) ? choose([-12, -5, 4, 9]) : 0
        let step = max(1, mid / 5_000)
        let drift = Int(random.next() % UInt64(2 * step + 1)) - step
        assets[index].mid = max(20, mid + drift + mid * percent / 100)
        if chance(10) { assets[index].spread = choose([2, 2, 2, 20, 200]) }
        if chance(10) { assets[index].size = choose([2_000, 2_000, 1_000, 300, 50]) }
    }

    private mutating func book(_ index: Int, at time: Int64) -> Plan.Input {
        move(index)
        assets[index].sequences[0] += 1
        let market = assets[index]
        let half = max(1, market.mid * market.spread / 100_000)
        let bids = (0..<4).map { level(market.mid - half * (1 + 20 * $0), market.size) }
        let asks = (0..<4).map { level(market.mid + half * (1 + 20 * $0), market.size) }
        let empty = chance(2)
        let text = """
            {"schema":"quote.v1","asset":"\(market.name)","venue":"house","kind":"book",\
            "time":"\(instant(time))","sequence":\(market.sequences[0]),\
            "bids":[\(empty ? "" : sound(bids))],"asks":[\(sound(asks))]}
            """
        return keep(index, .quotes, text, "book \(market.sequences[0])")
    }

    private func level(_ cents: Int, _ size: Int) -> String? {
        cents > 0 ? "[\"\(hundredths(cents))\",\"\(hundredths(size))\"]" : nil
    }

    private func sound(_ levels: [String?]) -> String {
        levels.compactMap { $0 }.joined(separator: ",")
    }

    private mutating func price(_ index: Int, at time: Int64) -> Plan.Input {
        assets[index].sequences[1] += 1
        let market = assets[index]
        let price = max(1, market.mid + choose([0, 0, 1, -1, market.mid / 50]))
        let text = """
            {"schema":"quote.v1","asset":"\(market.name)","venue":"index-a","kind":"index",\
            "time":"\(instant(time))","sequence":\(market.sequences[1]),\
            "price":"\(hundredths(price))"}
            """
        return keep(index, .quotes, text, "price \(market.sequences[1])")
    }

    private mutating func surface(_ index: Int, at time: Int64) -> Plan.Input {
        assets[index].surfaceSequence += 1
        let market = assets[index]
        let percent = 40 + Int(random.next() % 60)
        func expiry(_ days: Int64, _ more: Int) -> String {
            let strikes = [80, 100, 120].map { "\"\(hundredths(max(1, market.mid * $0 / 100)))\"" }
            let volatilities = [percent + more + 9, percent + more, percent + more + 3]
            return """
                {"expiry":"\(instant(days * 86_400_000))","forward":"\(hundredths(market.mid))",\
                "strikes":[\(strikes.joined(separator: ","))],\
                "volatilities":[\(volatilities.map { "\(hundredths($0))" }.joined(separator: ","))]}
                """
        }
        let near = expiry(7, 0)
        let far = expiry(40, time > 0 && chance(10) ? -percent / 2 - 20 : 2)
        let text = """
            {"schema":"iv-surface.v1","asset":"\(market.name)","time":"\(instant(time))",\
            "sequence":\(market.surfaceSequence),\
            "expiries":[\(near),\(far)]}
            """
        return keep(index, .surfaces, text, "surface \(market.surfaceSequence)")
    }

    private mutating func keep(
        _ index: Int, _ topic: TopicName, _ text: String, _ note: String
    ) -> Plan.Input {
        let input = Plan.Input(
            topic: topic, key: assets[index].name, value: Array(text.utf8), note: note)
        assets[index].last = input
        return input
    }

    // MARK: The others

    private mutating func oddity(_ index: Int, at time: Int64) -> Plan.Input {
        var input = book(index, at: time)
        switch random.next() % 8 {
        case 0:
            // The last record once more, and not only the last of this asset.
            input = assets[Int(random.next() % 3)].last ?? input
            input.note += " once more"
        case 1:
            input = book(index, at: time - 3_000 - Int64(random.next() % 90_000))
            input.note += " late"
        case 2:
            input = book(index, at: time + 6_000 + Int64(random.next() % 90_000))
            input.note += " from the future"
        case 3:
            input.value?.removeLast(Int(random.next() % 60) + 1)
            input.note += " cut off"
        case 4:
            input.value = (0..<Int(random.next() % 40)).map { _ in UInt8(random.next() & 0xff) }
            input.note = "noise"
        case 5:
            input.value = nil
            input.note = "tombstone"
            if chance(50) { input.topic = .surfaces }
        case 6:
            let key = choose(["BTC", "ETH", "XRP", "|"])
            input.key = input.key == key ? nil : key
            input.note += " with the key of another"
        default:
            input.value = Array(#"{"schema":"quote.v9","asset":"BTC"}"#.utf8)
            input.note = "unknown schema"
        }
        return input
    }

    private func instant(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: (start + (jump?.shown(milliseconds) ?? milliseconds)) * 1_000_000)
    }

    private func hundredths(_ value: Int) -> String {
        let cents = value.magnitude % 100
        return "\(value < 0 ? "-" : "")\(value.magnitude / 100).\(cents < 10 ? "0" : "")\(cents)"
    }
}
