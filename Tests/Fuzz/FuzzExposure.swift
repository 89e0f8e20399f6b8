import Haircuts
import Messages
import Quantities

nonisolated(unsafe) private var exposure = Exposure.blank
nonisolated(unsafe) private var decoder = ExposureDecoder()

/// What the exposure decoder takes holds rising ladders; bytes are a key or none.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let payload = UnsafeRawBufferPointer(start: start, count: count)
    if let key = try? ExposureDecoder.decodeKey(payload) {
        var buffer = OutputBuffer()
        buffer.append(key)
        precondition(buffer.withBytes { $0.elementsEqual(payload) }, "a key in two forms")
    }
    guard decode(payload) else { return 0 }
    for ladder in [exposure.byHaircut, exposure.byPrice] {
        for (lower, upper) in zip(ladder, ladder.dropFirst()) {
            precondition(lower.step < upper.step && lower.value <= upper.value)
        }
    }
    return 0
}

private func decode(_ payload: UnsafeRawBufferPointer) -> Bool {
    withFuzzKey("BTC|3") { key in
        do {
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &exposure)
            return true
        } catch { return false }
    }
}
