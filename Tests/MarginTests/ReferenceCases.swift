import Foundation
import Haircuts
import Margin
import Market
import Quantities
import TestSupport

/// The file that Reference/make_cases.py writes.
struct ReferenceCases: Decodable {
    var market: ReferenceMarket
    var cases: [Case]

    struct Case: Decodable {
        var name: String
        /// Seconds after the tables' time.
        var time: Double
        var accounts: [ReferenceAccount]
        var expected: [Expected]
    }

    struct Expected: Decodable {
        var account: String
        var status: String
        var equity: Double
        var collateral: [Double]
        var debts: [Double]
        var unrealised: Double
        var requirement: [Double]
        var excess: [Double]
        var scale: Double
        var marginRatio: Double?
        var assets: [Asset]
        var risk: [Risk]
        var reasons: [String]
    }

    struct Asset: Decodable {
        var asset: String
        var quantity: Double
        var value: Double
        var loss: [Double]
    }

    struct Risk: Decodable {
        var underlying: String
        var loss: Double
        var price: Double
        var volatility: String
    }

    static func read() throws -> ReferenceCases {
        try JSONDecoder().decode(
            ReferenceCases.self,
            from: Repository.data("Tests/MarginTests/Reference/cases.json"))
    }
}

struct ReferenceMarket: Decodable {
    var tables: [Table]
    var surfaces: [ReferenceSurface]
    var settled: [Settled]

    struct Table: Decodable {
        var asset: String
        var price: Double
        var debtPrice: Double
        var reference: Double
        var tiers: [[Double]]
        var scan: [[Double]]
        var fallback: Double
        var stressVolatility: Double
        var validUntil: Double
    }

    struct ReferenceSurface: Decodable {
        var asset: String
        var expiries: [Expiry]
    }

    struct Expiry: Decodable {
        var expiry: Double
        var forward: Double
        var strikes: [Double]
        var volatilities: [Double]
    }

    struct Settled: Decodable {
        var asset: String
        var expiry: Double
        var price: Double
    }

    /// The tables as they stand at `moment()`, after a first round in which what expired settled.
    var prepared: MarketTables {
        var markets = MarketTables(valuationCurrency: dollar)
        for settled in settled {
            let expiry = moment(seconds: settled.expiry)
            markets.watch(expiry, of: id(settled.asset))
            for table in tables where table.asset == settled.asset {
                var early = table
                early.reference = settled.price
                markets.apply(early.haircutTable(time: expiry))
            }
        }
        for table in tables { markets.apply(table.haircutTable(time: moment())) }
        for surface in surfaces { markets.apply(surface.prepared, of: id(surface.asset)) }
        return markets
    }
}

extension ReferenceMarket.Table {
    func haircutTable(time: Instant) -> HaircutTable {
        var rows: [HaircutTier] = []
        for (index, tier) in tiers.enumerated() {
            let to = index + 1 < tiers.count ? nearest(tiers[index + 1][0]) : nil
            rows.append(
                HaircutTier(
                    from: nearest(tier[0]), to: to, initial: ratio(tier[1]),
                    maintenance: ratio(tier[2])))
        }
        var table = HaircutTable.blank
        table.asset = id(asset)
        table.time = time
        table.sequence = 1
        table.price = nearest(price)
        table.debtPrice = nearest(debtPrice)
        table.reference = nearest(reference)
        table.tiers = rows
        table.scan = scan.map {
            ScanRange(notional: nearest($0[0]), down: $0[1], up: $0[1] / (1 - $0[1]))
        }
        table.fallback = fallback
        table.stressVolatility = stressVolatility
        table.validUntil = moment(seconds: validUntil)
        return table
    }
}

extension ReferenceMarket.ReferenceSurface {
    var prepared: PreparedSurface {
        PreparedSurface(
            Surface(
                asset: id(asset), time: moment(), sequence: 1,
                expiries: expiries.map {
                    Surface.Expiry(
                        expiry: moment(seconds: $0.expiry), forward: nearest($0.forward),
                        smile: .grid(
                            strikes: $0.strikes.map(nearest), volatilities: $0.volatilities))
                }))
    }
}

struct ReferenceAccount: Decodable {
    var account: String
    var balances: [String: Double]
    var positions: [ReferencePosition]
    var requirement: [Double]?

    var snapshot: AccountSnapshot {
        AccountSnapshot(
            account: id(account), owner: id("O-1"), time: moment(), sequence: 1,
            balances: balances.map { Balance(asset: id($0.key), quantity: nearest($0.value)) },
            positions: positions.enumerated().map { $1.position(number: $0) },
            requirement: requirement.map {
                StatedRequirement(initial: nearest($0[0]), maintenance: nearest($0[1]))
            })
    }
}

struct ReferencePosition: Decodable {
    var kind: String
    var underlying: String
    var contract: String
    var multiplier: Double
    var quantity: Double
    var entryPrice: Double
    var expiry: Double?
    var strike: Double?
    var right: String?
    var settlement: String?

    func position(number: Int) -> Position {
        let contract: Position.Contract = contract == "inverse" ? .inverse : .linear
        let expiry = moment(seconds: expiry ?? 0)
        let terms: Position.Terms
        switch kind {
        case "option":
            terms = .option(
                right == "call" ? .call : .put, strike: nearest(strike ?? 0), expiry: expiry)
        case "future":
            terms = .future(contract, settlement: settlement.map(id), expiry: expiry)
        default:
            terms = .perpetual(contract, settlement: settlement.map(id))
        }
        return Position(
            instrument: id("I-\(number)"), terms: terms, underlying: id(underlying),
            multiplier: nearest(multiplier), quantity: nearest(quantity),
            entryPrice: nearest(entryPrice))
    }
}

/// The decimal that a JSON number of few digits was written as.
func nearest(_ value: Double) -> FixedDecimal {
    FixedDecimal(value, fractionDigits: 9, rounding: .toNearestOrEven) ?? .zero
}

func moment(seconds: Double) -> Instant {
    moment().advanced(byNanoseconds: Int64((seconds * 1e9).rounded()))
}
