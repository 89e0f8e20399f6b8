import Market
import Quantities
import RealModule

/// A surface the gate has passed, with the logarithms and squares taken once.
public struct PreparedSurface: Sendable {
    struct Expiry: Sendable {
        var expiry: Instant
        var forward: Double
        var smile: Smile
    }

    enum Smile: Sendable {
        /// A range of `logStrikes` and `squares`, and the squared volatility at the forward.
        case grid(start: Int, end: Int, atForward: Double)
        case svi(Surface.SVI)
    }

    private(set) var expiries: [Expiry] = []
    /// `ln(K/F)` of all grids, one after the other.
    private var logStrikes: [Double] = []
    /// Squared volatilities, one a strike.
    private var squares: [Double] = []

    /// - Parameter surface: one that `SurfaceGate.check` passed.
    public init(_ surface: Surface) {
        update(surface)
    }

    /// Takes another surface in, in the storage of the last.
    public mutating func update(_ surface: Surface) {
        expiries.removeAll(keepingCapacity: true)
        logStrikes.removeAll(keepingCapacity: true)
        squares.removeAll(keepingCapacity: true)
        for expiry in surface.expiries {
            let forward = expiry.forward.double
            let smile: Smile
            switch expiry.smile {
            case .svi(let svi):
                smile = .svi(svi)
            case .grid(let strikes, let volatilities):
                let start = squares.count
                for strike in strikes {
                    logStrikes.append(logMoneyness(strike, forward: forward))
                }
                for volatility in volatilities { squares.append(volatility * volatility) }
                smile = .grid(
                    start: start, end: squares.count,
                    atForward: square(at: 0, start: start, end: squares.count))
            }
            expiries.append(Expiry(expiry: expiry.expiry, forward: forward, smile: smile))
        }
    }

    /// The squared volatility of one grid at a log-moneyness, flat beyond the ends.
    private func square(at k: Double, start: Int, end: Int) -> Double {
        var low = start
        var high = end
        while low < high {
            let middle = (low + high) / 2
            if logStrikes[middle] < k { low = middle + 1 } else { high = middle }
        }
        if low == start { return squares[start] }
        if low == end { return squares[end - 1] }
        return interpolated(
            at: k, from: (logStrikes[low - 1], squares[low - 1]),
            to: (logStrikes[low], squares[low]))
    }

    /// Total variance of one expiry at a log-moneyness, τ years ahead.
    private func totalVariance(of expiry: Expiry, at k: Double, years: Double) -> Double {
        switch expiry.smile {
        case .svi(let svi): svi.totalVariance(at: k)
        case .grid(let start, let end, _): years * square(at: k, start: start, end: end)
        }
    }

    /// The variance of one slice: that at the forward, or at the put wing if that is higher.
    ///
    /// - Returns: `W = τ·max(σ_atm, σ_wing)²`, before the running maximum (MODEL §2).
    func sliceVariance(of expiry: Expiry, years: Double, wingDeviations: Double) -> Double {
        let atForward =
            switch expiry.smile {
            case .svi(let svi): svi.totalVariance(at: 0)
            case .grid(_, _, let square): square * years
            }
        let wing = totalVariance(
            of: expiry, at: -wingDeviations * max(0, atForward).squareRoot(), years: years)
        return max(atForward, wing)
    }

    /// The volatility an option is priced with, by strike: between expiries linear in total
    /// variance at the same log-moneyness, before the first flat volatility, after the last flat
    /// forward variance.
    ///
    /// - Parameters:
    ///   - strike: in the valuation currency, > 0.
    ///   - expiry: of the option.
    ///   - time: shard time; expiries of the surface at or before it no longer count.
    /// - Returns: annualised, > 0; nil where the option or all of the surface has expired.
    public func impliedVolatility(
        strike: FixedDecimal, expiry: Instant, at time: Instant
    ) -> Double? {
        guard strike > .zero, let forward = forward(expiry: expiry, at: time) else { return nil }
        let years = expiry.years(since: time)
        let k = logMoneyness(strike, forward: forward)
        func variance(_ index: Int) -> (x: Double, y: Double) {
            let slice = expiries[index]
            let ahead = slice.expiry.years(since: time)
            return (ahead, totalVariance(of: slice, at: k, years: ahead))
        }
        let live = firstLive(at: time)
        let after = expiries[live...].firstIndex { $0.expiry >= expiry } ?? expiries.count
        let total: Double
        if after == live {
            let first = variance(after)
            total = first.y * years / first.x
        } else if after < expiries.count {
            total = interpolated(at: years, from: variance(after - 1), to: variance(after))
        } else {
            let last = variance(after - 1)
            let before = after - 1 > live ? variance(after - 2) : (x: 0, y: 0)
            total = last.y + (years - last.x) * max(0, (last.y - before.y) / (last.x - before.x))
        }
        let volatility = (total / years).squareRoot()
        return volatility > 0 && volatility.isFinite ? volatility : nil
    }

    /// The price for delivery at an expiry: linear in time between those of the surface, that of
    /// the nearest beyond them.
    ///
    /// - Returns: in the valuation currency, > 0; nil where it, or all of the surface, has expired.
    public func forward(expiry: Instant, at time: Instant) -> Double? {
        let live = firstLive(at: time)
        guard expiry > time, live < expiries.count else { return nil }
        guard let after = expiries[live...].firstIndex(where: { $0.expiry >= expiry }) else {
            return expiries[expiries.count - 1].forward
        }
        if after == live { return expiries[after].forward }
        let (left, right) = (expiries[after - 1], expiries[after])
        return interpolated(
            at: expiry.seconds(since: left.expiry), from: (0, left.forward),
            to: (right.expiry.seconds(since: left.expiry), right.forward))
    }

    /// Index of the first expiry ahead; the number of expiries when there is none.
    private func firstLive(at time: Instant) -> Int {
        expiries.firstIndex { $0.expiry > time } ?? expiries.count
    }
}
