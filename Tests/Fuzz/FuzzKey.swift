import Quantities

/// The key of every fuzzed record of a message, so that bodies for it can be taken.
func withFuzzKey<Result>(
    _ text: StaticString = "BTC", _ body: (UnsafeRawBufferPointer) -> Result
) -> Result {
    body(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
}
