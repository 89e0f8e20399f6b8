import Haircuts
import Margin
import Market
import Quantities

// What the tests of this room are made of: names, tables, surfaces and accounts in few words.

func id(_ text: String) -> Identifier { Identifier(text) ?? .unnamed }

func decimal(_ text: String) -> FixedDecimal { FixedDecimal(text) ?? .zero }

/// 2026-11-22T14:00:00Z, and a number of seconds later.
func moment(_ seconds: Int64 = 0) -> Instant {
    Instant(nanoseconds: 1_795_356_000_000_000_000).advanced(bySeconds: seconds)
}

let dollar = id("USD")

func ratio(_ value: Double) -> Ratio { Ratio(millionths: Int32((value * 1e6).rounded())) }

/// Tiers from `(to, initial, maintenance)`; nothing counts above the last bound.
func tiers(_ bounds: (to: String, initial: Double, maintenance: Double)...) -> [HaircutTier] {
    var from = FixedDecimal.zero
    var tiers: [HaircutTier] = []
    for bound in bounds {
        tiers.append(
            HaircutTier(
                from: from, to: decimal(bound.to), initial: ratio(bound.initial),
                maintenance: ratio(bound.maintenance)))
        from = decimal(bound.to)
    }
    tiers.append(HaircutTier(from: from, to: nil, initial: .one, maintenance: .one))
    return tiers
}

func scan(_ ranges: (notional: String, down: Double)...) -> [ScanRange] {
    ranges.map {
        ScanRange(notional: decimal($0.notional), down: $0.down, up: $0.down / (1 - $0.down))
    }
}

/// A haircut table with everything a test does not say filled in plausibly.
func table(
    _ asset: String, price: String, debtPrice: String? = nil, reference: String? = nil,
    tiers: [HaircutTier], scan ranges: [ScanRange] = scan((notional: "100000", down: 0.1)),
    time: Instant = moment(), sequence: Int64 = 1, validUntil: Instant = moment(30),
    fallback: Double = 0.3, stressVolatility: Double = 1.2, depth: String = "40000000",
    impact: Impact? = Impact(
        halfSpread: 0.0002, dailyDeviation: 0.04, volume: FixedDecimal(1_000_000_000)),
    boundBy: Bounds = []
) -> HaircutTable {
    var table = HaircutTable.blank
    table.asset = id(asset)
    table.time = time
    table.sequence = sequence
    table.price = decimal(price)
    table.debtPrice = decimal(debtPrice ?? price)
    table.reference = decimal(reference ?? price)
    table.mid = table.reference
    table.tiers = tiers
    table.scan = ranges
    table.validUntil = validUntil
    table.fallback = fallback
    table.stressVolatility = stressVolatility
    table.components.depth = decimal(depth)
    table.impact = impact
    table.boundBy = boundBy
    return table
}

/// BTC at 60 000, debts at 60 060; 4 % and 3 % up to 100 000, 10 % and 8 % up to a million.
func bitcoin(
    price: String = "60000", debtPrice: String = "60060", time: Instant = moment(),
    sequence: Int64 = 1
) -> HaircutTable {
    table(
        "BTC", price: price, debtPrice: debtPrice, reference: debtPrice,
        tiers: tiers(
            (to: "100000", initial: 0.04, maintenance: 0.03),
            (to: "1000000", initial: 0.10, maintenance: 0.08)),
        scan: scan((notional: "100000", down: 0.1), (notional: "1000000", down: 0.14)), time: time,
        sequence: sequence, validUntil: time.advanced(bySeconds: 30))
}

func tether() -> HaircutTable {
    table(
        "USDT", price: "1", tiers: tiers((to: "100000000", initial: 0.01, maintenance: 0.005)),
        scan: scan((notional: "100000", down: 0.03)), fallback: 0.1)
}

/// BTC, USDT and no surface.
func markets(_ more: HaircutTable...) -> MarketTables {
    var tables = MarketTables(valuationCurrency: dollar)
    tables.apply(bitcoin())
    tables.apply(tether())
    for table in more { tables.apply(table) }
    return tables
}

func account(
    _ balances: [String: String] = [:], named name: String = "A-1", positions: [Position] = [],
    requirement: StatedRequirement? = nil
) -> AccountSnapshot {
    AccountSnapshot(
        account: id(name), owner: id("O-1"), time: moment(), sequence: 1,
        balances: balances.sorted { $0.key < $1.key }.map {
            Balance(asset: id($0.key), quantity: decimal($0.value))
        }, positions: positions, requirement: requirement)
}

func perpetual(
    _ underlying: String = "BTC", _ quantity: String, at entry: String,
    contract: Position.Contract = .linear, multiplier: String = "1", settlement: String? = nil
) -> Position {
    Position(
        instrument: id("\(underlying)-PERP"),
        terms: .perpetual(contract, settlement: settlement.map(id)), underlying: id(underlying),
        multiplier: decimal(multiplier), quantity: decimal(quantity), entryPrice: decimal(entry))
}

func future(
    _ underlying: String = "BTC", _ quantity: String, at entry: String, expiry: Instant,
    contract: Position.Contract = .linear, multiplier: String = "1", settlement: String? = nil
) -> Position {
    Position(
        instrument: id("\(underlying)-FUTURE-\(expiry.milliseconds)"),
        terms: .future(contract, settlement: settlement.map(id), expiry: expiry),
        underlying: id(underlying), multiplier: decimal(multiplier), quantity: decimal(quantity),
        entryPrice: decimal(entry))
}

func option(
    _ right: OptionRight, _ underlying: String = "BTC", _ quantity: String, strike: String,
    expiry: Instant, multiplier: String = "1"
) -> Position {
    Position(
        instrument: id("\(underlying)-\(expiry.milliseconds)-\(strike)-\(right)"),
        terms: .option(right, strike: decimal(strike), expiry: expiry), underlying: id(underlying),
        multiplier: decimal(multiplier), quantity: decimal(quantity), entryPrice: .one)
}

/// A flat smile at each of two expiries, 7 and 60 days ahead.
func flatSurface(
    _ asset: String = "BTC", forward: String = "60000", volatility: Double = 0.6,
    time: Instant = moment()
) -> PreparedSurface {
    PreparedSurface(
        Surface(
            asset: id(asset), time: time, sequence: 1,
            expiries: [7, 60].map { days in
                Surface.Expiry(
                    expiry: moment(days * 86_400), forward: decimal(forward),
                    smile: .grid(
                        strikes: [decimal("10000"), decimal("200000")],
                        volatilities: [volatility, volatility]))
            }))
}

let margin = MarginModel(valuationCurrency: dollar)

func assessOwner(
    _ accounts: AccountSnapshot..., in tables: MarketTables, at time: Instant = moment(1)
) -> [AccountAssessment] {
    margin.assess(accounts, in: tables, at: time)
}

func assess(
    _ account: AccountSnapshot, in tables: MarketTables = markets(), at time: Instant = moment(1)
) -> AccountAssessment {
    margin.assess([account], in: tables, at: time)[0]
}

/// Whether two numbers agree to 1e-9 of the larger.
func agree(_ left: Double, _ right: Double, within tolerance: Double = 1e-9) -> Bool {
    abs(left - right) <= tolerance * max(1, abs(left), abs(right))
}
