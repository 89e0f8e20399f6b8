import Quantities

private let keyText: StaticString = "BTC"

/// The key of every fuzzed record, so that bodies for this asset can be taken.
func withFuzzKey<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    body(UnsafeRawBufferPointer(start: keyText.utf8Start, count: keyText.utf8CodeUnitCount))
}

let fuzzKey: Identifier = {
    guard let key = Identifier("BTC") else { preconditionFailure("BTC is a name") }
    return key
}()
