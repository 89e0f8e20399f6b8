import Margin
import Messages
import Quantities

nonisolated(unsafe) private var requirement = MarginRequirement.blank
nonisolated(unsafe) private var decoder = MarginRequirementDecoder()

/// What the requirement decoder takes, it takes again, the same money, once written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let payload = UnsafeRawBufferPointer(start: start, count: count)
    guard decode(payload) else { return 0 }
    let first = requirement
    var buffer = OutputBuffer()
    buffer.write(first)
    precondition(buffer.withBytes(decode), "what was written is refused")
    precondition(requirement.excess == first.excess && requirement.assets == first.assets)
    precondition(requirement.reasons == first.reasons && requirement.status == first.status)
    precondition(requirement.risk.map(\.loss) == first.risk.map(\.loss))
    return 0
}

private func decode(_ payload: UnsafeRawBufferPointer) -> Bool {
    withFuzzKey("A-1") { key in
        do {
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &requirement)
            return true
        } catch { return false }
    }
}
