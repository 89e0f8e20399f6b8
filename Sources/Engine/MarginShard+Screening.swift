import Haircuts
import Margin
import Market
import Quantities

extension MarginShard {
    /// Values the rows that a change of some markets may have carried over a line, and names the
    /// accounts whose status changed, or may have.
    ///
    /// - Parameter assets: numbers of those whose markets changed.
    mutating func screen(_ assets: [Int32]) -> [Int32] {
        revalueInstruments()
        if book.triggers.needsSweep { return sweep() }
        var touched: [Int32] = []
        for asset in assets { book.triggers.collect(asset, into: &touched) }
        return screen(accounts: touched) + screenDerivatives(assets)
    }

    /// Values the rows with positions that have to do with some assets.
    ///
    /// Options move with time and volatility too, so that these rows have no reach and no place
    /// in the trigger index.
    ///
    /// - Parameter assets: nil: all rows.
    private mutating func screenDerivatives(_ assets: [Int32]?) -> [Int32] {
        guard assets?.isEmpty != true else { return [] }
        var concerns = Array(repeating: assets == nil, count: book.columns.count)
        for asset in assets ?? [] { concerns[Int(asset)] = true }
        var changed: [Int32] = []
        for block in book.blocks.indices where !book.blocks[block].hasTriggers {
            screenDerivatives(in: block, concerns, changed: &changed)
        }
        return changed
    }

