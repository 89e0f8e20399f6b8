import Haircuts
import Margin
import Market
import Quantities

/// The accounts of a shard, their owners, and what was last published of each.
///
/// Names of accounts have small consecutive numbers in the order they were first heard of. Most
/// accounts are rows of columns (`HoldingRows`), and so is what was last published of most that
/// are not open: while a shard is restored, that is all of them. Kept apart, as they came, are
/// those that rows cannot hold: with a requirement of the exchange's own, very wide ones, all of
/// an owner with several of which one is such, or with very many, and closed ones of which nothing
/// is left.
struct AccountBook: Sendable {
    /// Of an account.
    struct Entry: Sendable {
        /// −1: not open.
        var owner: Int32 = -1
        /// In `open`, or in `closed`.
        var place = RowBlocks.Place.none
    }

    /// An account that is no row. Shared: it is large, and a table of many has room to spare.
    final class Apart: Sendable {
        /// nil: closed.
        let snapshot: AccountSnapshot?
        let output: MarginRequirement?

        init(snapshot: AccountSnapshot?, output: MarginRequirement? = nil) {
            self.snapshot = snapshot
            self.output = output
        }
    }

    /// Deepest row.
    static let mostPositions = 32
    /// Most accounts of one owner that are rows: each is told what all others hold.
    static let mostShared = 64

    let valuationCurrency: Identifier
    private(set) var names = IdentifierTable()
    private(set) var owners = OwnerGroups()
    var entries: [Entry] = []
    private(set) var openCount = 0
    var open = RowBlocks(mostPositions: mostPositions)
    /// Last outputs of accounts that are not open, with the quantities in them.
    private var closed = RowBlocks(mostPositions: 0, remembersDerivatives: true)
    /// Where a snapshot is brought into the form of a row.
    var draft = RowDraft()
    var apart: [Int32: Apart] = [:]
    /// Decimals that are not the eight-digit ones next to the binary numbers in the rows.
    private var exact = ExactDecimals()

    private(set) var assetNames = IdentifierTable()
    var columns = AssetColumns()
    var instruments = InstrumentColumns()
    var triggers = TriggerIndex()
    /// Of accounts kept apart.
    private var apartOwners = OwnersByAsset()
    /// Of rows that are mixed, by the underlyings of all their owners' derivatives.
    var mixedOwners = OwnersByAsset()
    /// Owners of such rows whose accounts changed since they were told what the others hold.
    var untold: Set<Int32> = []

    init(valuationCurrency: Identifier) {
        self.valuationCurrency = valuationCurrency
        let asset = assetNumber(of: valuationCurrency)
        columns.update(
            asset, to: AssetMarket(valuationCurrency: valuationCurrency),
            at: Instant(nanoseconds: 0))
    }

    // Numbers

    @inline(__always)
    mutating func assetNumber(of asset: Identifier) -> Int32 {
        let number = assetNames.insert(asset)
        if Int(number) == columns.count {
            columns.append()
            triggers.append()
            apartOwners.append()
            mixedOwners.append()
        }
        return number
    }

    mutating func number(of name: Identifier) -> Int32 {
        let number = names.insert(name)
        if Int(number) == entries.count { entries.append(Entry()) }
        return number
    }

    // Reading

    /// Of open accounts.
    var blocks: [HoldingRows] {
        _read { yield open.blocks }
        _modify { yield &open.blocks }
    }

    // Inlined: a call from where the book is changed would copy the references in it.
    @inline(__always)
    func isOpen(_ account: Int32) -> Bool { entries[Int(account)].owner >= 0 }
    @inline(__always)
    func owner(of account: Int32) -> Int32 { entries[Int(account)].owner }

    /// Whether anything is kept of an account: what it holds, or what was published of it.
    @inline(__always)
    func knows(_ account: Int32) -> Bool {
        !entries[Int(account)].place.isNone || !apart.isEmpty && apart[account] != nil
    }

    /// Where an account's row is; nil for one kept apart, or not open.
    @inline(__always)
    func place(of account: Int32) -> (block: Int, row: Int)? {
        let entry = entries[Int(account)]
        return entry.owner < 0 || entry.place.isNone ? nil : (entry.place.block, entry.place.row)
    }

    /// Where the last output of an account that is not open is; nil for one kept apart.
    private func closedPlace(of account: Int32) -> (block: Int, row: Int)? {
        let entry = entries[Int(account)]
        return entry.owner >= 0 || entry.place.isNone ? nil : (entry.place.block, entry.place.row)
    }

