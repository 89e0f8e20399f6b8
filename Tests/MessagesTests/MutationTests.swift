import Foundation
import Haircuts
import Market
import Messages
import Quantities
import TestSupport
import Testing

/// Damaged records: no decoder may stop the process, and what one takes keeps the contract.
struct MutationTests {
    static let rounds =
        ProcessInfo.processInfo.environment["BREAKWATER_MUTATIONS"].flatMap(Int.init) ?? 50_000

    /// A document with tokens exchanged, repeated, cut or replaced by hostile ones.
    static func mutate(_ bytes: inout [UInt8], _ random: inout SplitMix64) {
        let hostile = [
            "null", "-0", "1e308", "1e309", "NaN", "\"NaN\"", "\"-0\"", "\"0\"", "[]", "{}", "-1",
            "9007199254740992", "\"1e5\"", "\"\\u0031\"", "\"\\ud800\"", "[[[[[[", "true", "\"\"",
            "\"999999999999999999.999999999999999999\"", "\u{0}", "\"é\"", ",", ":", "0.5",
            "\"schema\":\"quote.v2\",", "\"x\":1,\"x\":2,",
        ]
        let marks = Set("\",:[]{}".utf8)
        func place(_ random: inout SplitMix64) -> Int {
            let start = Int.random(in: 0...bytes.count, using: &random)
            return bytes[start...].firstIndex { marks.contains($0) } ?? start
        }
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let (first, second) = (place(&random), place(&random))
            let range = min(first, second)..<min(max(first, second), min(first, second) + 40)
            switch Int.random(in: 0...4, using: &random) {
            case 0: bytes.removeSubrange(range)
            case 1: bytes.insert(contentsOf: bytes[range], at: first)
            case 2:
                bytes.replaceSubrange(
                    range, with: (hostile.randomElement(using: &random) ?? "").utf8)
            case 3:
                bytes.insert(
                    contentsOf: (hostile.randomElement(using: &random) ?? "").utf8, at: first)
            default:
                guard !bytes.isEmpty else { continue }
                let index = Int.random(in: 0..<bytes.count, using: &random)
                // A digit for a digit keeps the form and changes the meaning.
                let isDigit = (0x30...0x39).contains(bytes[index])
                bytes[index] =
                    isDigit ? UInt8(0x30 + random.next() % 10) : UInt8(random.next() >> 56)
            }
        }
    }

    /// Runs a decoder over damaged examples and counts what it took.
    func survive<Value>(
        _ examples: [String], seed: UInt64, _ decode: ([UInt8]) -> Outcome<Value>,
        _ keeps: (Value) -> Bool
    ) -> Int {
        var random = SplitMix64(seed: seed)
        var taken = 0
        for round in 0..<Self.rounds {
            var bytes = Array((examples.randomElement(using: &random) ?? "").utf8)
            Self.mutate(&bytes, &random)
            switch decode(bytes) {
            case .success(let value):
                taken += 1
                guard keeps(value) else {
                    Issue.record(
                        "seed \(seed) round \(round): \(String(decoding: bytes, as: UTF8.self))")
                    return taken
                }
            case .failure(let refusal):
                // Reaching here without a stop is the point; the place must lie in the payload.
                guard (0...bytes.count).contains(refusal.offset) else {
                    Issue.record("seed \(seed) round \(round): offset \(refusal.offset)")
                    return taken
                }
            }
        }
        return taken
    }

    @Test func damagedQuotesNeverStopTheDecoder() {
        let decoder = QuoteDecoder()
        let taken = survive([Examples.book, Examples.index], seed: 31) { bytes in
            decoding(bytes, key: "BTC") { (payload, key) throws(Refusal) in
                var quote = anyQuote
                try decoder.decode(payload, key: key, recordTimestamp: nil, into: &quote)
                return quote
            }
        } _: {
            Self.keepsContract($0)
        }
        #expect(taken > Self.rounds / 100)
    }

    @Test func damagedSurfacesNeverStopTheDecoder() {
        var decoder = SurfaceDecoder()
        var surface = anySurface
        let taken = survive([Examples.surface], seed: 32) { bytes in
            decoding(bytes, key: "BTC") { (payload, key) throws(Refusal) in
                try decoder.decode(payload, key: key, recordTimestamp: nil, into: &surface)
                return surface
            }
        } _: {
            Self.keepsContract($0)
        }
        #expect(taken > Self.rounds / 100)
    }

    @Test func damagedTablesNeverStopTheDecoder() {
        var decoder = HaircutDecoder()
        var table = GoldenTests.haircut
        let taken = survive([Examples.haircut], seed: 33) { bytes in
            decoding(bytes, key: "BTC") { (payload, key) throws(Refusal) in
                try decoder.decode(payload, key: key, recordTimestamp: nil, into: &table)
                return table
            }
        } _: {
            Self.keepsContract($0)
        }
        #expect(taken > Self.rounds / 100)
    }

    static func keepsContract(_ quote: Quote) -> Bool {
        guard quote.asset == name("BTC"), (0...(1 << 53 - 1)).contains(quote.sequence) else {
            return false
        }
        let (bids, asks) = (quote.bids, quote.asks)
        guard quote.kind == .book else {
            return quote.price > .zero && bids.isEmpty && asks.isEmpty && quote.dailyVolume == nil
        }
        if let bid = bids.first, let ask = asks.first, bid.price >= ask.price { return false }
        return zip(bids, bids.dropFirst()).allSatisfy { $0.price > $1.price }
            && zip(asks, asks.dropFirst()).allSatisfy { $0.price < $1.price }
            && (bids + asks).allSatisfy { $0.price > .zero && $0.size > .zero }
            && bids.count <= 500 && asks.count <= 500
            && quote.dailyVolume.map { $0 > .zero } ?? true && quote.price == .zero
    }

    static func keepsContract(_ surface: Surface) -> Bool {
        guard surface.asset == name("BTC"), (0...(1 << 53 - 1)).contains(surface.sequence),
            (1...100).contains(surface.expiries.count)
        else { return false }
        return surface.expiries.allSatisfy { expiry in
            guard expiry.forward > .zero else { return false }
            switch expiry.smile {
            case .grid(let strikes, let volatilities):
                return (1...1_000).contains(strikes.count)
                    && strikes.count == volatilities.count
                    && strikes.allSatisfy { $0 > .zero } && volatilities.allSatisfy(\.isFinite)
            case .svi(let svi):
                return [svi.a, svi.b, svi.rho, svi.m, svi.sigma].allSatisfy(\.isFinite)
            }
        }
    }

    static func keepsContract(_ table: HaircutTable) -> Bool {
        var bound: FixedDecimal? = .zero
        for tier in table.tiers {
            guard tier.from == bound, .zero <= tier.maintenance,
                tier.maintenance <= tier.initial, tier.initial <= .one
            else { return false }
            bound = tier.to
        }
        return bound == nil && !table.tiers.isEmpty && table.asset == name("BTC")
            && table.sequence >= 1 && (0...1).contains(table.fallback)
            && (0...1).contains(table.confidence)
            && table.scan.allSatisfy { $0.notional > .zero && $0.down < 1 && $0.up >= 0 }
            && table.components.volatility.isFinite
    }
}
