import Haircuts
import Margin
import Market
import Quantities

/// The last haircut table and the last surface of each asset, to tell new ones from repeated ones.
struct TableSequencing: Sendable {
    private struct Last {
        var sequence: Int64
        var time: Instant
    }

    private var haircuts: [Identifier: Last] = [:]
    private var surfaces: [Identifier: Last] = [:]

    mutating func haircuts(
        of asset: Identifier, sequence: Int64, time: Instant
    ) -> PriceSources.Arrival {
        Self.arrival(in: &haircuts, of: asset, sequence: sequence, time: time)
    }

    mutating func surface(
        of asset: Identifier, sequence: Int64, time: Instant
    ) -> PriceSources.Arrival {
        Self.arrival(in: &surfaces, of: asset, sequence: sequence, time: time)
    }

    private static func arrival(
        in all: inout [Identifier: Last], of asset: Identifier, sequence: Int64, time: Instant
    ) -> PriceSources.Arrival {
        guard let last = all[asset] else {
            all[asset] = Last(sequence: sequence, time: time)
            return .new
        }
        let arrival = Sequencing.arrival(
            sequence: sequence, time: time, lastSequence: last.sequence, lastTime: last.time)
        if arrival != .duplicate { all[asset] = Last(sequence: sequence, time: time) }
        return arrival
    }
}

/// When each haircut table passes its validity.
struct Lateness: Sendable {
    /// Tables that are valid still, in order of their names.
    private var valid: [(asset: Identifier, until: Instant)] = []
    private var earliest: Instant?

    mutating func update(_ asset: Identifier, validUntil: Instant) {
        if let index = valid.firstIndex(where: { $0.asset == asset }) {
            valid[index].until = validUntil
        } else {
            let index = valid.firstIndex { $0.asset > asset } ?? valid.count
            valid.insert((asset, validUntil), at: index)
        }
        earliest = valid.map(\.until).min()
    }

    /// The assets whose tables are past their validity at a time and were not before.
    mutating func expire(at time: Instant) -> [Identifier] {
        guard let earliest, time > earliest else { return [] }
        let expired = valid.filter { time > $0.until }.map(\.asset)
        valid.removeAll { time > $0.until }
        self.earliest = valid.map(\.until).min()
        return expired
    }
}

/// Assets without a haircut table that accounts hold, each reported once.
struct UnknownAssets: Sendable {
    private var reported: Set<Identifier> = []
    private var waiting: [Identifier] = []

    mutating func note(
        _ snapshot: AccountSnapshot, in tables: MarketTables, _ valuationCurrency: Identifier
    ) {
        for asset in snapshot.everyAsset(valuationCurrency: valuationCurrency)
        where tables[asset] == nil && reported.insert(asset).inserted {
            waiting.append(asset)
        }
    }

    mutating func take() -> [Identifier] {
        defer { waiting = [] }
        return waiting
    }
}
