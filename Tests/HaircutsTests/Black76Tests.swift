import Haircuts
import TestSupport
import Testing

/// Identities of Black-76.
struct Black76Tests {
    @Test func callLessPutIsForwardLessStrikeAndGreeksAreSlopes() {
        var random = SplitMix64(seed: 76)
        for _ in 0..<20_000 {
            let forward = random.logarithmic(in: 1...1e5)
            var call = Black76(
                .call, forward: forward, strike: forward * random.double(in: 0.7...1.4),
                years: random.double(in: 0.05...2), volatility: random.double(in: 0.2...2))
            var put = call
            put.right = .put
            #expect(abs(call.price - put.price - (forward - call.strike)) <= 1e-12 * forward)
            #expect(abs(call.delta - put.delta - 1) <= 1e-14)
            let (delta, vega, step) = (call.delta, call.vega, 1e-4)
            (call.forward, put.forward) = (forward * (1 + step), forward * (1 - step))
            put.right = .call
            let slope = (call.price - put.price) / (2 * step * forward)
            #expect(abs(slope - delta) <= 1e-5)
            (call.forward, put.forward) = (forward, forward)
            (call.volatility, put.volatility) = (call.volatility + step, put.volatility - step)
            #expect(abs((call.price - put.price) / (2 * step) - vega) <= 1e-5 * forward)
        }
    }

    @Test func extremesAreFiniteAndWithinTheirBounds() {
        for right in [Black76.Right.call, .put] {
            for strike in [1e-6, 1, 100, 1e4, 1e12] {
                for years in [0, 1e-300, 1e-12, 1, 100] {
                    for volatility in [0, 1e-300, 1e-9, 1, 10, 1e200] {
                        let option = Black76(
                            right, forward: 100, strike: strike, years: years,
                            volatility: volatility)
                        let most = right == .call ? 100 : strike
                        #expect(option.price >= option.intrinsic)
                        #expect(option.price <= most * (1 + 1e-12))
                        #expect(option.delta.isFinite && option.vega.isFinite)
                        if years == 0 { #expect(option.price == option.intrinsic) }
                    }
                }
            }
        }
    }
}
