import Quantities

extension OutputBuffer {
    /// Writes a name as a record's key has it: its bytes, without quotes.
    public mutating func append(_ name: Identifier) {
        reserve(Identifier.longest)
        count += name.write(
            into: UnsafeMutableBufferPointer(start: base + count, count: Identifier.longest))
    }
}
