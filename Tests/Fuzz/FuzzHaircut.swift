import Haircuts
import Messages
import Quantities

nonisolated(unsafe) private var decoder = HaircutDecoder()

/// What the table decoder takes, it takes again, the same tiers, once written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let payload = UnsafeRawBufferPointer(start: start, count: count)
    // Shares that add up to a little over 1 may, once rounded for writing, add up to too much.
    guard let first = decode(payload), first.shares.reduce(0, +) <= 1 else { return 0 }
    var buffer = OutputBuffer()
    buffer.write(first)
    let second = buffer.withBytes(decode)
    precondition(second != nil, "what was written is refused")
    precondition(second?.tiers == first.tiers && second?.cause == first.cause)
    precondition(second?.systemCollateral == first.systemCollateral)
    precondition(second?.shares.count == first.shares.count)
    return 0
}

private func decode(_ payload: UnsafeRawBufferPointer) -> HaircutTable? {
    withFuzzKey { key in
        var table = HaircutTable.blank
        do {
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &table)
            return table
        } catch { return nil }
    }
}
