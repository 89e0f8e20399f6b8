import Foundation
import Haircuts
import Market
import Quantities
import TestSupport
import Testing

/// Reference values made outside Swift, from the formulas alone.
struct ModelVectors: Decodable {
    var realised: [Realised]
    var reference: [Reference]
    var haircut: [Market]
    var limiter: [LimiterRun]
    var deadBand: [DeadBand]
    var branching: [Branching]

    struct Realised: Decodable {
        var decay: Double
        var barsPerYear: Double
        var bars: [Bar]
        var out: [Double]

        enum CodingKeys: String, CodingKey {
            case decay = "lambda_"
            case barsPerYear, bars, out
        }

        struct Bar: Decodable {
            var r: Double
            var n: Int
        }
    }

    struct Reference: Decodable {
        var sources: [Double]
        var previous: Double?
        var reference: Double
        var confidence: Double
    }

    struct Market: Decodable {
        var name: String
        var cls: String
        var inputs: Inputs
        var haircuts: [Point]
        var tiers: [Tier]

        struct Inputs: Decodable {
            var iv: Double?
            var fast: Double?
            var slow: Double?
            var mid: Double
            var ref: Double
            var spread: Double
            var spreadSd: Double
            var depth: Double
            var prior: Double
            var adv: Double
            var system: Double
            var age: Double?
            var median: Double?
            var conf: Double?
        }

        struct Point: Decodable {
            var notional: Double
            var sigma: Double
            var volume: Double
            var effective: Double
            var horizon: Double
            var market: Double
            var liquidity: Double
            var peg: Double
            var divergence: Double
            var confidence: Double
            var target: Double
            var initial: Double
            var maintenance: Double
            var valuation: Double
            var debt: Double
            var scanDown: Double
            var scanUp: Double
            var initialRounded: Double
            var maintenanceRounded: Double

            enum CodingKeys: String, CodingKey {
                case notional = "Q"
                case sigma, volume, effective, horizon, market, liquidity, peg, divergence
                case confidence, target, initial, maintenance, valuation, debt
                case scanDown, scanUp, initialRounded, maintenanceRounded
            }
        }

        struct Tier: Decodable {
            var from: Double
            var to: Double
            var initial: Double
            var maintenance: Double
        }
    }

    struct LimiterRun: Decodable {
        var stepSeconds: Double
        var start: Double
        var minutes: [Minute]

        struct Minute: Decodable {
            var target: Double
            var state: String
            var value: Double
        }
    }

    struct Branching: Decodable {
        var sigmaDay: Double
        var forced: Double
        var volume: Double
        var out: Double
    }

    struct DeadBand: Decodable {
        var value: Double
        var published: Double
    }

    static let loaded = Result {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            ModelVectors.self,
            from: Repository.data("Tests/HaircutsTests/Vectors/model.json"))
    }
}

func expectClose(
    _ value: Double, _ expected: Double, relative tolerance: Double = 1e-9,
    _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(
        abs(value - expected) <= tolerance * max(abs(expected), 1e-12),
        "\(what): \(value) is not \(expected)", sourceLocation: sourceLocation)
}