    /// An owner's open accounts, in order of their names.
    func accounts(of owner: Int32) -> [Int32] { owners.accounts(of: owner) }

    /// Owners with accounts kept apart that have to do with an asset.
    func ownersApart(holding asset: Int32) -> [Int32] { apartOwners[asset] }

    var everyOwnerApart: [Int32] {
        Set(apart.keys.filter { isOpen($0) }.map { owner(of: $0) }).sorted()
    }

    var everyOpenAccount: [Int32] {
        (0..<Int32(entries.count)).filter { isOpen($0) }
    }

    var hasClosedAccounts: Bool {
        closed.blocks.contains { $0.count > 0 } || apart.keys.contains { !isOpen($0) }
    }

    /// Accounts that once were published and are not open, in order of their names.
    var closedAccounts: [Int32] {
        let rows = closed.blocks.flatMap(\.accounts)
        return (rows + apart.keys.filter { !isOpen($0) })
            .sorted { names.isOrdered($0, before: $1) }
    }

    /// An owner's accounts, for the model.
    func ownerBook(of owner: Int32) -> OwnerBook {
        if let only = owners.only(of: owner), let (block, row) = place(of: only),
            blocks[block].depth == 0
        {
            return OwnerBook(
                account: names[only],
                positionsSequence: blocks[block].heads[row].positionsSequence,
                balances: balances(of: only, in: block, row: row),
                valuationCurrency: valuationCurrency)
        }
        return OwnerBook(
            accounts(of: owner).compactMap { snapshot(of: $0) },
            valuationCurrency: valuationCurrency)
    }

    /// The sequence and the time of the last snapshot of an account; nil where it is not open.
    func lastSnapshot(of account: Int32) -> (sequence: Int64, time: Instant)? {
        guard let (block, row) = place(of: account) else {
            return apart[account]?.snapshot.map { ($0.sequence, $0.time) }
        }
        let head = blocks[block].heads[row]
        return (head.positionsSequence, head.positionsTime)
    }

    func snapshot(of account: Int32) -> AccountSnapshot? {
        guard let (block, row) = place(of: account) else { return apart[account]?.snapshot }
        let (depth, head) = (blocks[block].depth, blocks[block].heads[row])
        return AccountSnapshot(
            account: names[account], owner: owners.names[owner(of: account)],
            time: head.positionsTime, sequence: head.positionsSequence,
            balances: balances(of: account, in: block, row: row),
            positions: (row * depth..<(row + 1) * depth).map {
                position(of: account, in: block, lot: $0)
            })
    }

    private func balances(of account: Int32, in block: Int, row: Int) -> [Balance] {
        let width = blocks[block].width
        var balances: [Balance] = []
        balances.reserveCapacity(width)
        for slot in row * width..<(row + 1) * width where blocks[block].quantities[slot] != 0 {
            let asset = blocks[block].assets[slot]
            balances.append(
                Balance(
                    asset: assetNames[asset],
                    quantity: exact.decimal(
                        blocks[block].quantities[slot],
                        .balance(account: account, asset: asset))))
        }
        return balances
    }

    private func position(of account: Int32, in block: Int, lot: Int) -> Position {
        let number = blocks[block].instruments[lot]
        let instrument = instruments.instruments[Int(number)]
        return Position(
            instrument: instrument.identifier, terms: instrument.terms,
            underlying: instrument.underlying, multiplier: instrument.multiplier,
            quantity: exact.decimal(
                blocks[block].contracts[lot],
                .contracts(account: account, instrument: number)),
            entryPrice: exact.decimal(
                blocks[block].entryPrices[lot], .entry(account: account, instrument: number)))
    }

    /// The last output of an account, as far as it was remembered: enough to go on from and to
    /// compare with.
    func output(of account: Int32) -> MarginRequirement? {
        if let (block, row) = place(of: account) {
            return blocks[block].output(
                row, account: names[account], assetNames: assetNames, columns: columns)
        }
        if let (block, row) = closedPlace(of: account) {
            return closed.blocks[block].output(
                row, account: names[account], assetNames: assetNames, columns: columns)
        }
        return apart[account]?.output
    }

    /// The status, sequence and snapshot of the last output; nil where none was.
    func lastOutput(of account: Int32) -> LastOutput? {
        if let (block, row) = place(of: account) { return blocks[block].lastOutput(row) }
        if let (block, row) = closedPlace(of: account) {
            return closed.blocks[block].lastOutput(row)
        }
        return apart[account]?.output.map(LastOutput.init)
    }

