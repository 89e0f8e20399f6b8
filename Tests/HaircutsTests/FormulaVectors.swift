import Foundation
import Haircuts
import Market
import Quantities
import TestSupport

/// The part of `Vectors/model.json` that concerns the formulas of MODEL §2 and §3.4.
struct FormulaVectors: Decodable {
    var expectedShortfall: [ExpectedShortfall]
    var svi: [SmilePoint]
    var sviRefused: [RefusedSVI]
    var sliceVolatility: [SliceVolatility]
    var horizonVolatility: [HorizonVolatility]
    var sigma: [Sigma]

    enum CodingKeys: String, CodingKey {
        case expectedShortfall = "expected_shortfall"
        case sviRefused = "svi_refused"
        case sliceVolatility = "slice_volatility"
        case horizonVolatility = "horizon_volatility"
        case svi, sigma
    }

    static func read() throws -> FormulaVectors {
        try JSONDecoder().decode(
            FormulaVectors.self,
            from: Repository.data("Tests/HaircutsTests/Vectors/model.json"))
    }

    struct ExpectedShortfall: Decodable {
        var sigma, seconds, lambda, mu, delta, out: Double

        enum CodingKeys: String, CodingKey {
            case lambda = "lambda_"
            case sigma, seconds, mu, delta, out
        }
    }

    struct Parameters: Decodable {
        var a, b, rho, m, sigma: Double
        var svi: Surface.SVI { .init(a: a, b: b, rho: rho, m: m, sigma: sigma) }
    }

    struct SmilePoint: Decodable {
        var params: Parameters
        var forward, tau, strike, iv: Double
    }

    struct RefusedSVI: Decodable {
        var name: String
        var params: Parameters
        var tau: Double
    }

    struct Expiry: Decodable {
        var tau: Double?
        var forward: Double
        var strikes: [Double]?
        var volatilities: [Double]?
        var svi: Parameters?

        var smile: Surface.Smile {
            if let svi { return .svi(svi.svi) }
            return .grid(strikes: (strikes ?? []).map(decimal), volatilities: volatilities ?? [])
        }
    }

    struct SliceVolatility: Decodable {
        var expiry: Expiry
        var tau, out: Double
    }

    struct HorizonVolatility: Decodable {
        struct Slice: Decodable { var tau, variance: Double }
        struct Case: Decodable { var seconds, out: Double }
        var name: String
        var surface: [Expiry]
        var slices: [Slice]
        var cases: [Case]
    }

    struct Sigma: Decodable {
        var cls: String
        var iv, fast, slow: Double?
        var out: Double
    }
}

/// The moment all surfaces of these tests are looked at.
let now = Instant(nanoseconds: 1_790_000_000_000_000_000)

/// A moment a number of years of 365 days from `now`, to the nanosecond.
func instant(inYears years: Double) -> Instant {
    now.advanced(byNanoseconds: Int64((years * 365 * 86_400 * 1e9).rounded()))
}

/// The decimal nearest a number below 10^18, to its 12th digit after the point.
func decimal(_ value: Double) -> FixedDecimal {
    guard
        let decimal = FixedDecimal(value, fractionDigits: 12, rounding: .toNearestOrEven)
    else { preconditionFailure("\(value) is no decimal") }
    return decimal
}

func surface(
    _ expiries: [(years: Double, forward: Double, smile: Surface.Smile)]
) -> Surface {
    guard let asset = Identifier("BTC") else { preconditionFailure("no identifier") }
    return Surface(
        asset: asset, time: now, sequence: 1,
        expiries: expiries.map {
            .init(
                expiry: instant(inYears: $0.years), forward: decimal($0.forward), smile: $0.smile)
        })
}

func grid(_ strikes: [Double], _ volatilities: [Double]) -> Surface.Smile {
    .grid(strikes: strikes.map(decimal), volatilities: volatilities)
}

/// Whether two numbers agree to a part of the second.
func agrees(_ value: Double, _ expected: Double, within part: Double = 1e-9) -> Bool {
    abs(value - expected) <= part * abs(expected)
}
