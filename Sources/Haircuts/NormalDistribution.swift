import RealModule

/// The standard normal density.
func normalDensity(_ z: Double) -> Double {
    0.398942280401432677939946 * Double.exp(-0.5 * z * z)
}

/// The standard normal distribution function, accurate in the left tail.
func normalDistribution(_ z: Double) -> Double {
    0.5 * Double.erfc(-0.707106781186547524400844 * z)
}

/// Four numbers at once; the compiler keeps them in registers, without branches.
typealias Lanes = SIMD4<Double>

/// The standard normal density of four numbers, to a few units in the last place; numbers beyond
/// ±37 count as ±37, where it is below 1e-297.
@inline(__always)
func normalDensity(_ z: Lanes) -> Lanes {
    // The library's `clamped` is a call of a function for each of its halves.
    let least = Lanes(repeating: -37)
    let most = Lanes(repeating: 37)
    let raised = z.replacing(with: least, where: z .< least)
    let held = raised.replacing(with: most, where: raised .> most)
    let x = held * held * -0.5
    // e^x = 2^n e^r with |r| ≤ ln 2 / 2: adding 1.5·2^52 rounds and leaves n in the low bits.
    let shifter = Lanes(repeating: 0x1.8p52)
    let shifted = x * 1.4426950408889634 + shifter
    let n = shifted - shifter
    let r = (x - n * 0x1.62e42feep-1) - n * 1.9082149292705877e-10
    let r2 = r * r
    let r4 = r2 * r2
    let low = line(1, 1, r) + r2 * line(1 / 2.0, 1 / 6.0, r)
    let middle = line(1 / 24.0, 1 / 120.0, r) + r2 * line(1 / 720.0, 1 / 5_040.0, r)
    let high =
        line(1 / 40_320.0, 1 / 362_880.0, r) + r2 * line(1 / 3_628_800.0, 1 / 39_916_800.0, r)
    let top = high + r4 * (1 / 479_001_600.0)
    let mantissa = low + r4 * (middle + r4 * top)
    let exponent = unsafeBitCast(shifted, to: SIMD4<Int64>.self) &<< 52
    let scaled = unsafeBitCast(mantissa, to: SIMD4<Int64>.self) &+ exponent
    return unsafeBitCast(scaled, to: Lanes.self) * 0.398942280401432677939946
}

/// Mills' ratio `Φ(−x)/φ(x)` of four numbers ≥ 0, to 1e-15.
///
/// `(x + 1)·M(x)` is smooth in `t = (x − 5)/(x + 5)`, which takes 0…∞ to −1…1: a polynomial of
/// degree 21 fitted at Chebyshev's nodes with 50 digits.
@inline(__always)
func millsRatio(_ x: Lanes) -> Lanes {
    let t = (x - 5) / (x + 5)
    let t2 = t * t
    let t4 = t2 * t2
    let t8 = t4 * t4
    let p0 = line(1.1568486282918942, -0.2294875382521134, t)
    let p1 = line(0.07778159886882079, 0.025072179301737007, t)
    let p2 = line(-0.0661776007824102, 0.06150504583598427, t)
    let p3 = line(-0.03802659213427906, 0.01634823134821019, t)
    let p4 = line(-0.00420129074075825, 1.9530094685833695e-05, t)
    let p5 = line(0.00045704584047061026, -0.00013437172580700628, t)
    let p6 = line(-2.481140521369043e-05, 2.2702161072115786e-05, t)
    let p7 = line(-1.6594891101354953e-07, -3.263339861314699e-06, t)
    let p8 = line(3.0810006863715586e-07, 4.7524077637330406e-07, t)
    let p9 = line(-5.662983329887891e-08, -6.509384678110504e-08, t)
    let p10 = line(5.197901681300586e-09, 5.771413037482433e-09, t)
    let low = (p0 + t2 * p1) + t4 * (p2 + t2 * p3)
    let middle = (p4 + t2 * p5) + t4 * (p6 + t2 * p7)
    let high = (p8 + t2 * p9) + t4 * p10
    return (low + t8 * (middle + t8 * high)) / (x + 1)
}

/// `constant + slope·x`.
@inline(__always)
private func line(_ constant: Double, _ slope: Double, _ x: Lanes) -> Lanes {
    x * slope + constant
}

extension SIMD4<Double> {
    /// Of each number, without its sign.
    @inline(__always)
    var magnitudes: Lanes {
        let bits = unsafeBitCast(self, to: SIMD4<UInt64>.self)
        let mask = SIMD4<UInt64>(repeating: 0x7fff_ffff_ffff_ffff)
        return unsafeBitCast(bits & mask, to: Lanes.self)
    }
}
