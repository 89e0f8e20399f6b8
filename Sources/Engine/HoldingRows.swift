import Haircuts
import Margin
import Market
import Quantities

/// What all rows of a block have in common.
struct RowShape: Hashable, Sendable {
    /// Assets a row: everything the account's figures depend on, in order of the names.
    var width: Int
    /// Positions a row, in order of their underlyings' names, then of their own.
    var depth: Int
    /// Whether their owners have other accounts, with which what is held is haircut together.
    var isShared = false
    /// Whether some of those accounts have derivatives, so that what they hold moves with markets.
    var isMixed = false
    /// Whether last outputs may have marks and a requirement.
    var remembersDerivatives: Bool
}

/// A block of accounts of one shape, one after the other in columns.
///
/// A loop over the rows of a block has no branch that depends on the account, and reads its memory
/// in order. A block has a limit, so that many accounts never have to be moved to make room for
/// one more.
struct HoldingRows: Sendable {
    static let mostRows = 1 << 16

    let shape: RowShape
    var width: Int { shape.width }
    var depth: Int { shape.depth }
    var isShared: Bool { shape.isShared }
    var isMixed: Bool { shape.isMixed }
    private var remembersDerivatives: Bool { shape.remembersDerivatives }

    // As many as there are rows.
    private(set) var accounts: [Int32] = []
    /// `depth` a row; contracts signed.
    private(set) var instruments: [Int32] = []
    private(set) var contracts: [Double] = []
    private(set) var entryPrices: [Double] = []
    /// Index within the row of the asset that the mark joins; −1 of options.
    private(set) var settlements: [Int8] = []

    // Blank up to the next multiple of `step` rows.
    private(set) var heads: [RowHead] = []
    /// `width` a row; quantities signed.
    private(set) var assets: [Int32] = []
    private(set) var quantities: [Double] = []
    private(set) var states: [RowState] = []
    /// Near numbers in the trigger index; −1: far.
    var nears: [Int32] = []
    /// Of the last output, `width` a row.
    private(set) var pasts: [PastAsset] = []
    /// The last sixteen bits of the haircut tables' sequences: an output is at most as old as the
    /// heartbeat, and a table comes ten times a second at most.
    private(set) var pastTables: [UInt16] = []
    /// `width` a row where `isShared`: what the owner's other accounts hold.
    private(set) var others: [Double] = []
    /// `width` a row where `isMixed`: balances with what derivatives settle into them.
    private(set) var settled: [Double] = []
    /// Of the last output, one a row where `remembersDerivatives`.
    private(set) var pastDerivatives: [RowDerivatives] = []
    /// `width` a row where `remembersDerivatives`: balances with marks.
    private(set) var pastQuantities: [Double] = []

    /// - Parameter isFilling: whether it will be full, as a block that follows a full one: its
    ///   memory is asked for at once, and taken as rows come.
    init(_ shape: RowShape, isFilling: Bool) {
        self.shape = shape
        if isFilling { reserve(Self.mostRows) }
    }

    /// Whether the trigger index says when a row has to be valued: where only its own assets'
    /// markets move it, and only by prices and haircuts.
    var hasTriggers: Bool { depth == 0 && !isMixed }

    var count: Int { accounts.count }
    var isFull: Bool { accounts.count == Self.mostRows }

    private mutating func reserve(_ rows: Int) {
        accounts.reserveCapacity(rows)
        assets.reserveCapacity(rows * width)
        quantities.reserveCapacity(rows * width)
        instruments.reserveCapacity(rows * depth)
        contracts.reserveCapacity(rows * depth)
        entryPrices.reserveCapacity(rows * depth)
        settlements.reserveCapacity(rows * depth)
        heads.reserveCapacity(rows)
        states.reserveCapacity(rows)
        nears.reserveCapacity(rows)
        pasts.reserveCapacity(rows * width)
        pastTables.reserveCapacity(rows * width)
        if isShared { others.reserveCapacity(rows * width) }
        if isMixed { settled.reserveCapacity(rows * width) }
        guard remembersDerivatives else { return }
        pastDerivatives.reserveCapacity(rows)
        pastQuantities.reserveCapacity(rows * width)
    }

