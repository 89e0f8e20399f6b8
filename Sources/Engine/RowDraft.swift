import Quantities

/// An account being brought into the form of a row, again and again in the same memory.
struct RowDraft: Sendable {
    /// Widest row; what the columns below have room for.
    static let mostAssets = 16

    private(set) var account: Int32 = 0
    private(set) var isShared = false
    private(set) var isMixed = false
    private(set) var positionsSequence: Int64 = 0
    private(set) var positionsTime = Instant(nanoseconds: 0)
    /// Assets.
    private(set) var width = 0
    private var assets = InlineArray<16, Int32>(repeating: 0)
    private var quantities = InlineArray<16, Double>(repeating: 0)
    var instruments: [Int32] = []
    var contracts: [Double] = []
    var entryPrices: [Double] = []
    var settlements: [Int8] = []

    /// Begins another one, without assets and positions.
    mutating func begin(
        _ account: Int32, sequence: Int64, time: Instant, isShared: Bool = false,
        isMixed: Bool = false
    ) {
        self.account = account
        self.isShared = isShared
        self.isMixed = isMixed
        positionsSequence = sequence
        positionsTime = time
        width = 0
        guard !instruments.isEmpty else { return }
        instruments.removeAll(keepingCapacity: true)
        contracts.removeAll(keepingCapacity: true)
        entryPrices.removeAll(keepingCapacity: true)
        settlements.removeAll(keepingCapacity: true)
    }

    /// Where an asset is, added with the quantity 0 if it is new.
    ///
    /// - Parameter isBefore: whether its name comes before that of another asset.
    /// - Returns: nil where the row is full.
    @inline(__always)
    mutating func slot(of asset: Int32, isBefore: (Int32) -> Bool) -> Int? {
        var slot = width
        while slot > 0, assets[slot - 1] != asset, isBefore(assets[slot - 1]) { slot -= 1 }
        if slot > 0, assets[slot - 1] == asset { return slot - 1 }
        guard width < Self.mostAssets else { return nil }
        for index in stride(from: width, to: slot, by: -1) {
            assets[index] = assets[index - 1]
            quantities[index] = quantities[index - 1]
        }
        assets[slot] = asset
        quantities[slot] = 0
        width += 1
        return slot
    }

    /// The slot of an asset that is there.
    func firstSlot(of asset: Int32) -> Int? { (0..<width).first { assets[$0] == asset } }

    /// What is held, in a slot below `width`.
    @inline(__always)
    subscript(slot: Int) -> Double {
        get { quantities[slot] }
        set { quantities[slot] = newValue }
    }

    /// Gives assets in order of their names, and what is held of each; the first `width` are meant.
    /// Mutating, because that copies nothing.
    @inline(__always)
    mutating func withColumns(
        _ body: (UnsafeBufferPointer<Int32>, UnsafeBufferPointer<Double>) -> Void
    ) {
        withUnsafeBytes(of: &assets) { assets in
            withUnsafeBytes(of: &quantities) { quantities in
                body(assets.bindMemory(to: Int32.self), quantities.bindMemory(to: Double.self))
            }
        }
    }
}
