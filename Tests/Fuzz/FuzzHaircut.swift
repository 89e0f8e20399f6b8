import Haircuts
import Messages
import Quantities

nonisolated(unsafe) private var decoder = HaircutDecoder()

/// What the table decoder takes, it takes again, the same tiers, once written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let payload = UnsafeRawBufferPointer(start: start, count: count)
    guard let first = decode(payload) else { return 0 }
    var buffer = OutputBuffer()
    buffer.write(first)
    let second = buffer.withBytes(decode)
    precondition(second != nil, "what was written is refused")
    precondition(second?.tiers == first.tiers && second?.cause == first.cause)
    return 0
}

private func decode(_ payload: UnsafeRawBufferPointer) -> HaircutTable? {
    withFuzzKey { key in
        var table = blankTable
        do {
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &table)
            return table
        } catch { return nil }
    }
}

private let blankTable = HaircutTable(
    asset: fuzzKey, time: Instant(nanoseconds: 0), sequence: 0, state: .frozen, price: .zero,
    debtPrice: .zero, reference: .zero, mid: .zero, tiers: [], target: .zero, gap: .zero,
    boundBy: [], next: nil, validUntil: Instant(nanoseconds: 0), fallback: 1, scan: [],
    stressVolatility: 0, confidence: 0, branchingRatio: 0,
    components: Components(
        volatility: 0, market: 0, liquidity: 0, peg: 0, divergence: 0, confidence: 0,
        horizonSeconds: 0, depth: .zero, depthBaseline: .zero, spread: 0, quoteAge: 0,
        surfaceAge: nil),
    modelVersion: "", parametersHash: "", cause: .timer(Instant(nanoseconds: 0)))