    // Changing

    mutating func setOutput(_ requirement: MarginRequirement, of account: Int32) {
        if let (block, row) = place(of: account) {
            blocks[block].setOutput(requirement, at: row, names: assetNames)
        } else if isOpen(account) {
            apart[account] = Apart(snapshot: apart[account]?.snapshot, output: requirement)
        } else {
            takeOut(account)
            if draw(requirement, of: account) {
                let place = closed.append(&draft)
                entries[Int(account)].place = place
                closed.blocks[place.block].setOutput(
                    requirement, at: place.row, names: assetNames)
            } else {
                apart[account] = Apart(snapshot: nil, output: requirement)
            }
        }
    }

    /// Brings a last output into the form of a row.
    ///
    /// - Returns: false where rows cannot hold it.
    private mutating func draw(_ requirement: MarginRequirement, of account: Int32) -> Bool {
        guard !requirement.assets.isEmpty else { return false }
        draft.begin(
            account, sequence: requirement.positionsSequence, time: requirement.time)
        for entry in requirement.assets {
            guard let slot = slot(of: entry.asset), draft[slot] == 0, entry.quantity != .zero
            else { return false }
            draft[slot] = entry.quantity.double
        }
        return true
    }

    /// Stores a snapshot in the place of the account's last one.
    ///
    /// - Returns: the owner that the account left.
    mutating func store(_ snapshot: AccountSnapshot, of account: Int32) -> Int32? {
        let owner = owners.number(of: snapshot.owner)
        let former = self.owner(of: account)
        if former < 0 {
            openCount += 1
            // Of most accounts that are opened nothing was published before.
            if !knows(account) {
                keep(snapshot, of: account, owner: owner)
                return nil
            }
        }
        let output = output(of: account)
        takeOut(account)
        let leaves = former >= 0 && former != owner
        if leaves { leave(former, account) }
        keep(snapshot, of: account, owner: owner)
        if let output { setOutput(output, of: account) }
        if leaves { indexApart(former) }
        return leaves ? former : nil
    }

    /// Keeps the snapshot of an account of which nothing is kept.
    private mutating func keep(_ snapshot: AccountSnapshot, of account: Int32, owner: Int32) {
        owners.join(owner, account, in: names)
        entries[Int(account)].owner = owner
        if owners.only(of: owner) != account {
            keepShared(snapshot, of: account, owner: owner)
        } else {
            if draw(snapshot, account: account) {
                entries[Int(account)].place = open.append(&draft)
            } else {
                apart[account] = Apart(snapshot: snapshot)
            }
            if !mixedOwners.isEmpty { shared(owner) }
        }
        indexApart(owner)
    }

    /// Forgets an account's positions.
    ///
    /// - Returns: its owner; nil when it was not open.
    mutating func remove(_ name: Identifier) -> Int32? {
        guard let account = names.index(of: name), isOpen(account) else { return nil }
        let output = output(of: account)
        let owner = owner(of: account)
        takeOut(account)
        leave(owner, account)
        entries[Int(account)].owner = -1
        openCount -= 1
        if let output { setOutput(output, of: account) }
        indexApart(owner)
        return owner
    }

    private mutating func leave(_ owner: Int32, _ account: Int32) {
        owners.leave(owner, account)
        shared(owner)
    }

    /// Takes accounts out of the rows and keeps them as they came.
    mutating func setApart(_ accounts: [Int32]) {
        for account in accounts where place(of: account) != nil {
            let kept = Apart(snapshot: snapshot(of: account), output: output(of: account))
            takeOut(account)
            apart[account] = kept
        }
    }

    mutating func takeOut(_ account: Int32) {
        let entry = entries[Int(account)]
        if !entry.place.isNone {
            let moved: Int32?
            if entry.owner >= 0 {
                let (block, row) = (entry.place.block, entry.place.row)
                exact.forget(account, in: blocks[block], row: row)
                triggers.forget(blocks[block].nears[row], assets: blocks[block].assetsOfRow(row))
                moved = open.remove(entry.place)
            } else {
                moved = closed.remove(entry.place)
                // Restored outputs find their accounts: then they are needed no more.
                closed.release(entry.place.block)
            }
            if let moved { entries[Int(moved)].place = entry.place }
            entries[Int(account)].place = .none
        }
        if !apart.isEmpty { apart[account] = nil }
    }

