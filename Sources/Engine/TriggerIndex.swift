import Haircuts
import Margin
import Quantities

/// Which accounts a move of an asset's market may carry over a line of their status.
///
/// Valuing an account gives its reach: the move of all its markets, as a fraction
/// (`MarketMark.move`), within which its status cannot change. Accounts of a short reach are near:
/// for each of their assets the index keeps how far that asset's market may travel, and only those
/// whose limit it has passed are valued again. All others are far, and safe until some market is
/// farther than the horizon from where it was at the last sweep over all accounts; then there is
/// another sweep. So a small move costs what is near, and a large one a sweep.
struct TriggerIndex: Sendable {
    /// Reaches below this are near.
    private(set) var horizon = 0.01
    /// The horizon from the next sweep on: far accounts have been told by the one of now.
    private var nextHorizon = 0.01
    private static let horizons = 0.0005...0.04
    /// Whether all accounts have to be valued.
    private(set) var needsSweep = true
    /// Sweeps since the shard began.
    private(set) var sweeps = 0

    // By asset number
    private var base: [MarketMark] = []
    private var current: [MarketMark] = []
    /// The sum of all moves since the beginning.
    private var travels: [Double] = []
    /// How far each market may travel before an account is to be valued, and which account.
    private var limits: [[Double]] = []
    private var holders: [[Int32]] = []

    // By near number
    private var starts: [Int32] = []
    /// Indexes into `limits` of the assets of the account's row; −1 of assets without a market:
    /// there is a sweep when one gets it, and the valuation currency never does.
    private var positions: [Int32] = []
    private var listed = 0
    private var listedBySweep = 0

    /// The reach of an account that has to be valued whenever anything moves.
    static let always = -1.0

    mutating func append() {
        base.append(MarketMark())
        current.append(MarketMark())
        travels.append(0)
        limits.append([])
        holders.append([])
    }

    /// An asset's market has changed.
    mutating func marketChanged(_ asset: Int32, to mark: MarketMark) {
        let index = Int(asset)
        let step = current[index].move(to: mark)
        current[index] = mark
        if step.isFinite { travels[index] += step } else { needsSweep = true }
        if base[index].move(to: mark) > horizon { needsSweep = true }
    }

    /// Adds the accounts whose limit an asset's market has passed.
    func collect(_ asset: Int32, into accounts: inout [Int32]) {
        let travel = travels[Int(asset)]
        limits[Int(asset)].withUnsafeBufferPointer { limits in
            holders[Int(asset)].withUnsafeBufferPointer { holders in
                for index in limits.indices where travel > limits[index] {
                    accounts.append(holders[index])
                }
            }
        }
    }

    /// Begins a sweep: what was known of reaches is forgotten.
    mutating func beginSweep() {
        for asset in limits.indices {
            limits[asset].removeAll(keepingCapacity: true)
            holders[asset].removeAll(keepingCapacity: true)
        }
        base = current
        horizon = nextHorizon
        starts.removeAll(keepingCapacity: true)
        positions.removeAll(keepingCapacity: true)
        listed = 0
        needsSweep = false
        sweeps += 1
    }

    /// Ends a sweep, and widens or narrows the horizon of the next so that about a tenth of what
    /// may be far
    /// is near.
    ///
    /// - Parameters:
    ///   - near: accounts that had a reach below the horizon.
    ///   - count: accounts that have a reach.
    mutating func endSweep(near: Int, of count: Int) {
        listedBySweep = listed
        if near * 8 > count {
            nextHorizon = max(Self.horizons.lowerBound, horizon / 2)
        } else if near * 32 < count {
            nextHorizon = min(Self.horizons.upperBound, horizon * 2)
        }
    }

    /// Whether an account of this reach has to be listed.
    ///
    /// - Parameter isSweeping: markets are where the sweep has them; else they may be a horizon
    ///   away already.
    @inline(__always)
    func isNear(_ reach: Double, isSweeping: Bool) -> Bool {
        reach < (isSweeping ? 1 : 2.5) * horizon
    }

    /// Lists an account that is near.
    ///
    /// - Returns: its near number.
    mutating func list(_ account: Int32, assets: ArraySlice<Int32>, reach: Double)
        -> Int32
    {
        starts.append(Int32(positions.count))
        for asset in assets {
            guard current[Int(asset)].isKnown else {
                positions.append(-1)
                continue
            }
            positions.append(Int32(limits[Int(asset)].count))
            limits[Int(asset)].append(limit(of: Int(asset), reach: reach))
            holders[Int(asset)].append(account)
        }
        listed += 1
        if listed > 2 * listedBySweep + 1_024 { needsSweep = true }
        return Int32(starts.count - 1)
    }

    /// Sets the reach of an account that is listed.
    mutating func update(
        _ near: Int32, assets: ArraySlice<Int32>, reach: Double
    ) {
        var position = Int(starts[Int(near)])
        for asset in assets {
            let place = Int(positions[position])
            position += 1
            if place >= 0 { limits[Int(asset)][place] = limit(of: Int(asset), reach: reach) }
        }
    }

    /// An account that is no more, or a row that is no more: nothing concerns it.
    mutating func forget(_ near: Int32, assets: ArraySlice<Int32>) {
        if near >= 0 { update(near, assets: assets, reach: .infinity) }
    }

    private func limit(of asset: Int, reach: Double) -> Double {
        if reach < 0 { return -.infinity }
        return reach < 2.5 * horizon ? travels[asset] + reach : .infinity
    }
}
