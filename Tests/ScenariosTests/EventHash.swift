import Market
import Quantities
import Scenarios

/// A hash over everything in events, in order, the same in every run: FNV-1a over their numbers.
struct EventHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ event: ScenarioEvent) {
        switch event {
        case .quote(let quote): add(quote)
        case .surface(let surface): add(surface)
        }
    }

    private mutating func add(_ quote: Quote) {
        add(quote.asset.stableHash)
        add(quote.venue.stableHash)
        add(quote.kind == .book ? 1 : 2)
        add(UInt64(bitPattern: quote.time.nanoseconds))
        add(UInt64(bitPattern: quote.sequence))
        for side in [quote.bids, quote.asks] {
            add(UInt64(side.count))
            for level in side {
                add(level.price)
                add(level.size)
            }
        }
        add(quote.dailyVolume ?? .zero)
        add(quote.price)
    }

    private mutating func add(_ surface: Surface) {
        add(surface.asset.stableHash)
        add(UInt64(bitPattern: surface.time.nanoseconds))
        add(UInt64(bitPattern: surface.sequence))
        for expiry in surface.expiries {
            add(UInt64(bitPattern: expiry.expiry.nanoseconds))
            add(expiry.forward)
            guard case .grid(let strikes, let volatilities) = expiry.smile else { continue }
            for (strike, volatility) in zip(strikes, volatilities) {
                add(strike)
                add(volatility.bitPattern)
            }
        }
    }

    private mutating func add(_ decimal: FixedDecimal) {
        add(UInt64(truncatingIfNeeded: decimal.units))
        add(UInt64(truncatingIfNeeded: decimal.units >> 64))
    }

    private mutating func add(_ number: UInt64) {
        value = (value ^ number) &* 0x0000_0100_0000_01b3
    }
}
