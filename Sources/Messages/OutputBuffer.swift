import Quantities

/// Bytes written one message after another into memory that is kept: it grows to the largest batch
/// and allocates nothing from then on.
public struct OutputBuffer: ~Copyable {
    @usableFromInline
    var base: UnsafeMutablePointer<UInt8>
    @usableFromInline
    var capacity: Int
    /// Bytes written since `removeAll`.
    public internal(set) var count = 0

    public init(capacity: Int = 4_096) {
        self.capacity = max(capacity, 64)
        base = .allocate(capacity: self.capacity)
    }

    deinit { base.deallocate() }

    /// Forgets what was written and keeps the memory.
    public mutating func removeAll() { count = 0 }

    /// What was written; valid inside the closure.
    @inlinable
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: base, count: count))
    }

    /// A part of what was written, valid inside the closure: of a batch, one message.
    @inlinable
    public func withBytes<Result, Failure: Error>(
        _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return try body(
            UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count))
    }

    /// Writes bytes as they are.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base + count).copyMemory(from: start, byteCount: bytes.count)
        count += bytes.count
    }

    /// Makes room for more bytes.
    @inline(__always)
    mutating func reserve(_ more: Int) {
        if _slowPath(capacity - count < more) { grow(more) }
    }

    @inline(never)
    private mutating func grow(_ more: Int) {
        let larger = max(capacity * 2, count + more)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        memory.update(from: base, count: count)
        base.deallocate()
        base = memory
        capacity = larger
    }
}
