import Haircuts
import Margin
import Market
import Quantities

/// Accounts that share an owner: what one holds is haircut together with what the others hold.
///
/// Their rows say what the others hold. Where none has derivatives, that changes with positions
/// alone. Where one has (a mixed owner), marks join balances: whenever the instruments of an
/// underlying are valued anew, its rows are settled and their owners' rows told again.
extension AccountBook {
    /// Keeps the snapshot of one of several accounts of an owner: all of them as rows, or none.
    mutating func keepShared(_ snapshot: AccountSnapshot, of account: Int32, owner: Int32) {
        let others = accounts(of: owner).filter { $0 != account }
        defer { shared(owner) }
        guard others.count < Self.mostShared, fits(snapshot), others.allSatisfy({ fits($0) }) else {
            setApart(others)
            apart[account] = Apart(snapshot: snapshot)
            return
        }
        let isMixed = snapshot.hasPositions || others.contains { hasPositions($0) }
        for other in others where !isSharedRow(other, isMixed: isMixed) {
            guard let former = self.snapshot(of: other) else { continue }
            let output = output(of: other)
            takeOut(other)
            appendShared(former, of: other, isMixed: isMixed)
            if let output { setOutput(output, of: other) }
        }
        appendShared(snapshot, of: account, isMixed: isMixed)
    }

    private mutating func appendShared(
        _ snapshot: AccountSnapshot, of account: Int32, isMixed: Bool
    ) {
        guard draw(snapshot, account: account, isShared: true, isMixed: isMixed) else {
            preconditionFailure("an account that fits a row is drawn")
        }
        entries[Int(account)].place = open.append(&draft)
    }

    private func isSharedRow(_ account: Int32, isMixed: Bool) -> Bool {
        place(of: account).map {
            blocks[$0.block].isShared && blocks[$0.block].isMixed == isMixed
        } ?? false
    }

    private func hasPositions(_ account: Int32) -> Bool {
        if let (block, _) = place(of: account) { return blocks[block].depth > 0 }
        return apart[account]?.snapshot?.hasPositions ?? false
    }

    /// Whether an account fits a row.
    private func fits(_ account: Int32) -> Bool {
        place(of: account) != nil || apart[account]?.snapshot.map(fits) ?? false
    }

    private func fits(_ snapshot: AccountSnapshot) -> Bool {
        guard snapshot.requirement == nil else { return false }
        var held = snapshot
        held.balances.removeAll { $0.quantity == .zero }
        held.positions.removeAll { $0.quantity == .zero }
        let assets = Set(held.everyAsset(valuationCurrency: valuationCurrency))
        return held.positions.count <= Self.mostPositions && assets.count <= RowDraft.mostAssets
    }

    /// The accounts of an owner, or what they hold, have changed.
    mutating func shared(_ owner: Int32) {
        var underlyings: Set<Int32> = []
        var isMixed = false
        for account in accounts(of: owner) {
            guard let (block, row) = place(of: account), blocks[block].isShared else {
                // Alone, or kept apart with all others.
                mixedOwners.set(owner, to: [])
                untold.remove(owner)
                return
            }
            isMixed = isMixed || blocks[block].isMixed
            let depth = blocks[block].depth
            for lot in row * depth..<(row + 1) * depth {
                let number = Int(blocks[block].instruments[lot])
                underlyings.insert(instruments.entries[number].underlying)
            }
        }
        mixedOwners.set(owner, to: underlyings)
        if isMixed { untold.insert(owner) } else { tellOthers(of: owner) }
    }

    /// Settles the rows that have to do with some underlyings, and tells their owners' rows. To be
    /// called when the underlyings' instruments have been valued.
    ///
    /// - Parameter scratch: for the reader of rows.
    mutating func settleMixed(
        _ underlyings: [Int32], scratch: inout [Double], _ lines: StatusLines
    ) {
        var owners = untold
        for underlying in underlyings { owners.formUnion(mixedOwners[underlying]) }
        guard !owners.isEmpty else { return }
        for block in blocks.indices where blocks[block].isMixed {
            settle(block, of: owners, scratch: &scratch, lines)
        }
        // In the order in which their rows mostly lie.
        for owner in owners.sorted() { tellOthers(of: owner) }
        untold.removeAll()
    }

    private mutating func settle(
        _ block: Int, of owners: Set<Int32>, scratch: inout [Double], _ lines: StatusLines
    ) {
        // Read to the end before anything is written: a block that is read and written is copied.
        for (row, quantities) in settled(block, of: owners, scratch: &scratch, lines) {
            for slot in quantities.indices {
                blocks[block].setSettled(quantities[slot], at: row, slot: slot)
            }
        }
    }

    private func settled(
        _ block: Int, of owners: Set<Int32>, scratch: inout [Double], _ lines: StatusLines
    ) -> [(row: Int, quantities: [Double])] {
        let rows = blocks[block]
        return RowReader.reading(
            rows, columns, instruments, scratch: &scratch, lines: lines
        ) { reader in
            (0..<rows.count).filter { owners.contains(owner(of: rows.accounts[$0])) }.map { row in
                _ = reader.settled(row)
                return (row, (0..<rows.width).map { reader.scratch[$0] })
            }
        }
    }

    /// Tells the rows of an owner's accounts what the others hold, summed as the model does: in
    /// the order of the accounts.
    private mutating func tellOthers(of owner: Int32) {
        let all = accounts(of: owner)
        for account in all {
            guard let (block, row) = place(of: account), blocks[block].isShared else { return }
            for slot in 0..<blocks[block].width {
                let asset = blocks[block].assets[row * blocks[block].width + slot]
                var held = 0.0
                for other in all where other != account {
                    held += max(0, quantity(of: asset, in: other))
                }
                blocks[block].setOthers(held, at: row, slot: slot)
            }
        }
    }

    /// What the row of an account holds of an asset.
    private func quantity(of asset: Int32, in account: Int32) -> Double {
        guard let (block, row) = place(of: account) else { return 0 }
        let width = blocks[block].width
        for slot in row * width..<(row + 1) * width where blocks[block].assets[slot] == asset {
            return blocks[block].isMixed
                ? blocks[block].settled[slot] : blocks[block].quantities[slot]
        }
        return 0
    }
}

extension AccountSnapshot {
    fileprivate var hasPositions: Bool { positions.contains { $0.quantity != .zero } }
}