    /// Before a sweep: no row is listed in the trigger index.
    mutating func forgetNears() {
        for row in nears.indices { nears[row] = -1 }
    }

    /// Rows that are made blank at a time.
    private static let step = 64

    /// - Returns: its index.
    mutating func append(_ row: inout RowDraft) -> Int {
        if accounts.count == states.count { appendBlanks(Self.step) }
        let (index, width) = (accounts.count, width)
        accounts.append(row.account)
        row.withColumns { names, held in
            Self.write(names, of: width, into: &assets, at: index * width)
            Self.write(held, of: width, into: &quantities, at: index * width)
        }
        heads[index].positionsSequence = row.positionsSequence
        heads[index].positionsTime = row.positionsTime
        if depth > 0 {
            instruments.append(contentsOf: row.instruments)
            contracts.append(contentsOf: row.contracts)
            entryPrices.append(contentsOf: row.entryPrices)
            settlements.append(contentsOf: row.settlements)
        }
        return index
    }

    @inline(__always)
    private static func write<Value>(
        _ values: UnsafeBufferPointer<Value>, of width: Int, into column: inout [Value],
        at start: Int
    ) {
        column.withUnsafeMutableBufferPointer { column in
            for slot in 0..<width { column[start + slot] = values[slot] }
        }
    }

    private mutating func appendBlanks(_ rows: Int) {
        assets.append(contentsOf: repeatElement(0, count: rows * width))
        quantities.append(contentsOf: repeatElement(0, count: rows * width))
        heads.append(contentsOf: repeatElement(RowHead(), count: rows))
        states.append(contentsOf: repeatElement(RowState(), count: rows))
        nears.append(contentsOf: repeatElement(-1, count: rows))
        pasts.append(contentsOf: repeatElement(PastAsset(), count: rows * width))
        pastTables.append(contentsOf: repeatElement(0, count: rows * width))
        if isShared { others.append(contentsOf: repeatElement(0, count: rows * width)) }
        if isMixed { settled.append(contentsOf: repeatElement(0, count: rows * width)) }
        guard remembersDerivatives else { return }
        pastDerivatives.append(contentsOf: repeatElement(RowDerivatives(), count: rows))
        pastQuantities.append(contentsOf: repeatElement(0, count: rows * width))
    }

    /// Takes a row out; the last one moves into its place.
    ///
    /// - Returns: the account that moved; nil when none had to.
    mutating func remove(_ index: Int) -> Int32? {
        let last = accounts.count - 1
        func move<Value>(_ column: inout [Value], by count: Int) {
            for offset in 0..<count {
                column[index * count + offset] = column[last * count + offset]
            }
            column.removeLast(count)
        }
        func move<Value>(_ column: inout [Value], by count: Int, leaving blank: Value) {
            for offset in 0..<count {
                column[index * count + offset] = column[last * count + offset]
                column[last * count + offset] = blank
            }
        }
        move(&accounts, by: 1)
        move(&assets, by: width, leaving: 0)
        move(&quantities, by: width, leaving: 0)
        move(&instruments, by: depth)
        move(&contracts, by: depth)
        move(&entryPrices, by: depth)
        move(&settlements, by: depth)
        move(&heads, by: 1, leaving: RowHead())
        move(&states, by: 1, leaving: RowState())
        move(&nears, by: 1, leaving: -1)
        move(&pasts, by: width, leaving: PastAsset())
        move(&pastTables, by: width, leaving: 0)
        if isShared { move(&others, by: width, leaving: 0) }
        if isMixed { move(&settled, by: width, leaving: 0) }
        if remembersDerivatives {
            move(&pastDerivatives, by: 1, leaving: RowDerivatives())
            move(&pastQuantities, by: width, leaving: 0)
        }
        return index < last ? accounts[index] : nil
    }

    mutating func setOthers(_ quantity: Double, at index: Int, slot: Int) {
        others[index * width + slot] = quantity
    }

