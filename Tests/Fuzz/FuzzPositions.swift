import Market
import Messages
import Quantities

nonisolated(unsafe) private var snapshot = AccountSnapshot.blank
nonisolated(unsafe) private var decoder = PositionsDecoder()

/// What the positions decoder takes, it takes again, the same, once written.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let payload = UnsafeRawBufferPointer(start: start, count: count)
    guard decode(payload) else { return 0 }
    let first = snapshot
    precondition(Set(first.balances.map(\.asset)).count == first.balances.count)
    precondition(Set(first.positions.map(\.instrument)).count == first.positions.count)
    var buffer = OutputBuffer()
    buffer.write(first)
    precondition(buffer.withBytes(decode), "what was written is refused")
    precondition(snapshot.owner == first.owner && snapshot.sequence == first.sequence)
    precondition(snapshot.balances == first.balances)
    precondition(snapshot.positions.map(\.quantity) == first.positions.map(\.quantity))
    precondition(snapshot.requirement == first.requirement)
    return 0
}

private func decode(_ payload: UnsafeRawBufferPointer) -> Bool {
    withFuzzKey("A-1") { key in
        do {
            try decoder.decode(payload, key: key, recordTimestamp: nil, into: &snapshot)
            return true
        } catch { return false }
    }
}