    private mutating func screenDerivatives(
        in block: Int, _ concerns: [Bool], changed: inout [Int32]
    ) {
        let rows = book.blocks[block]
        // What one account of a mixed owner is marked at, the others are told.
        let everything = rows.isMixed || concerns.allSatisfy { $0 }
        rowsValued += RowReader.reading(
            rows, book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { reader in
            // Without bounds checks: no fewer states than rows, as many flags as assets.
            concerns.withUnsafeBufferPointer { concerns in
                rows.states.withUnsafeBufferPointer { states in
                    var valued = 0
                    for row in 0..<rows.count {
                        guard everything || reader.isConcerned(row, by: concerns) else { continue }
                        valued += 1
                        let severity = states[row].severity
                        if severity == 0 {
                            let worst = reader.derivativesAtWorst(row)
                            if worst.slack(severity: 0, reader.lines) > 0, !worst.isSpecial {
                                continue
                            }
                        }
                        let figures = reader.derivatives(row)
                        let slack = figures.slack(severity: severity, reader.lines)
                        if slack < 0 || figures.isSpecial { changed.append(rows.accounts[row]) }
                    }
                    return valued
                }
            }
        }
    }

    /// Values the instruments whose underlyings' markets changed.
    mutating func revalueInstruments() {
        let stale = book.instruments.stale.sorted().map { asset in
            let name = book.assetNames[asset]
            return (asset, name == valuationCurrency ? nil : tables[name])
        }
        book.instruments.revalue(stale, model.instruments)
        book.settleMixed(stale.map(\.0), scratch: &scratch, lines)
    }

    /// Values every row and, of those without positions, draws up the trigger index anew.
    private mutating func sweep() -> [Int32] {
        book.triggers.beginSweep()
        var changed: [Int32] = []
        var listed = 0
        var without = 0
        let quick = SpotScreen(book.columns, lines)
        for block in book.blocks.indices where book.blocks[block].hasTriggers {
            book.blocks[block].forgetNears()
            rowsValued += book.blocks[block].count
            for (row, reach) in endangered(in: block, quick, changed: &changed)
            where book.triggers.isNear(reach, isSweeping: true) {
                if reach < 0 { without += 1 } else { listed += 1 }
                book.list(block: block, row: Int(row), reach: reach)
            }
        }
        let rows = book.blocks.reduce(0) { $0 + ($1.hasTriggers ? $1.count : 0) }
        book.triggers.endSweep(near: listed, of: rows - without)
        return changed + screenDerivatives(nil)
    }

    /// Values every row of a block without positions.
    ///
    /// - Returns: rows whose reach is, about, below the horizon.
    private mutating func endangered(
        in block: Int, _ quick: SpotScreen, changed: inout [Int32]
    ) -> [(row: Int32, reach: Double)] {
        let rows = book.blocks[block]
        let horizon = book.triggers.horizon * RowFigures.growth
        return RowReader.reading(
            rows, book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { reader in
            rows.states.withUnsafeBufferPointer { states in
                quick.reading(horizon: horizon) { quick in
                    var endangered: [(row: Int32, reach: Double)] = []
                    guard let states = states.baseAddress else { return [] }
                    /// The next row that has to be looked at; what others hold a quick look misses.
                    func next(from row: Int) -> Int {
                        rows.isShared ? row : quick.passed(row..<rows.count, states, of: reader)
                    }
                    var row = next(from: 0)
                    while row < rows.count {
                        let figures = reader.spot(row)
                        let slack = figures.slack(severity: states[row].severity, reader.lines)
                        // Most accounts are far: no division for them.
                        if slack <= horizon * figures.sensitivity || figures.isSpecial {
                            if slack < 0 || figures.isSpecial {
                                changed.append(rows.accounts[row])
                            }
                            endangered.append((Int32(row), figures.reach(slack: slack)))
                        }
                        row = next(from: row + 1)
                    }
                    return endangered
                }
            }
        }
    }

    /// Values the rows of some accounts that have no positions, and renews their reaches.
    mutating func screen(accounts: [Int32]) -> [Int32] {
        var rows: [[Int32]] = book.blocks.map { _ in [] }
        for account in accounts {
            if let (block, row) = book.place(of: account) { rows[block].append(Int32(row)) }
        }
        var changed: [Int32] = []
        for block in rows.indices where !rows[block].isEmpty && book.blocks[block].hasTriggers {
            rowsValued += rows[block].count
            let reaches = reaches(of: block, rows: rows[block], changed: &changed)
            for (index, row) in rows[block].enumerated() {
                book.renew(block: block, row: Int(row), reach: reaches[index])
            }
        }
        return changed
    }

    private mutating func reaches(
        of block: Int, rows numbers: [Int32], changed: inout [Int32]
    ) -> [Double] {
        let rows = book.blocks[block]
        return RowReader.reading(
            rows, book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { reader in
            numbers.map { number in
                let row = Int(number)
                let figures = reader.spot(row)
                let slack = figures.slack(severity: rows.states[row].severity, reader.lines)
                if slack < 0 || figures.isSpecial { changed.append(rows.accounts[row]) }
                return figures.reach(slack: slack)
            }
        }
    }

    /// An account's figures in the markets of now; nil for one that is not open.
    public func figures(of account: Identifier) -> MarginFigures? {
        guard let number = book.names.index(of: account), book.isOpen(number) else { return nil }
        if let figures = rowFigures(of: number) { return figures }
        let owner = book.owner(of: number)
        return book.accounts(of: owner).firstIndex(of: number).map {
            value(owner).figures(of: $0)
        }
    }

    /// The figures of an account as rows have them; nil for one kept apart or with something
    /// unpriced.
    func rowFigures(of account: Int32) -> MarginFigures? {
        guard let (block, row) = book.place(of: account) else { return nil }
        var scratch: [Double] = []
        let figures = RowReader.reading(
            book.blocks[block], book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { $0.all(row) }
        return figures.isSpecial ? nil : figures.figures
    }
}

extension RowFigures {
    /// Room for the growth of values on the way: moves are measured against where they begin.
    static let growth = 1.1

    /// How far all markets may move, as a fraction, before the status may change.
    ///
    @inline(__always)
    func reach(slack: Double) -> Double {
        if isSpecial || slack < 0 || sensitivity == .infinity { return TriggerIndex.always }
        return sensitivity > 0 ? slack / (Self.growth * sensitivity) : .infinity
    }
}

extension AccountBook {
    /// Lists a row in the trigger index.
    mutating func list(block: Int, row: Int, reach: Double) {
        blocks[block].nears[row] = triggers.list(
            blocks[block].accounts[row], assets: blocks[block].assetsOfRow(row), reach: reach)
    }

    /// Takes the new reach of a row into the trigger index.
    mutating func renew(block: Int, row: Int, reach: Double) {
        let near = blocks[block].nears[row]
        if near >= 0 {
            triggers.update(near, assets: blocks[block].assetsOfRow(row), reach: reach)
        } else if triggers.isNear(reach, isSweeping: false) {
            list(block: block, row: row, reach: reach)
        }
    }
}