    /// Brings an account into the form of a row.
    ///
    /// - Returns: false where rows cannot hold it.
    mutating func draw(
        _ snapshot: AccountSnapshot, account: Int32, isShared: Bool = false, isMixed: Bool = false
    ) -> Bool {
        guard snapshot.requirement == nil else { return false }
        draft.begin(
            account, sequence: snapshot.sequence, time: snapshot.time, isShared: isShared,
            isMixed: isMixed)
        var isPlain = true
        for index in snapshot.balances.indices {
            let quantity = snapshot.balances[index].quantity
            if quantity == .zero { continue }
            guard let slot = slot(of: snapshot.balances[index].asset) else { return false }
            if let plain = ExactDecimals.plainDouble(quantity) {
                draft[slot] = plain
            } else {
                draft[slot] = quantity.double
                isPlain = isPlain && ExactDecimals.isPlain(quantity)
            }
        }
        if !snapshot.positions.isEmpty {
            guard drawPositions(of: snapshot) else { return false }
        }
        if isPlain { return true }
        for balance in snapshot.balances where balance.quantity != .zero {
            let asset = assetNumber(of: balance.asset)
            exact.note(balance.quantity, .balance(account: account, asset: asset))
        }
        return true
    }

    /// Where an asset is in the draft, added if it is new.
    ///
    /// - Returns: nil where the row is full.
    @inline(__always)
    private mutating func slot(of name: Identifier) -> Int? {
        let asset = assetNumber(of: name)
        return draft.slot(of: asset) { assetNames.isOrdered(asset, before: $0) }
    }

    private mutating func drawPositions(of snapshot: AccountSnapshot) -> Bool {
        let positions = snapshot.positions.filter { $0.quantity != .zero }
        guard positions.count <= Self.mostPositions else { return false }
        let settlements = positions.map {
            Instrument($0).settlement(valuationCurrency: valuationCurrency)
        }
        for (position, settlement) in zip(positions, settlements) {
            guard slot(of: position.underlying) != nil else { return false }
            if let settlement, slot(of: settlement) == nil { return false }
        }
        for position in positions.sorted(by: Self.precedes) { append(position) }
        return true
    }

    private static func precedes(_ left: Position, _ right: Position) -> Bool {
        left.underlying == right.underlying
            ? left.instrument < right.instrument : left.underlying < right.underlying
    }

    /// Appends a position to the draft, which has its assets.
    private mutating func append(_ position: Position) {
        let instrument = Instrument(position)
        let number = instruments.number(
            of: instrument, underlying: assetNumber(of: position.underlying))
        let settlement = instrument.settlement(valuationCurrency: valuationCurrency)
            .map { assetNumber(of: $0) }
        draft.instruments.append(number)
        draft.contracts.append(position.quantity.double)
        draft.entryPrices.append(position.entryPrice.double)
        draft.settlements.append(
            Int8(settlement.flatMap { draft.firstSlot(of: $0) } ?? -1))
        exact.note(
            position.quantity, .contracts(account: draft.account, instrument: number))
        exact.note(position.entryPrice, .entry(account: draft.account, instrument: number))
    }

    /// Sets under which assets an owner with accounts kept apart is found.
    private mutating func indexApart(_ owner: Int32) {
        // Of most owners nothing is kept apart, and never was.
        if apart.isEmpty && apartOwners.isEmpty { return }
        var assets: Set<Int32> = []
        for account in accounts(of: owner) {
            guard let snapshot = apart[account]?.snapshot else { continue }
            for asset in snapshot.everyAsset(valuationCurrency: valuationCurrency) {
                assets.insert(assetNumber(of: asset))
            }
        }
        apartOwners.set(owner, to: assets)
    }
}

extension AccountSnapshot {
    /// Whether it says that the account has nothing.
    var isEmpty: Bool {
        requirement == nil && balances.allSatisfy { $0.quantity == .zero }
            && positions.allSatisfy { $0.quantity == .zero }
    }

    /// Every asset whose price or haircut the account's figures depend on, some repeatedly.
    func everyAsset(valuationCurrency: Identifier) -> [Identifier] {
        var assets = balances.map(\.asset)
        for position in positions {
            assets.append(position.underlying)
            let settlement = Instrument(position).settlement(valuationCurrency: valuationCurrency)
            if let settlement { assets.append(settlement) }
        }
        return assets
    }
}
