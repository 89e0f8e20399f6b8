import Market
import Messages
import Quantities

nonisolated(unsafe) private var surface = Surface.blank
nonisolated(unsafe) private var decoder = SurfaceDecoder()

/// What the surface decoder takes, it takes again, the same, once written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let payload = UnsafeRawBufferPointer(start: start, count: count)
    guard decode(payload) else { return 0 }
    let first = surface
    var buffer = OutputBuffer()
    buffer.write(first)
    precondition(buffer.withBytes(decode), "what was written is refused")
    precondition(surface.expiries.map(\.smile) == first.expiries.map(\.smile))
    return 0
}

private func decode(_ payload: UnsafeRawBufferPointer) -> Bool {
    withFuzzKey { key in
        do {
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &surface)
            return true
        } catch { return false }
    }
}
