import Haircuts
import Margin
import Market
import Messages
import Quantities

/// Accounts of a made-up exchange, the same in every run: two assets held, one owed, a perpetual, a
/// future and an option, with numbers of all lengths. They are named like the assets, since keys of
/// encoded records are.
struct SyntheticAccounts {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    private let names = SyntheticMarket.assets

    static func positions(_ count: Int) -> EncodedRecords {
        var accounts = SyntheticAccounts()
        var records = EncodedRecords()
        for number in 0..<count {
            let snapshot = accounts.snapshot(number)
            records.append(asset: number % accounts.names.count, time: snapshot.time) {
                $0.write(snapshot)
            }
        }
        return records
    }

    static func requirements(_ count: Int) -> EncodedRecords {
        var accounts = SyntheticAccounts()
        var records = EncodedRecords()
        for number in 0..<count {
            let requirement = accounts.requirement(number)
            records.append(asset: number % accounts.names.count, time: requirement.time) {
                $0.write(requirement)
            }
        }
        return records
    }

    mutating func snapshot(_ number: Int) -> AccountSnapshot {
        let first = names[number % names.count]
        let second = names[(number + 1) % names.count]
        let third = names[(number + 2) % names.count]
        let expiry = SyntheticMarket.start.advanced(bySeconds: 30 * 86_400)
        return AccountSnapshot(
            account: first, owner: first, time: SyntheticMarket.start, sequence: Int64(number),
            balances: [
                Balance(asset: first, quantity: amount()),
                Balance(asset: second, quantity: amount()),
                Balance(asset: third, quantity: -amount()),
            ],
            positions: [
                position("PERP", .perpetual(.linear, settlement: nil), on: first),
                position("25DEC26", .future(.inverse, settlement: nil, expiry: expiry), on: first),
                position(
                    "25DEC26-60000-P",
                    .option(.put, strike: FixedDecimal(60_000), expiry: expiry), on: second),
            ],
            requirement: number % 2 == 0
                ? StatedRequirement(initial: FixedDecimal(9_000), maintenance: FixedDecimal(7_200))
                : nil)
    }

    private mutating func position(
        _ name: String, _ terms: Position.Terms, on underlying: Identifier
    ) -> Position {
        Position(
            instrument: Identifier("\(underlying)-\(name)") ?? .unnamed, terms: terms,
            underlying: underlying, multiplier: .one, quantity: -amount(),
            entryPrice: amount())
    }

    mutating func requirement(_ number: Int) -> MarginRequirement {
        let account = names[number % names.count]
        return MarginRequirement(
            account: account, time: SyntheticMarket.start, sequence: Int64(number + 1),
            status: MarginStatus.allCases[number % MarginStatus.allCases.count], equity: money(),
            collateral: amounts(), unrealised: -money(), requirement: amounts(),
            excess: amounts(), marginRatio: Double(random(1_000_000)) / 1e6,
            assets: (0..<3).map {
                AssetMargin(
                    asset: names[(number + $0) % names.count], quantity: amount(),
                    price: money(), value: money(), haircutLoss: amounts(),
                    haircutSequence: Int64(random(100_000)))
            },
            reasons: number % 8 == 0 ? .stressVolatility : [],
            risk: [
                UnderlyingRisk(
                    underlying: account, loss: money(),
                    scenario: RiskScenario(price: -1, volatility: .up))
            ],
            positionsSequence: Int64(number),
            cause: .record(topic: "accounts.positions.v1", partition: 3, offset: Int64(number)))
    }

    /// Units of something: up to six digits before the point and up to eight behind it.
    private mutating func amount() -> FixedDecimal {
        let fraction = Int128(random(100_000_000)) * (FixedDecimal.unitsPerOne / 100_000_000)
        return FixedDecimal(1 + random(100_000)) + FixedDecimal(units: fraction)
    }

    /// Whole cents.
    private mutating func money() -> FixedDecimal {
        FixedDecimal(units: Int128(1 + random(100_000_000)) * (FixedDecimal.unitsPerOne / 100))
    }

    private mutating func amounts() -> MarginAmounts {
        MarginAmounts(initial: money(), maintenance: money())
    }

    /// Xorshift: 0..<bound.
    private mutating func random(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }
}
