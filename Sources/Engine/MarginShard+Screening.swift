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
        return screen(accounts: touched)
    }

    /// Values the instruments whose underlyings' markets changed.
    mutating func revalueInstruments() {
        let stale = book.instruments.stale.sorted().map { asset in
            let name = book.assetNames[asset]
            return (asset, name == valuationCurrency ? nil : tables[name])
        }
        book.instruments.revalue(stale, model.instruments)
    }

    /// Values every row and draws up the trigger index anew.
    private mutating func sweep() -> [Int32] {
        book.triggers.beginSweep()
        var changed: [Int32] = []
        var near = 0
        var count = 0
        for shape in book.shapes.indices {
            let reached = reaches(of: shape, changed: &changed)
            rowsValued += reached.count
            for row in reached.indices {
                let reach = reached[row]
                if reach >= 0 { count += 1 }
                guard book.triggers.isNear(reach, isSweeping: true) else {
                    book.setNear(-1, shape: shape, row: row)
                    continue
                }
                if reach >= 0 { near += 1 }
                book.list(shape: shape, row: row, reach: reach)
            }
        }
        book.triggers.endSweep(near: near, of: count)
        return changed
    }

    /// The reach of every row of a shape; `TriggerIndex.always` for those that have none.
    private mutating func reaches(of shape: Int, changed: inout [Int32]) -> [Double] {
        let rows = book.shapes[shape]
        var found: [Int32] = []
        let reaches = RowReader.reading(
            rows, book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { reader in
            [Double](unsafeUninitializedCapacity: rows.count) { reaches, count in
                count = rows.count
                for row in 0..<rows.count {
                    let figures = reader.all(row)
                    let slack = figures.slack(severity: rows.states[row].severity, reader.lines)
                    if slack < 0 || figures.isSpecial { found.append(rows.accounts[row]) }
                    reaches[row] = figures.reach(slack: slack)
                }
            }
        }
        changed += found
        return reaches
    }

    /// Values the rows of some accounts, and renews their reaches.
    mutating func screen(accounts: [Int32]) -> [Int32] {
        var rows: [[Int32]] = book.shapes.map { _ in [] }
        for account in accounts {
            if let (shape, row) = book.place(of: account) { rows[shape].append(Int32(row)) }
        }
        var changed: [Int32] = []
        for shape in rows.indices where !rows[shape].isEmpty {
            rowsValued += rows[shape].count
            let reaches = reaches(of: shape, rows: rows[shape], changed: &changed)
            for (index, row) in rows[shape].enumerated() {
                book.renew(shape: shape, row: Int(row), reach: reaches[index])
            }
        }
        return changed
    }

    private mutating func reaches(
        of shape: Int, rows numbers: [Int32], changed: inout [Int32]
    ) -> [Double] {
        let rows = book.shapes[shape]
        return RowReader.reading(
            rows, book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { reader in
            numbers.map { number in
                let row = Int(number)
                let figures = reader.all(row)
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
        guard let (shape, row) = book.place(of: account) else { return nil }
        var scratch: [Double] = []
        let figures = RowReader.reading(
            book.shapes[shape], book.columns, book.instruments, scratch: &scratch, lines: lines
        ) { $0.all(row) }
        return figures.isSpecial ? nil : figures.figures
    }
}

extension RowFigures {
    /// How far all markets may move, as a fraction, before the status may change.
    ///
    /// A tenth is kept for the growth of values on the way.
    @inline(__always)
    func reach(slack: Double) -> Double {
        if isSpecial || slack < 0 || sensitivity == .infinity { return TriggerIndex.always }
        return sensitivity > 0 ? slack / (1.1 * sensitivity) : .infinity
    }
}

extension AccountBook {
    mutating func setNear(_ near: Int32, shape: Int, row: Int) {
        shapes[shape].nears[row] = near
    }

    /// Lists a row in the trigger index.
    mutating func list(shape: Int, row: Int, reach: Double) {
        shapes[shape].nears[row] = triggers.list(
            shapes[shape].accounts[row], assets: shapes[shape].assetsOfRow(row), reach: reach)
    }

    /// Takes the new reach of a row into the trigger index.
    mutating func renew(shape: Int, row: Int, reach: Double) {
        let near = shapes[shape].nears[row]
        if near >= 0 {
            triggers.update(near, assets: shapes[shape].assetsOfRow(row), reach: reach)
        } else if triggers.isNear(reach, isSweeping: false) {
            list(shape: shape, row: row, reach: reach)
        }
    }
}
