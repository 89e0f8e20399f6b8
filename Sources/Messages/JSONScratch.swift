import Market
import Quantities

/// The memory a decoder works in, taken once and used for every record.
///
/// The body is copied here, followed by zero bytes: a zero byte is legal nowhere in JSON, so
/// every scan stops at the end without asking where the end is, and words of eight bytes may be
/// read at any position. Copying costs a fiftieth of what decoding does.
package final class JSONScratch {
    /// Zero bytes kept behind the body and behind an unescaped text.
    static let padding = 64
    /// Most bytes of an unescaped text that are kept; names, decimals and times are shorter.
    static let mostText = 512
    /// Members that may be open at once: 256 in each of 32 nested objects.
    static let mostKeys = JSONReader.mostMembers * JSONReader.deepest

    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    let text: UnsafeMutablePointer<UInt8>
    let keys: UnsafeMutablePointer<JSONReader.Key>
    /// Room for both sides of a book, bids first.
    let levels: UnsafeMutablePointer<BookLevel>
    let strikes: UnsafeMutablePointer<FixedDecimal>
    let volatilities: UnsafeMutablePointer<Double>

    package init() {
        capacity = 4_096
        bytes = .allocate(capacity: capacity + Self.padding)
        text = .allocate(capacity: Self.mostText + Self.padding)
        text.initialize(repeating: 0, count: Self.mostText + Self.padding)
        keys = .allocate(capacity: Self.mostKeys)
        levels = .allocate(capacity: 2 * Quote.mostLevels)
        strikes = .allocate(capacity: Surface.mostStrikes)
        volatilities = .allocate(capacity: Surface.mostStrikes)
    }

    deinit {
        bytes.deallocate()
        text.deallocate()
        keys.deallocate()
        levels.deallocate()
        strikes.deallocate()
        volatilities.deallocate()
    }

    /// Takes a copy of a body.
    func load(_ body: UnsafeRawBufferPointer) {
        if body.count > capacity {
            bytes.deallocate()
            capacity = body.count.nextPowerOfTwo
            bytes = .allocate(capacity: capacity + Self.padding)
        }
        count = body.count
        if let start = body.baseAddress {
            UnsafeMutableRawPointer(bytes).copyMemory(from: start, byteCount: count)
        }
        UnsafeMutableRawPointer(bytes + count).initializeMemory(
            as: UInt8.self, repeating: 0, count: Self.padding)
    }
}

extension Int {
    /// The smallest power of two not below this number, which is > 0.
    fileprivate var nextPowerOfTwo: Int {
        1 << (Int.bitWidth - (self - 1).leadingZeroBitCount)
    }
}
