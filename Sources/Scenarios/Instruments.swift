import Haircuts
import Market
import Quantities
import RealModule

/// The derivatives a population trades; quantities are set by who takes one.
extension AccountMaker {
    func perpetual(on coin: OpeningMarket.Asset, _ contract: Position.Contract) -> Position {
        instrument(
            contract == .linear ? "\(coin.asset)-PERP" : "\(coin.asset)-PERP-INVERSE",
            .perpetual(contract, settlement: nil), on: coin,
            multiplier: contract == .linear ? .one : FixedDecimal(10), price: coin.price)
    }

    func future(on coin: OpeningMarket.Asset, _ expiry: OpeningMarket.Expiry) -> Position {
        instrument(
            "\(coin.asset)-\(expiry.expiry.listed)",
            .future(.linear, settlement: nil, expiry: expiry.expiry), on: coin,
            multiplier: .one, price: cents(expiry.forward))
    }

    func option(
        on coin: OpeningMarket.Asset, _ expiry: OpeningMarket.Expiry, _ place: Int,
        _ right: OptionRight
    ) -> Position {
        let strike = expiry.strikes[place]
        return instrument(
            "\(coin.asset)-\(expiry.expiry.listed)-\(strike)-\(right == .put ? "P" : "C")",
            .option(right, strike: strike, expiry: expiry.expiry), on: coin, multiplier: .one,
            price: .one)
    }

    private func instrument(
        _ name: String, _ terms: Position.Terms, on coin: OpeningMarket.Asset,
        multiplier: FixedDecimal, price: FixedDecimal
    ) -> Position {
        Position(
            instrument: Identifier(name) ?? .unnamed, terms: terms, underlying: coin.asset,
            multiplier: multiplier, quantity: .zero, entryPrice: price)
    }

    private func cents(_ value: Double) -> FixedDecimal {
        FixedDecimal(value, fractionDigits: 2, rounding: .toNearestOrEven) ?? .one
    }
}

extension Instant {
    /// The day as instruments name it: `31OCT25`.
    var listed: String {
        let months = [
            "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
        ]
        let text = description
        let month = Int(text.dropFirst(5).prefix(2)) ?? 1
        return "\(text.dropFirst(8).prefix(2))\(months[month - 1])\(text.dropFirst(2).prefix(2))"
    }
}

/// What one short put asks for, reckoned simply: its price and the worst move of its scan.
struct ShortPut {
    var forward: Double
    var strike: Double
    var years: Double
    var volatility: Double
    var scan: Double

    /// The put's price and MODEL §8's risk of it once the forward has fallen, in the valuation
    /// currency: a fall by the scan range with the volatility shifted up, and the charge on short
    /// options.
    func requirement(afterFall fall: Double) -> Double {
        let fallen = forward * (1 - fall)
        let shift = 1 + 0.5 * Double.pow(30 / 365 / max(years, 1 / 365), 0.3)
        let mark = price(fallen, volatility)
        let worst = max(price(fallen * (1 - scan), volatility * min(shift, 3)), mark)
        return worst + 0.005 * fallen
    }

    private func price(_ forward: Double, _ volatility: Double) -> Double {
        Black76(
            .put, forward: forward, strike: strike, years: years, volatility: volatility
        ).price
    }
}
