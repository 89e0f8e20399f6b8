import Engine
import Haircuts
import Margin
import Market
import Quantities
import TestSupport

/// What a margin shard published, in order.
struct MarginOutputs: MarginSink {
    struct Output: Equatable {
        var requirement: MarginRequirement
        var alert: LiquidationAlert?
    }

    var outputs: [Output] = []
    var exposures: [Exposure] = []

    mutating func publish(_ requirement: borrowing MarginRequirement, alert: LiquidationAlert?) {
        outputs.append(Output(requirement: copy requirement, alert: alert))
    }

    mutating func publish(_ exposure: borrowing Exposure) { exposures.append(copy exposure) }

    var alerts: [LiquidationAlert] { outputs.compactMap(\.alert) }

    /// Takes what was published out.
    mutating func take() -> [Output] {
        defer { outputs = [] }
        return outputs
    }
}

/// An event of a margin shard.
enum MarginEvent {
    case positions(AccountSnapshot)
    case close(Identifier)
    case haircuts(HaircutTable)
    case surface(Surface)
    case timer(Instant)
    case refresh(Int)
}

/// A small seeded market with accounts: random events of every kind a margin shard is given.
struct MarginWorld {
    static let valuation = name("USD")
    static let assets = ["AAA", "BTC", "ETH"].map(name)

    private(set) var random: SplitMix64
    private(set) var now = Instant(nanoseconds: 1_790_000_000_000_000_000)
    private let accounts: [Identifier]
    private var prices: [Double]
    private var maintenance: [Double]
    private var sequences: [Int64]
    private var surfaceSequences: [Int64]
    private var positionSequences: [Int64]
    /// Whether accounts hold no derivatives.
    let isSimple: Bool
    /// The first of the accounts, which mostly have one owner.
    let sharing: Int

    init(seed: UInt64, accounts count: Int, isSimple: Bool, sharing: Int) {
        random = SplitMix64(seed: seed)
        accounts = (0..<count).map { Self.name("account-\($0)") }
        prices = Self.assets.indices.map { [10, 60_000, 3_000][$0] }
        maintenance = Self.assets.map { _ in 0.05 }
        sequences = Self.assets.map { _ in 0 }
        surfaceSequences = Self.assets.map { _ in 0 }
        positionSequences = accounts.map { _ in 0 }
        self.isSimple = isSimple
        self.sharing = sharing
    }

    /// A name that is known to be one.
    static func name(_ text: String) -> Identifier { Identifier(text) ?? .unnamed }

    static func decimal(_ value: Double, digits: Int = 8) -> FixedDecimal {
        FixedDecimal(value, fractionDigits: digits, rounding: .toNearestOrEven) ?? .zero
    }

    private mutating func chance(_ probability: Double) -> Bool {
        random.double(in: 0...1) < probability
    }

    private mutating func pick(_ count: Int) -> Int {
        min(count - 1, Int(random.double(in: 0...Double(count))))
    }

    /// A table and, but for the simple, a surface of every asset.
    mutating func opening() -> [MarginEvent] {
        Self.assets.indices.map { .haircuts(table(of: $0)) }
            + (isSimple ? [] : [.surface(surface(of: 1))])
    }

    mutating func next() -> MarginEvent {
        now = now.advanced(
            byNanoseconds: Int64(random.logarithmic(in: 1e6...(chance(0.01) ? 4e10 : 5e8))))
        switch random.double(in: 0...1) {
        case ..<0.62:
            let asset = pick(Self.assets.count)
            let size = chance(0.05) ? 0.08 : 0.004
            prices[asset] *= 1 + random.double(in: -size...size)
            if chance(0.15) {
                maintenance[asset] = min(
                    0.4, max(0.005, maintenance[asset] + random.double(in: -0.01...0.011)))
            }
            return .haircuts(table(of: asset))
        case ..<0.70 where !isSimple:
            return .surface(surface(of: 1 + pick(2)))
        case ..<0.86:
            return .positions(snapshot(of: pick(accounts.count)))
        case ..<0.87:
            return .close(accounts[pick(accounts.count)])
        case ..<0.94:
            return .timer(now)
        default:
            return .refresh(pick(4))
        }
    }

    // Markets

    mutating func table(of asset: Int) -> HaircutTable {
        sequences[asset] += 1
        let price = prices[asset]
        var table = HaircutTable.blank
        table.asset = Self.assets[asset]
        table.time = now
        table.sequence = sequences[asset]
        table.reference = Self.decimal(price, digits: 4)
        table.price = Self.decimal(price * random.double(in: 0.999...1), digits: 4)
        table.debtPrice = Self.decimal(price * random.double(in: 1...1.001), digits: 4)
        table.mid = table.price
        table.tiers = tiers(maintenance[asset])
        table.validUntil = now.advanced(bySeconds: 30)
        table.fallback = 0.3
        table.scan = [
            ScanRange(notional: FixedDecimal(100_000), down: 0.1, up: 0.1 / 0.9),
            ScanRange(notional: FixedDecimal(1_000_000), down: 0.15, up: 0.15 / 0.85),
            ScanRange(notional: FixedDecimal(10_000_000), down: 0.3, up: 0.3 / 0.7),
        ]
        table.stressVolatility = 1.2
        table.components.depth = FixedDecimal(chance(0.02) ? 0 : 2_000_000)
        table.impact = Impact(
            halfSpread: 0.0005, dailyDeviation: 0.04, volume: FixedDecimal(50_000_000))
        return table
    }

