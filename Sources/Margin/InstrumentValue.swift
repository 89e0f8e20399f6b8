import Haircuts
import Market
import Quantities
import RealModule

/// What one contract is worth and risks in one market: flat numbers, to be multiplied by the
/// quantities of many accounts.
public struct InstrumentValue: Hashable, Sendable {
    /// A position's mark is `quantity·level − entryAmount`: in the valuation currency for linear
    /// contracts and options, in coins for inverse ones.
    public var level: Double
    /// Value of the underlying that a long contract moves like, in the valuation currency.
    public var delta: Double
    /// Gain of a long contract per fraction that the price rises, of perpetuals and futures; 0 of
    /// options, whose gains are in the risk array alone.
    public var slope: Double
    /// Added to the risk for each contract short; ≥ 0.
    public var shortCharge: Double
    /// Value of the underlying of one contract, in the valuation currency; ≥ 0.
    public var notional: Double
    /// What whoever holds it has to be told.
    public var reasons: MarginReasons

    /// Whether nothing is known of the underlying: the risk is the whole notional.
    public var isUnknown: Bool { reasons.contains(.unknownUnderlying) }
    /// Whether the price is final: nothing is at risk any more.
    public var isSettled: Bool { reasons.contains(.expired) }
}

/// Values derivatives: marks, deltas and risk arrays, once per instrument and market.
///
/// - Source: MODEL §8; Black (1976) for options; SPAN for the scenarios.
public struct InstrumentModel: Hashable, Sendable {
    public let parameters: MarginParameters

    public init(parameters: MarginParameters) {
        self.parameters = parameters
    }

    /// The value of one contract and its risk array.
    ///
    /// - Parameters:
    ///   - market: of the underlying; nil: no haircut table has come.
    ///   - array: the risk array is appended, `ScanScenarios.count` numbers a rung of the market's
    ///     ladder, lowest rung first: the gain of a long contract in each scenario, in the
    ///     valuation currency. Nothing where the underlying is unknown.
    public func value(
        of instrument: Instrument, in market: AssetMarket?, appendingTo array: inout [Double]
    ) -> InstrumentValue {
        let (value, formula) = value(of: instrument, in: market)
        guard let market else { return value }
        for rung in 0..<market.haircuts.scan.count {
            let gains = formula.gains(at: rung, of: market.haircuts.scan)
            for scenario in 0..<ScanScenarios.count { array.append(gains[scenario]) }
        }
        return value
    }

    /// The value of one contract, and from what its risk array follows.
    func value(
        of instrument: Instrument, in market: AssetMarket?
    ) -> (InstrumentValue, RiskFormula) {
        // Without a price the mark is left out and the risk is everything: the notional at entry,
        // which is the account's (`Position.entryNotional`).
        guard let market else {
            let value = InstrumentValue(
                level: 0, delta: 0, slope: 0, shortCharge: 0, notional: 0,
                reasons: .unknownUnderlying)
            return (value, .nothing)
        }
        let multiplier = instrument.multiplier.double
        if let expiry = instrument.terms.expiry, let price = market.settlement(expiry: expiry) {
            return (settled(instrument, at: price, multiplier: multiplier), .nothing)
        }
        switch instrument.terms {
        case .perpetual(let contract, _):
            return linear(
                contract, multiplier: multiplier, price: market.prices.reference, in: market)
        case .future(let contract, _, let expiry):
            return linear(
                contract, multiplier: multiplier, price: market.forward(expiry: expiry),
                in: market)
        case .option(let right, let strike, let expiry):
            return option(
                right, strike: strike, expiry: expiry, multiplier: multiplier, in: market)
        }
    }

    private func settled(
        _ instrument: Instrument, at price: Double, multiplier: Double
    ) -> InstrumentValue {
        let level: Double
        switch instrument.terms {
        case .perpetual(.linear, _), .future(.linear, _, _): level = multiplier * price
        case .perpetual(.inverse, _), .future(.inverse, _, _): level = -multiplier / price
        case .option(.call, let strike, _): level = multiplier * max(0, price - strike.double)
        case .option(.put, let strike, _): level = multiplier * max(0, strike.double - price)
        }
        return InstrumentValue(
            level: level, delta: 0, slope: 0, shortCharge: 0, notional: 0, reasons: .expired)
    }

    private func linear(
        _ contract: Position.Contract, multiplier: Double, price: Double, in market: AssetMarket
    ) -> (InstrumentValue, RiskFormula) {
        let reference = market.prices.reference
        let level: Double
        let slope: Double
        let notional: Double
        switch contract {
        case .linear:
            level = multiplier * price
            slope = multiplier * price
            notional = multiplier * reference
        case .inverse:
            // Coins gained from P to P(1 + x), worth R(1 + x) each: mult·(1/P − 1/P')·R(1 + x).
            level = -multiplier / price
            slope = multiplier * reference / price
            notional = multiplier
        }
        let value = InstrumentValue(
            level: level, delta: notional, slope: slope, shortCharge: 0, notional: notional,
            reasons: [])
        return (value, .linear(slope: slope, extremeShare: parameters.extremeShare))
    }

