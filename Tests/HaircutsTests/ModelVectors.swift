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
    var dead_band: [DeadBand]

    struct Realised: Decodable {
        var lambda_: Double
        var bars_per_year: Double
        var bars: [Bar]
        var out: [Double]

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
            var spread_sd: Double
            var depth: Double
            var prior: Double
            var adv: Double
            var system: Double
            var age: Double?
            var median: Double?
            var conf: Double?
        }

        struct Point: Decodable {
            var Q: Double
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
            var scan_down: Double
            var scan_up: Double
            var initialRounded: Double
            var maintenanceRounded: Double
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

    struct DeadBand: Decodable {
        var value: Double
        var published: Double
    }

    static let loaded = Result {
        try JSONDecoder().decode(
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
