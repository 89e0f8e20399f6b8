import Quantities

/// An implied-volatility surface: smiles by expiry, as they arrived. Whether it may be used is
/// for the gate to say (MODEL §2).
public struct Surface: Hashable, Sendable {
    public var asset: Identifier
    public var time: Instant
    /// Grows with each message of this asset; 0 … 2^53 − 1.
    public var sequence: Int64
    /// 1–`mostExpiries`, as sent.
    public var expiries: [Expiry]

    public static let mostExpiries = 100
    public static let mostStrikes = 1_000

    public init(asset: Identifier, time: Instant, sequence: Int64, expiries: [Expiry]) {
        self.asset = asset
        self.time = time
        self.sequence = sequence
        self.expiries = expiries
    }

    /// A surface that says nothing, to decode into.
    public static let blank = Surface(
        asset: .unnamed, time: Instant(nanoseconds: 0), sequence: 0, expiries: [])

    public struct Expiry: Hashable, Sendable {
        public var expiry: Instant
        /// Price of the asset for delivery at the expiry, in the valuation currency; > 0.
        public var forward: FixedDecimal
        public var smile: Smile

        public init(expiry: Instant, forward: FixedDecimal, smile: Smile) {
            self.expiry = expiry
            self.forward = forward
            self.smile = smile
        }
    }

    public enum Smile: Hashable, Sendable {
        /// Annualised volatilities, one a strike; both arrays of the same length, 1–1000.
        case grid(strikes: [FixedDecimal], volatilities: [Double])
        case svi(SVI)
    }

    /// Raw SVI: total variance `w(k) = a + b(ρ(k − m) + √((k − m)² + σ²))`, `k = ln(K/F)`.
    ///
    /// - Source: Gatheral (2004); MODEL §2. All five are finite.
    public struct SVI: Hashable, Sendable {
        public var a: Double
        public var b: Double
        public var rho: Double
        public var m: Double
        public var sigma: Double

        public init(a: Double, b: Double, rho: Double, m: Double, sigma: Double) {
            self.a = a
            self.b = b
            self.rho = rho
            self.m = m
            self.sigma = sigma
        }
    }
}