    private func option(
        _ right: OptionRight, strike: FixedDecimal, expiry: Instant, multiplier: Double,
        in market: AssetMarket
    ) -> (InstrumentValue, RiskFormula) {
        let years = expiry.seconds(since: market.prices.time) / (365 * 86_400)
        let (volatility, isStress) = market.volatility(strike: strike, expiry: expiry)
        let option = Black76(
            right == .call ? .call : .put, forward: market.forward(expiry: expiry),
            strike: strike.double, years: years, volatility: volatility)
        let price = option.price
        let notional = multiplier * market.prices.reference
        let (up, down) = volatilityFactors(years: years)
        let formula = OptionFormula(
            option: option, price: price, multiplier: multiplier,
            logMoneyness: Double.log(option.forward / option.strike),
            deviation: volatility * years.squareRoot(), up: up, down: down,
            extremeShare: parameters.extremeShare)
        let value = InstrumentValue(
            level: multiplier * price, delta: option.delta * notional, slope: 0,
            shortCharge: parameters.shortOptionCharge * notional, notional: notional,
            reasons: isStress ? .stressVolatility : [])
        return (value, .option(formula))
    }

    /// What volatilities are multiplied by when they rise and when they fall.
    ///
    /// - Parameter years: to the expiry; below a day counts as a day.
    public func volatilityFactors(years: Double) -> (up: Double, down: Double) {
        let ratio = 30 / max(1, years * 365)
        let shift = Double.pow(ratio, parameters.volatilityExponent)
        return (
            min(3, max(0.25, 1 + parameters.volatilityUp * shift)),
            min(3, max(0.25, 1 - parameters.volatilityDown * shift))
        )
    }
}

/// From what the risk array of one contract follows, rung by rung.
enum RiskFormula: Sendable {
    /// Settled, or unknown.
    case nothing
    case linear(slope: Double, extremeShare: Double)
    case option(OptionFormula)

    /// The gain of a long contract in each scenario at one rung.
    func gains(at rung: Int, of ladder: ScanLadder) -> SIMD16<Double> {
        switch self {
        case .nothing:
            return .zero
        case .linear(let slope, let share):
            var gains = SIMD16<Double>()
            let start = rung * ScanScenarios.count
            for scenario in 0..<ScanScenarios.count {
                gains[scenario] = slope * (ladder.factors[start + scenario] - 1)
            }
            gains[14] *= share
            gains[15] *= share
            return gains
        case .option(let formula):
            return formula.gains(at: rung, of: ladder)
        }
    }
}

/// An option with all that its sixteen prices have in common.
struct OptionFormula: Sendable {
    var option: Black76
    var price: Double
    var multiplier: Double
    /// `ln(F/K)`.
    var logMoneyness: Double
    /// Volatility times the root of the years.
    var deviation: Double
    /// Multipliers of volatility.
    var up: Double
    var down: Double
    var extremeShare: Double

    func gains(at rung: Int, of ladder: ScanLadder) -> SIMD16<Double> {
        var gains = SIMD16<Double>()
        let shifted = SIMD4(up, down, up, down) * deviation
        let last = SIMD4(up, down, 1, 1) * deviation
        for block in 0..<4 {
            let start = rung * ScanScenarios.count + block * 4
            var factors = SIMD4<Double>()
            var logs = SIMD4<Double>()
            for lane in 0..<4 {
                factors[lane] = ladder.factors[start + lane]
                logs[lane] = ladder.logFactors[start + lane]
            }
            let prices = Black76.prices(
                option.right, strike: option.strike, forwards: factors * option.forward,
                logMoneyness: logs + logMoneyness, deviations: block < 3 ? shifted : last)
            for lane in 0..<4 { gains[block * 4 + lane] = (prices[lane] - price) * multiplier }
        }
        gains[14] *= extremeShare
        gains[15] *= extremeShare
        return gains
    }
}

extension Position {
    /// The value of the underlying at entry (of an option, at its strike), in the valuation
    /// currency: the risk where the underlying is unknown.
    public var entryNotional: Double {
        let size = abs(quantity.double) * multiplier.double
        switch terms {
        case .perpetual(.linear, _), .future(.linear, _, _): return size * entryPrice.double
        case .perpetual(.inverse, _), .future(.inverse, _, _): return size
        case .option(_, let strike, _): return size * strike.double
        }
    }
}