    private func tiers(_ maintenance: Double) -> [HaircutTier] {
        let bounds = [0, 100_000, 1_000_000, 10_000_000]
        return bounds.indices.map { index in
            let haircut = min(0.95, maintenance * (1 + 0.5 * Double(index)))
            let last = index == bounds.count - 1
            return HaircutTier(
                from: FixedDecimal(bounds[index]),
                to: last ? nil : FixedDecimal(bounds[index + 1]),
                initial: last
                    ? .one : Ratio(millionths: Int32((min(1, haircut * 1.4) * 1e6).rounded())),
                maintenance: last ? .one : Ratio(millionths: Int32((haircut * 1e6).rounded())))
        }
    }

    mutating func surface(of asset: Int) -> Surface {
        surfaceSequences[asset] += 1
        let level = random.double(in: 0.4...0.9)
        let price = prices[asset]
        let expiries = [7, 30, 90].map { days in
            Surface.Expiry(
                expiry: Self.expiry(days: days),
                forward: Self.decimal(price * (1 + 0.0003 * Double(days)), digits: 4),
                smile: .grid(
                    strikes: [0.5, 0.8, 1, 1.2, 2].map { Self.decimal(price * $0, digits: 2) },
                    volatilities: [1.3, 1.1, 1, 1.02, 1.15].map { level * $0 }))
        }
        return Surface(
            asset: Self.assets[asset], time: now, sequence: surfaceSequences[asset],
            expiries: expiries)
    }

    /// Days after the world begins.
    static func expiry(days: Int) -> Instant {
        Instant(nanoseconds: 1_790_000_000_000_000_000).advanced(bySeconds: Int64(days) * 86_400)
    }

    // Accounts

    mutating func snapshot(of account: Int) -> AccountSnapshot {
        positionSequences[account] += chance(0.03) ? 0 : 1
        let name = accounts[account]
        let isShared = account < sharing && !chance(0.1)
        var snapshot = AccountSnapshot(
            account: name, owner: isShared ? Self.name("owner") : name, time: now,
            sequence: positionSequences[account])
        let worth = random.logarithmic(in: 1_000...3_000_000)
        for asset in Self.assets.indices where chance(0.6) {
            let value = worth * random.double(in: 0.1...1)
            snapshot.balances.append(
                Balance(asset: Self.assets[asset], quantity: Self.decimal(value / prices[asset])))
        }
        if chance(0.8) {
            let held = snapshot.balances.reduce(0.0) {
                $0 + $1.quantity.double * prices[Self.assets.firstIndex(of: $1.asset) ?? 0]
            }
            let debt = held * random.double(in: chance(0.3) ? 0.85...0.97 : 0.2...0.97)
            snapshot.balances.append(
                Balance(asset: Self.valuation, quantity: -Self.decimal(debt, digits: 2)))
        }
        if chance(0.02) {
            snapshot.balances.append(
                Balance(asset: Self.name("UNKNOWN"), quantity: chance(0.5) ? .one : -.one))
        }
        if !isSimple { addPositions(to: &snapshot, worth: worth) }
        return snapshot
    }

    private mutating func addPositions(to snapshot: inout AccountSnapshot, worth: Double) {
        for underlying in 1...2 where chance(0.4) {
            let price = prices[underlying]
            let size = worth * random.double(in: -1...1) / price
            let asset = Self.assets[underlying]
            if chance(0.4) {
                // Settled in another asset, its mark moves what accounts without the underlying
                // are haircut together with.
                let settlement = chance(0.5) ? Self.assets[0] : nil
                snapshot.positions.append(
                    Position(
                        instrument: Self.name("\(asset)-PERP\(settlement.map { "-\($0)" } ?? "")"),
                        terms: .perpetual(.linear, settlement: settlement), underlying: asset,
                        multiplier: .one, quantity: Self.decimal(size, digits: 4),
                        entryPrice: Self.decimal(price * random.double(in: 0.9...1.1), digits: 2)))
            }
            if chance(0.3) {
                snapshot.positions.append(
                    Position(
                        instrument: Self.name("\(asset)-30D"),
                        terms: .future(
                            .inverse, settlement: nil, expiry: Self.expiry(days: 30)),
                        underlying: asset, multiplier: FixedDecimal(10),
                        quantity: Self.decimal((size * price / 10).rounded(), digits: 0),
                        entryPrice: Self.decimal(price * random.double(in: 0.9...1.1), digits: 2)))
            }
            if chance(0.3) {
                let strike = price * random.double(in: 0.7...1.4)
                snapshot.positions.append(
                    Position(
                        instrument: Self.name("\(asset)-\(Int(strike))-P"),
                        terms: .option(
                            chance(0.5) ? .put : .call,
                            strike: Self.decimal(strike.rounded(), digits: 0),
                            expiry: Self.expiry(days: 7)),
                        underlying: asset, multiplier: .one,
                        quantity: Self.decimal(size / 2, digits: 4), entryPrice: .one))
            }
        }
        if chance(0.1) {
            snapshot.requirement = StatedRequirement(
                initial: FixedDecimal(1_000), maintenance: FixedDecimal(800))
        }
    }
}

extension MarginShard {
    /// Gives the shard an event; a refusal is left to the tests of refusals.
    mutating func take(
        _ event: MarginEvent, offset: Int, to sink: inout some MarginSink
    ) throws {
        let cause = Cause.record(topic: "test", partition: 0, offset: Int64(offset))
        switch event {
        case .positions(let snapshot): _ = try apply(snapshot, cause: cause, to: &sink)
        case .close(let account): _ = close(account, cause: cause, to: &sink)
        case .haircuts(let table): _ = apply(table, cause: cause, to: &sink)
        case .surface(let surface): _ = try apply(surface, cause: cause, to: &sink)
        case .timer(let time): apply(timer: time, to: &sink)
        case .refresh(let count): _ = refresh(atMost: count, to: &sink)
        }
    }
}
