import Haircuts
import Margin
import Market
import Quantities

/// The accounts of a shard, their owners, and what was last published of each.
///
/// Names of accounts and owners have small consecutive numbers in the order they were first heard
/// of. Most accounts are rows of columns (`HoldingRows`). Kept apart, as they came, are those that
/// rows cannot hold: of owners with several accounts, with a requirement of the exchange's own,
/// very wide ones, and closed ones, of which the last output is kept.
struct AccountBook: Sendable {
    /// What is known by a number, as an account and as an owner.
    private struct Entry: Sendable {
        /// Of the account; −1: not open.
        var owner: Int32 = -1
        /// Index of the shape whose row the account is; −1: none.
        var shape: Int32 = -1
        var row: Int32 = 0
        /// Of the owner: its only account; −1: none; −2: several, in `groups`.
        var member: Int32 = -1
    }

    /// An account that is no row.
    struct Apart: Sendable {
        /// nil: closed.
        var snapshot: AccountSnapshot?
        var output: MarginRequirement?
    }

    /// Widest and deepest row.
    static let mostAssets = 16
    static let mostPositions = 32

    let valuationCurrency: Identifier
    private(set) var names = IdentifierTable()
    private var entries: [Entry] = []
    private(set) var openCount = 0
    var shapes: [HoldingRows] = []
    private var shapeNumbers: [Int32: Int32] = [:]
    private var apart: [Int32: Apart] = [:]
    private var groups: [Int32: [Int32]] = [:]
    /// Decimals that are not the eight-digit ones next to the binary numbers in the rows.
    private var exact = ExactDecimals()

    private(set) var assetNames = IdentifierTable()
    var columns = AssetColumns()
    var instruments = InstrumentColumns()
    var triggers = TriggerIndex()
    /// Owners of accounts kept apart, by asset number; each increasing.
    private var apartOwners: [[Int32]] = []

    init(valuationCurrency: Identifier) {
        self.valuationCurrency = valuationCurrency
        let asset = assetNumber(of: valuationCurrency)
        columns.update(
            asset, to: AssetMarket(valuationCurrency: valuationCurrency),
            at: Instant(nanoseconds: 0))
    }

    // Numbers

    mutating func assetNumber(of asset: Identifier) -> Int32 {
        let number = assetNames.insert(asset)
        if Int(number) == columns.count {
            columns.append()
            triggers.append()
            apartOwners.append([])
        }
        return number
    }

    mutating func number(of name: Identifier) -> Int32 {
        let number = names.insert(name)
        if Int(number) == entries.count { entries.append(Entry()) }
        return number
    }

    // Reading

    func isOpen(_ account: Int32) -> Bool { entries[Int(account)].owner >= 0 }
    func owner(of account: Int32) -> Int32 { entries[Int(account)].owner }

    /// Where an account's row is; nil for one kept apart.
    func place(of account: Int32) -> (shape: Int, row: Int)? {
        let entry = entries[Int(account)]
        return entry.shape < 0 ? nil : (Int(entry.shape), Int(entry.row))
    }

    /// An owner's open accounts, in order of their names.
    func accounts(of owner: Int32) -> [Int32] {
        switch entries[Int(owner)].member {
        case -1: []
        case -2: groups[owner] ?? []
        case let only: [only]
        }
    }

    /// Owners with accounts kept apart that have to do with an asset.
    func ownersApart(holding asset: Int32) -> [Int32] { apartOwners[Int(asset)] }

    var everyOwnerApart: [Int32] {
        Set(apart.keys.filter { isOpen($0) }.map { owner(of: $0) }).sorted()
    }

    var everyOpenAccount: [Int32] {
        entries.indices.filter { entries[$0].owner >= 0 }.map(Int32.init)
    }

    /// Accounts that once were published and are not open, in order of their names.
    var closedAccounts: [Int32] {
        apart.keys.filter { !isOpen($0) }.sorted { names[$0] < names[$1] }
    }

    func snapshots(of owner: Int32) -> [AccountSnapshot] {
        accounts(of: owner).compactMap { snapshot(of: $0) }
    }

    /// The sequence and the time of the last snapshot of an open account.
    func lastSnapshot(of account: Identifier) -> (sequence: Int64, time: Instant)? {
        guard let number = names.index(of: account), isOpen(number) else { return nil }
        if let (shape, row) = place(of: number) {
            return (shapes[shape].positionsSequences[row], shapes[shape].positionsTimes[row])
        }
        return apart[number]?.snapshot.map { ($0.sequence, $0.time) }
    }

    func positionsSequence(of account: Int32) -> Int64? {
        guard let (shape, row) = place(of: account) else {
            return apart[account]?.snapshot?.sequence
        }
        return shapes[shape].positionsSequences[row]
    }