    mutating func setSettled(_ quantity: Double, at index: Int, slot: Int) {
        settled[index * width + slot] = quantity
    }

    // The last output

    /// Remembers what was published of a row.
    mutating func setOutput(_ requirement: MarginRequirement, at index: Int, names: IdentifierTable)
    {
        heads[index].output = RowOutput(requirement)
        states[index] = RowState(
            requirement,
            isCurrent: requirement.positionsSequence == heads[index].positionsSequence)
        for slot in index * width..<(index + 1) * width {
            pasts[slot] = PastAsset()
            if remembersDerivatives { pastQuantities[slot] = 0 }
            let name = names[assets[slot]]
            guard let entry = requirement.assets.first(where: { $0.asset == name }) else {
                continue
            }
            pasts[slot].price = entry.price.double
            pastTables[slot] = UInt16(truncatingIfNeeded: entry.haircutSequence)
            if remembersDerivatives { pastQuantities[slot] = entry.quantity.double }
            let value = abs(entry.value.double)
            if value > 0 {
                pasts[slot].losses = SIMD2(
                    Float(entry.haircutLoss.initial.double / value),
                    Float(entry.haircutLoss.maintenance.double / value))
            }
        }
        if remembersDerivatives { pastDerivatives[index] = RowDerivatives(requirement) }
    }

    /// Of the snapshot that the last output rests on; −1 where that is another than the row's.
    private func publishedSequence(_ index: Int) -> Int64 {
        states[index].isCurrent ? heads[index].positionsSequence : -1
    }

    func lastOutput(_ index: Int) -> LastOutput? {
        let past = heads[index].output
        guard past.sequence > 0 else { return nil }
        return LastOutput(
            sequence: past.sequence, time: past.time,
            status: states[index].status, positionsSequence: publishedSequence(index),
            isClosed: false)
    }

    /// The last output, put together from what was remembered; nil where there was none.
    ///
    /// Losses are exact to a ten-millionth of a value. Where that explains the difference to what
    /// the haircuts of now take, they have not changed.
    func output(
        _ index: Int, account: Identifier, assetNames: IdentifierTable, columns: AssetColumns
    ) -> MarginRequirement? {
        let past = heads[index].output
        guard past.sequence > 0 else { return nil }
        var requirement = MarginRequirement.blank
        requirement.account = account
        requirement.time = past.time
        requirement.sequence = past.sequence
        requirement.status = states[index].status
        requirement.reasons = states[index].wasLate ? .staleData : []
        requirement.positionsSequence = publishedSequence(index)
        requirement.equity = .nearest(past.equity)
        requirement.excess = MarginAmounts(past.excess)
        var debts = 0.0
        for slot in index * width..<(index + 1) * width {
            let quantity = remembersDerivatives ? pastQuantities[slot] : quantities[slot]
            guard quantity != 0 else { continue }
            let value = abs(quantity) * pasts[slot].price
            let losses = loss(slot, of: value, columns)
            if quantity < 0 { debts += value + losses.maintenance }
            requirement.assets.append(
                AssetMargin(
                    asset: assetNames[assets[slot]], quantity: .nearest(quantity, digits: 8),
                    price: .nearest(pasts[slot].price, digits: 8),
                    value: .nearest(quantity < 0 ? -value : value),
                    haircutLoss: MarginAmounts(losses),
                    haircutSequence: columns.sequence(of: assets[slot], if: pastTables[slot])))
        }
        if remembersDerivatives {
            let derivatives = pastDerivatives[index]
            requirement.requirement = MarginAmounts(derivatives.requirement)
            requirement.unrealised = .nearest(derivatives.unrealised)
            requirement.collateral.maintenance = .nearest(derivatives.collateral)
        } else {
            requirement.collateral.maintenance = .nearest(past.excess.maintenance + debts)
        }
        return requirement
    }

