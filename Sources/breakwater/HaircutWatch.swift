import Foundation
import Haircuts
import Kafka
import Market
import Messages
import Operations
import Quantities

/// A consumer of the haircut tables, as a margin service would be one, that shows them as lines.
final class HaircutWatch {
    /// One table read, as far as it is shown.
    struct Reading {
        var asset: String
        var time: Instant
        var mid: Double
        /// Of a holding worth a million, in all, 0…1.
        var initial: Double
        var maintenance: Double
    }

    private let reader: BusReader
    private var decoder = HaircutDecoder()
    private var surfaceDecoder = SurfaceDecoder()
    private var surface = Surface.blank
    private var table = HaircutTable.blank
    private let haircuts: String
    private var latest: [Identifier: HaircutTable] = [:]
    private var implied: [Identifier: Double] = [:]
    /// Tables read since the start.
    private(set) var tables = 0

    /// - Parameters:
    ///   - isWhole: whether all tables are read, or the newest.
    ///   - end: until when brokers that cannot be reached are waited for.
    init(_ settings: Settings, isWhole: Bool, until end: ContinuousClock.Instant) throws {
        haircuts = settings.topics.haircuts
        reader = try BusReader(settings, as: "watch")
        let topics = [haircuts, settings.topics.ivSurfaces]
        try reader.begin(
            whole: isWhole ? topics : [], recent: isWhole ? [] : topics, until: end)
    }

    /// Whether all that was there at the start has been read.
    var hasReachedEnds: Bool { reader.hasReachedEnds }

    /// Takes what has come in.
    func read(_ use: (Reading) -> Void = { _ in }) throws(KafkaError) {
        try reader.read { take($0, topic: $1, use) }
    }

    private func take(_ record: Record, topic: String, _ use: (Reading) -> Void) {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        let value = record.value ?? nothing
        let key = record.key ?? nothing
        do throws(Refusal) {
            guard topic == haircuts else {
                try surfaceDecoder.decode(value, key: key, recordTimestamp: nil, into: &surface)
                implied[surface.asset] = surface.atTheMoney
                return
            }
            try decoder.decode(value, key: key, recordTimestamp: nil, into: &table)
        } catch {
            return
        }
        tables += 1
        latest[table.asset] = table
        use(
            Reading(
                asset: "\(table.asset)", time: table.time, mid: table.mid.double,
                initial: table.haircut(ofHolding: 1e6, \.initial),
                maintenance: table.haircut(ofHolding: 1e6, \.maintenance)))
    }

    /// A table for people: one line an asset, below its head.
    ///
    /// - Parameter assets: those shown; none: all.
    func lines(of assets: Set<String> = []) -> [String] {
        var lines = [
            Self.line(
                "asset", "price", "IV", "depth 2 %", "initial", "maint.", "gap", "branching",
                "state", "bound by")
        ]
        for table in latest.values.sorted(by: { $0.asset < $1.asset })
        where assets.isEmpty || assets.contains("\(table.asset)") {
            let bounds = Bounds.names.filter { table.boundBy.contains($0.bound) }
            lines.append(
                Self.line(
                    "\(table.asset)", price(table.mid.double),
                    implied[table.asset].map { fixed($0 * 100, 1) + " %" } ?? "–",
                    fixed(table.components.depth.double / 1e6, 1) + " M",
                    percent(table.haircut(ofHolding: 1e6, \.initial)),
                    percent(table.haircut(ofHolding: 1e6, \.maintenance)),
                    percent(table.gap.maintenance), fixed(table.branchingRatio, 2),
                    table.state.rawValue,
                    bounds.map { "\($0.name)" }.joined(separator: ", ")))
        }
        lines.append(
            "(haircuts of a holding worth 1 M; gap: of maintenance to the model's target; "
                + "branching: fall that forced selling adds, per fall)")
        return lines
    }

    private static func line(
        _ asset: String, _ price: String, _ volatility: String, _ depth: String,
        _ initial: String, _ maintenance: String, _ gap: String, _ branching: String,
        _ state: String, _ bounds: String
    ) -> String {
        let numbers = [
            price.right(12), volatility.right(8), depth.right(12), initial.right(10),
            maintenance.right(9), gap.right(9), branching.right(11),
        ]
        return asset.left(7) + numbers.joined() + "  " + state.left(10) + bounds
    }
}

func percent(_ share: Double) -> String { fixed(share * 100, 2) + " %" }

/// With four decimals below 10, where they count, and two above.
func price(_ value: Double) -> String { fixed(value, value < 10 ? 4 : 2) }

extension HaircutTable {
    /// The haircut, in all, of a holding worth `value`: its parts through the tiers.
    func haircut(ofHolding value: Double, _ side: KeyPath<HaircutTier, Ratio>) -> Double {
        var loss = 0.0
        for tier in tiers {
            let from = tier.from.double
            let to = min(tier.to?.double ?? .infinity, value)
            if to > from { loss += (to - from) * tier[keyPath: side].double }
        }
        return loss / value
    }
}

extension Surface {
    /// The volatility nearest the forward of the last expiry; nil for one without strikes.
    var atTheMoney: Double? {
        guard let last = expiries.last, case .grid(let strikes, let volatilities) = last.smile
        else { return nil }
        let forward = last.forward.double
        return zip(strikes, volatilities)
            .min { abs($0.0.double - forward) < abs($1.0.double - forward) }?.1
    }
}