    func snapshot(of account: Int32) -> AccountSnapshot? {
        guard let (shape, row) = place(of: account) else { return apart[account]?.snapshot }
        return snapshot(of: account, in: shapes[shape], row: row)
    }

    private func snapshot(
        of account: Int32, in rows: HoldingRows, row: Int
    ) -> AccountSnapshot {
        var snapshot = AccountSnapshot(
            account: names[account], owner: names[owner(of: account)],
            time: rows.positionsTimes[row], sequence: rows.positionsSequences[row])
        for slot in row * rows.width..<(row + 1) * rows.width where rows.quantities[slot] != 0 {
            let asset = rows.assets[slot]
            snapshot.balances.append(
                Balance(
                    asset: assetNames[asset],
                    quantity: exact.decimal(
                        rows.quantities[slot], .balance(account: account, asset: asset))))
        }
        for lot in row * rows.depth..<(row + 1) * rows.depth {
            let number = rows.instruments[lot]
            let instrument = instruments.instruments[Int(number)]
            snapshot.positions.append(
                Position(
                    instrument: instrument.identifier, terms: instrument.terms,
                    underlying: instrument.underlying, multiplier: instrument.multiplier,
                    quantity: exact.decimal(
                        rows.contracts[lot], .contracts(account: account, instrument: number)),
                    entryPrice: exact.decimal(
                        rows.entryPrices[lot], .entry(account: account, instrument: number))))
        }
        return snapshot
    }

    /// The last output of an account, as far as it was remembered: enough to go on from and to
    /// compare with.
    func output(of account: Int32) -> MarginRequirement? {
        guard let (shape, row) = place(of: account) else { return apart[account]?.output }
        return shapes[shape].output(
            row, account: names[account], assetNames: assetNames, columns: columns)
    }

    /// The status, sequence and snapshot of the last output; nil where none was.
    func lastOutput(of account: Int32) -> LastOutput? {
        guard let (shape, row) = place(of: account) else {
            return apart[account]?.output.map(LastOutput.init)
        }
        return shapes[shape].lastOutput(row)
    }

    // Changing

    mutating func setOutput(_ requirement: MarginRequirement, of account: Int32) {
        if let (shape, row) = place(of: account) {
            shapes[shape].setOutput(requirement, at: row, names: assetNames)
        } else {
            apart[account, default: Apart()].output = requirement
        }
    }

    /// Stores a snapshot in the place of the account's last one.
    ///
    /// - Returns: owners whose accounts are to be valued: the account's, and the one it left.
    mutating func store(_ snapshot: AccountSnapshot) -> [Int32] {
        let account = number(of: snapshot.account)
        let owner = number(of: snapshot.owner)
        var touched = [owner]
        let output = output(of: account)
        if isOpen(account) {
            let former = self.owner(of: account)
            takeOut(account)
            if former != owner {
                leave(former, account)
                touched.append(former)
            }
        } else {
            openCount += 1
        }
        if !apart.isEmpty { apart[account] = nil }
        join(owner, account)
        entries[Int(account)].owner = owner
        let isAlone = entries[Int(owner)].member == account
        if isAlone, let row = row(of: snapshot, account: account) {
            place(row, of: account)
        } else {
            if !isAlone { setApart(accounts(of: owner).filter { $0 != account }) }
            apart[account] = Apart(snapshot: snapshot)
        }
        if let output { setOutput(output, of: account) }
        for owner in touched { indexApart(owner) }
        return touched
    }

    /// Forgets an account's positions.
    ///
    /// - Returns: its owner; nil when it was not open.
    mutating func remove(_ name: Identifier) -> Int32? {
        guard let account = names.index(of: name), isOpen(account) else { return nil }
        let output = output(of: account)
        let owner = owner(of: account)
        takeOut(account)
        apart[account] = output.map { Apart(snapshot: nil, output: $0) }
        leave(owner, account)
        entries[Int(account)].owner = -1
        openCount -= 1
        indexApart(owner)
        return owner
    }

    private mutating func join(_ owner: Int32, _ account: Int32) {
        let member = entries[Int(owner)].member
        if member == -1 || member == account {
            entries[Int(owner)].member = account
            return
        }
        var all = accounts(of: owner)
        guard !all.contains(account) else { return }
        let place = all.firstIndex { names[$0] > names[account] } ?? all.count
        all.insert(account, at: place)
        groups[owner] = all
        entries[Int(owner)].member = -2
    }

    private mutating func leave(_ owner: Int32, _ account: Int32) {
        let rest = accounts(of: owner).filter { $0 != account }
        groups[owner] = rest.count > 1 ? rest : nil
        entries[Int(owner)].member = rest.count > 1 ? -2 : rest.first ?? -1
    }

