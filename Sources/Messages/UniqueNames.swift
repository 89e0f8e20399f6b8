import Quantities

/// Finds out whether names are all different, in memory that is kept.
///
/// Names already in order take one pass, few names a comparison of each pair, all others a sort of
/// their positions: never more than n log n, whatever a sender makes up.
struct UniqueNames {
    private var order: [Int32] = []

    /// Up to here each pair is compared.
    private static let few = 16

    /// - Parameters:
    ///   - count: of names, below 2^31.
    ///   - name: the name at a position 0..<count.
    mutating func areUnique(count: Int, _ name: (Int) -> Identifier) -> Bool {
        if count < 2 { return true }
        if count <= Self.few { return Self.pairsDiffer(count, name) }
        if (1..<count).allSatisfy({ name($0 - 1) < name($0) }) { return true }
        sort(count, name)
        return (1..<count).allSatisfy { name(Int(order[$0 - 1])) != name(Int(order[$0])) }
    }

    private static func pairsDiffer(_ count: Int, _ name: (Int) -> Identifier) -> Bool {
        for index in 1..<count {
            for earlier in 0..<index where name(earlier) == name(index) { return false }
        }
        return true
    }

    /// Brings the positions into the order of their names, by a heap: in place and without a worst
    /// case.
    private mutating func sort(_ count: Int, _ name: (Int) -> Identifier) {
        order.removeAll(keepingCapacity: true)
        order.append(contentsOf: 0..<Int32(count))
        for root in (0..<count / 2).reversed() { sink(root, below: count, name) }
        for end in (1..<count).reversed() {
            order.swapAt(0, end)
            sink(0, below: end, name)
        }
    }

    /// Lets a position fall until no name below it is greater.
    private mutating func sink(_ root: Int, below end: Int, _ name: (Int) -> Identifier) {
        var root = root
        while 2 * root + 1 < end {
            var child = 2 * root + 1
            if child + 1 < end, name(Int(order[child])) < name(Int(order[child + 1])) { child += 1 }
            if name(Int(order[root])) >= name(Int(order[child])) { return }
            order.swapAt(root, child)
            root = child
        }
    }
}