    private func loss(_ slot: Int, of value: Double, _ columns: AssetColumns) -> MarginPair {
        let past = MarginPair(
            initial: Double(pasts[slot].losses[0]), maintenance: Double(pasts[slot].losses[1]))
        let now = columns.averageHaircut(of: assets[slot], at: value)
        func loss(_ past: Double, _ now: Double) -> Double {
            abs(past - now) * value <= 0.02 + 2e-7 * value ? now * value : past * value
        }
        return MarginPair(
            initial: loss(past.initial, now.initial),
            maintenance: loss(past.maintenance, now.maintenance))
    }

    func assetsOfRow(_ index: Int) -> ArraySlice<Int32> {
        assets[index * width..<(index + 1) * width]
    }
}

/// What decides whether an account has to be published again.
struct LastOutput: Sendable {
    var sequence: Int64
    var time: Instant
    var status: MarginStatus
    var positionsSequence: Int64
    /// Whether it said that nothing is left.
    var isClosed: Bool
}

extension LastOutput {
    init(_ requirement: MarginRequirement) {
        sequence = requirement.sequence
        time = requirement.time
        status = requirement.status
        positionsSequence = requirement.positionsSequence
        isClosed = requirement.isClosed
    }
}

extension MarginAmounts {
    fileprivate init(_ pair: MarginPair) {
        self.init(initial: .nearest(pair.initial), maintenance: .nearest(pair.maintenance))
    }
}

extension FixedDecimal {
    /// The nearest decimal, of numbers that were decimals before; 0 where there is none.
    fileprivate static func nearest(_ value: Double, digits: Int = 2) -> FixedDecimal {
        FixedDecimal(value, fractionDigits: digits, rounding: .toNearestOrEven) ?? .zero
    }
}

/// What a row says once: of its snapshot and of its last output.
struct RowHead: Sendable {
    var positionsSequence: Int64 = 0
    var positionsTime = Instant(nanoseconds: 0)
    var output = RowOutput()
}

/// What is remembered of an asset in the last requirement published of an account.
struct PastAsset: Sendable {
    var price = 0.0
    /// Initial and maintenance, as fractions of the value.
    var losses = SIMD2<Float>()
}

/// What is remembered of the last requirement published of an account.
struct RowOutput: Sendable {
    /// 0: none was published.
    var sequence: Int64 = 0
    var time = Instant(nanoseconds: 0)
    var equity = 0.0
    var excess = MarginPair.zero

    init() {}

    init(_ requirement: MarginRequirement) {
        sequence = requirement.sequence
        time = requirement.time
        equity = requirement.equity.double
        excess = MarginPair(
            initial: requirement.excess.initial.double,
            maintenance: requirement.excess.maintenance.double)
    }
}

/// The status of the last output, whether a table it rested on was late, and whether it rests on
/// the positions of now: one byte, for loops that need nothing else of it.
struct RowState: Sendable {
    private let bits: UInt8

    init() { bits = 0 }

    /// - Parameter isCurrent: whether the output rests on the row's positions.
    init(_ requirement: MarginRequirement, isCurrent: Bool) {
        let late: UInt8 = requirement.reasons.contains(.staleData) ? 8 : 0
        bits = UInt8(requirement.status.severity) | late | (isCurrent ? 16 : 0)
    }

    var severity: Int { Int(bits & 7) }
    var wasLate: Bool { bits & 8 != 0 }
    var isCurrent: Bool { bits & 16 != 0 }

    var status: MarginStatus {
        switch severity {
        case 0: .healthy
        case 1: .warning
        case 2: .marginCall
        case 3: .liquidation
        default: .bankrupt
        }
    }
}

/// What is remembered besides of an account with derivatives.
struct RowDerivatives: Sendable {
    var requirement = MarginPair.zero
    var unrealised = 0.0
    var collateral = 0.0

    init() {}

    init(_ requirement: MarginRequirement) {
        self.requirement = MarginPair(
            initial: requirement.requirement.initial.double,
            maintenance: requirement.requirement.maintenance.double)
        unrealised = requirement.unrealised.double
        collateral = requirement.collateral.maintenance.double
    }
}