    /// Takes accounts out of the rows and keeps them as they came.
    private mutating func setApart(_ accounts: [Int32]) {
        for account in accounts where place(of: account) != nil {
            let kept = Apart(snapshot: snapshot(of: account), output: output(of: account))
            takeOut(account)
            apart[account] = kept
        }
    }

    private mutating func place(_ row: HoldingRows.Row, of account: Int32) {
        let key = Int32(row.assets.count) << 16 | Int32(row.instruments.count)
        let shape = shapeNumbers[key] ?? Int32(shapes.count)
        if shapeNumbers[key] == nil {
            shapeNumbers[key] = shape
            shapes.append(HoldingRows(width: row.assets.count, depth: row.instruments.count))
        }
        entries[Int(account)].shape = shape
        entries[Int(account)].row = shapes[Int(shape)].append(row)
    }

    private mutating func takeOut(_ account: Int32) {
        if let (shape, row) = place(of: account) {
            exact.forget(account, in: shapes[shape], row: row)
            triggers.forget(shapes[shape].nears[row], assets: shapes[shape].assetsOfRow(row))
            if let moved = shapes[shape].remove(row) { entries[Int(moved)].row = Int32(row) }
            entries[Int(account)].shape = -1
        }
        apart[account] = nil
    }

    /// The account as a row; nil where rows cannot hold it.
    private mutating func row(of snapshot: AccountSnapshot, account: Int32) -> HoldingRows.Row? {
        guard snapshot.requirement == nil else { return nil }
        let positions = snapshot.positions.filter { $0.quantity != .zero }
        let balances = snapshot.balances.filter { $0.quantity != .zero }
        guard positions.count <= Self.mostPositions, balances.count <= Self.mostAssets else {
            return nil
        }
        var named = balances.map(\.asset)
        for position in positions {
            named.append(position.underlying)
            let settlement = Instrument(position).settlement(valuationCurrency: valuationCurrency)
            if let settlement { named.append(settlement) }
        }
        named.sort()
        var distinct: [Identifier] = []
        for name in named where name != distinct.last { distinct.append(name) }
        guard distinct.count <= Self.mostAssets else { return nil }
        var row = HoldingRows.Row()
        row.account = account
        row.positionsSequence = snapshot.sequence
        row.positionsTime = snapshot.time
        row.assets = distinct.map { assetNumber(of: $0) }
        row.quantities = distinct.map { _ in 0 }
        for balance in balances {
            guard let slot = distinct.firstIndex(of: balance.asset) else { continue }
            row.quantities[slot] = balance.quantity.double
            exact.note(
                balance.quantity, .balance(account: account, asset: row.assets[slot]))
        }
        for position in positions.sorted(by: Self.precedes) {
            append(position, of: account, distinct, to: &row)
        }
        return row
    }

    private static func precedes(_ left: Position, _ right: Position) -> Bool {
        left.underlying == right.underlying
            ? left.instrument < right.instrument : left.underlying < right.underlying
    }

    private mutating func append(
        _ position: Position, of account: Int32, _ assets: [Identifier],
        to row: inout HoldingRows.Row
    ) {
        let instrument = Instrument(position)
        let number = instruments.number(
            of: instrument, underlying: assetNumber(of: position.underlying))
        let settlement = instrument.settlement(valuationCurrency: valuationCurrency)
        row.instruments.append(number)
        row.contracts.append(position.quantity.double)
        row.entryPrices.append(position.entryPrice.double)
        row.settlements.append(
            Int8(settlement.flatMap { assets.firstIndex(of: $0) } ?? -1))
        exact.note(position.quantity, .contracts(account: account, instrument: number))
        exact.note(position.entryPrice, .entry(account: account, instrument: number))
    }

    /// Sets under which assets an owner with accounts kept apart is found.
    private mutating func indexApart(_ owner: Int32) {
        // Of most owners nothing is kept apart, and never was.
        if apart.isEmpty && indexed.isEmpty { return }
        var assets: Set<Int32> = []
        for account in accounts(of: owner) {
            guard let snapshot = apart[account]?.snapshot else { continue }
            for asset in snapshot.everyAsset(valuationCurrency: valuationCurrency) {
                assets.insert(assetNumber(of: asset))
            }
        }
        let former = indexed[owner] ?? []
        for asset in former where !assets.contains(asset) {
            apartOwners[Int(asset)].removeAll { $0 == owner }
        }
        for asset in assets.sorted() where !former.contains(asset) {
            let all = apartOwners[Int(asset)]
            apartOwners[Int(asset)].insert(owner, at: all.firstIndex { $0 > owner } ?? all.count)
        }
        indexed[owner] = assets.isEmpty ? nil : assets
    }

    /// The assets under which each owner is found in `apartOwners`.
    private var indexed: [Int32: Set<Int32>] = [:]
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
