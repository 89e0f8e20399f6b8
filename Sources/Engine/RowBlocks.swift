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

    init(mostAssets: Int, mostPositions: Int, remembersDerivatives: Bool = false) {
        self.mostPositions = mostPositions
        self.remembersDerivatives = remembersDerivatives
        roomy = Array(repeating: [], count: 2 * (mostAssets + 1) * (mostPositions + 1))
    }

    private func shape(width: Int, depth: Int, isShared: Bool) -> Int {
        2 * (width * (mostPositions + 1) + depth) + (isShared ? 1 : 0)
    }

    /// Appends a row to a block of its shape.
    mutating func append(_ row: HoldingRows.Row) -> Place {
        let (width, depth) = (row.assets.count, row.instruments.count)
        let shape = shape(width: width, depth: depth, isShared: row.isShared)
        if roomy[shape].isEmpty {
            let isFirst = !blocks.contains {
                $0.width == width && $0.depth == depth && $0.isShared == row.isShared
            }
            roomy[shape].append(blocks.count)
            blocks.append(
                HoldingRows(
                    width: width, depth: depth, isShared: row.isShared,
                    remembersDerivatives: depth > 0 || remembersDerivatives, isFilling: !isFirst))
        }
        let block = roomy[shape][roomy[shape].count - 1]
        let place = Place(block: block, row: blocks[block].append(row))
        if blocks[block].isFull { roomy[shape].removeLast() }
        return place
    }

    /// Takes a row out; the last one of its block moves into its place.
    ///
    /// - Returns: the account that moved; nil when none had to.
    mutating func remove(_ place: Place) -> Int32? {
        let block = place.block
        if blocks[block].isFull {
            let shape = shape(
                width: blocks[block].width, depth: blocks[block].depth,
                isShared: blocks[block].isShared)
            roomy[shape].append(block)
        }
        return blocks[block].remove(place.row)
    }

    /// Gives the memory of a block back, if nothing is in it.
    mutating func release(_ block: Int) {
        guard blocks[block].count == 0 else { return }
        let (width, depth) = (blocks[block].width, blocks[block].depth)
        blocks[block] = HoldingRows(
            width: width, depth: depth, isShared: blocks[block].isShared,
            remembersDerivatives: blocks[block].remembersDerivatives, isFilling: false)
    }
}
