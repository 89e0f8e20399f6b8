import Haircuts
import Messages
import Quantities

nonisolated(unsafe) private let decoder = ControlDecoder()

/// What the control decoder takes, under the key its body asks for, took two people.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let payload = UnsafeRawBufferPointer(start: start, count: count)
    if let key = try? ControlDecoder.decodeKey(payload) {
        var buffer = OutputBuffer()
        buffer.append(key)
        precondition(buffer.withBytes { $0.elementsEqual(payload) }, "a key in two forms")
    }
    for key: StaticString in [
        "BTC|override", "BTC|freeze", "BTC|solvency", "BTC|parameters", "*|override",
    ] {
        guard let control = decode(payload, key) else { continue }
        precondition(!control.by.isEmpty && !control.approvedBy.isEmpty)
        precondition(control.by != control.approvedBy)
        if control.order.action != .parameters { precondition(control.expires != nil) }
        var buffer = OutputBuffer()
        buffer.write(control)
        let again = buffer.withBytes { decode($0, key) }
        // Written times have 6 digits, so that an end within the first microsecond is lost.
        precondition(again == nil || again?.order == control.order)
    }
    return 0
}

private func decode(_ payload: UnsafeRawBufferPointer, _ key: StaticString) -> Control? {
    withFuzzKey(key) { key in
        var control = Control.blank
        do {
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &control)
            return control
        } catch { return nil }
    }
}
