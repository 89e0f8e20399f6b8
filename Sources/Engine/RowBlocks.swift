/// Rows of all shapes, in blocks of one shape each.
struct RowBlocks: Sendable {
    /// Where a row is, in sixteen bits each.
    struct Place: Sendable {
        let packed: UInt32

        init(block: Int, row: Int) {
            precondition(block < 0xFFFF && row < HoldingRows.mostRows)
            packed = UInt32(block) << 16 | UInt32(row)
        }

        private init(packed: UInt32) {
            self.packed = packed
        }

        static let none = Place(packed: .max)

        var isNone: Bool { packed == .max }
        var block: Int { Int(packed >> 16) }
        var row: Int { Int(packed & 0xFFFF) }
    }

    var blocks: [HoldingRows] = []
    /// Whether rows remember the marks and the requirement of derivatives though they have none.
    let remembersDerivatives: Bool
    private let mostPositions: Int
    /// Blocks that have room, by the shape of their rows.
    private var roomy: [[Int]]

    init(mostPositions: Int, remembersDerivatives: Bool = false) {
        self.mostPositions = mostPositions
        self.remembersDerivatives = remembersDerivatives
        roomy = Array(repeating: [], count: 4 * (RowDraft.mostAssets + 1) * (mostPositions + 1))
    }

    private func number(of shape: RowShape) -> Int {
        4 * (shape.width * (mostPositions + 1) + shape.depth) + (shape.isShared ? 2 : 0)
            + (shape.isMixed ? 1 : 0)
    }

    /// Appends a row to a block of its shape.
    mutating func append(_ row: inout RowDraft) -> Place {
        let shape = RowShape(
            width: row.width, depth: row.instruments.count, isShared: row.isShared,
            isMixed: row.isMixed,
            remembersDerivatives: remembersDerivatives || !row.instruments.isEmpty)
        let number = number(of: shape)
        if roomy[number].isEmpty {
            let isFirst = !blocks.contains { $0.shape == shape }
            roomy[number].append(blocks.count)
            blocks.append(HoldingRows(shape, isFilling: !isFirst))
        }
        let block = roomy[number][roomy[number].count - 1]
        let place = Place(block: block, row: blocks[block].append(&row))
        if blocks[block].isFull { roomy[number].removeLast() }
        return place
    }

    /// Takes a row out; the last one of its block moves into its place.
    ///
    /// - Returns: the account that moved; nil when none had to.
    mutating func remove(_ place: Place) -> Int32? {
        let block = place.block
        if blocks[block].isFull { roomy[number(of: blocks[block].shape)].append(block) }
        return blocks[block].remove(place.row)
    }

    /// Gives the memory of a block back, if nothing is in it.
    mutating func release(_ block: Int) {
        if blocks[block].count == 0 {
            blocks[block] = HoldingRows(blocks[block].shape, isFilling: false)
        }
    }
}
