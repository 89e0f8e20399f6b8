import Haircuts
import Margin

/// The figures of one row, in the model's terms and computed in its order of operations.
struct RowFigures {
    var equity = 0.0
    var collateral = SIMD2<Double>()
    var debts = SIMD2<Double>()
    var optionMarks = 0.0
    var requirement = SIMD2<Double>()
    /// A bound on what the figures change by, per fraction that all markets move.
    var sensitivity = 0.0
    /// Whether the model has to be asked: something is unpriced or unknown.
    var isSpecial = false

    /// Initial, maintenance.
    @inline(__always)
    var excess: SIMD2<Double> { collateral - debts + optionMarks - requirement }

    var figures: MarginFigures {
        MarginFigures(
            equity: equity, collateral: MarginPair(collateral), debts: MarginPair(debts),
            optionMarks: optionMarks, requirement: MarginPair(requirement))
    }

    /// How much the figures may change before the status does, given that it is not to change now.
    ///
    /// - Returns: < 0 where the status has changed.
    @inline(__always)
    func slack(severity: Int, _ lines: StatusLines) -> Double {
        let excess = excess
        let scale = requirement[1] + lines.debtScale * debts[1]
        let margins = SIMD4(
            excess[0] - lines.warningBuffer * scale, excess[0], excess[1], equity)
        if severity == 0 {
            return min(min(margins[0], margins[1]), min(margins[2], margins[3]))
        }
        // A line of a worse status must not be crossed downwards; that of its own not upwards.
        var slack = Double.infinity
        for line in 0..<4 where line >= severity { slack = min(slack, margins[line]) }
        if severity > 0 {
            let room = lines.hysteresis * scale - margins[severity - 1]
            // Exactly on the line is beyond it.
            slack = min(slack, room > 0 ? room : -1)
        }
        return slack
    }
}

extension MarginPair {
    init(_ pair: SIMD2<Double>) {
        self.init(initial: pair[0], maintenance: pair[1])
    }
}

/// The parameters that place the lines between statuses.
struct StatusLines {
    let warningBuffer: Double
    let debtScale: Double
    let hysteresis: Double
    let initialMultiplier: Double
    /// What a debt changes the figures by, at most, over what its value changes by: twice, once
    /// more through each of the lines that S moves.
    let debtSensitivity: Double

    init(_ parameters: MarginParameters) {
        warningBuffer = parameters.warningBuffer
        debtScale = parameters.debtScale
        hysteresis = parameters.hysteresis
        initialMultiplier = parameters.initialMultiplier
        debtSensitivity =
            2 * (1 + max(0, warningBuffer, hysteresis) * max(0, debtScale))
    }
}

/// Pointers into all that a row's figures depend on, for the length of a loop.
struct RowReader {
    let width: Int
    let depth: Int
    let assets: UnsafePointer<Int32>
    let quantities: UnsafePointer<Double>
    /// What the owner's other accounts hold; nil where they have none.
    let others: UnsafePointer<Double>?
    let instruments: UnsafePointer<Int32>
    let contracts: UnsafePointer<Double>
    let entryPrices: UnsafePointer<Double>
    let settlements: UnsafePointer<Int8>
    let columns: UnsafePointer<Double>
    let tiers: UnsafePointer<Double>
    let values: InstrumentReader
    /// Of at least `width` numbers.
    let scratch: UnsafeMutablePointer<Double>
    let lines: StatusLines

    /// The figures of a row without positions.
    @inline(__always)
    func spot(_ row: Int) -> RowFigures {
        var figures = RowFigures()
        let base = row &* width
        if let others {
            for slot in base..<base &+ width {
                add(quantities[slot], others: others[slot], of: assets[slot], to: &figures)
            }
            return figures
        }
        for slot in base..<base &+ width {
            add(quantities[slot], of: assets[slot], to: &figures)
        }
        return figures
    }

    /// Adds a holding that is haircut together with others, or a debt.
    ///
    /// A move changes what the whole holding counts by as much of its value at most, and this
    /// part's share of it by as much of this part's.
    private func add(
        _ quantity: Double, others: Double, of asset: Int32, to figures: inout RowFigures
    ) {
        guard quantity > 0, others > 0 else { return add(quantity, of: asset, to: &figures) }
        let column = columns + Int(asset) &* AssetColumns.stride
        let price = column[AssetColumns.price]
        let value = quantity * price
        figures.equity += value
        figures.collateral +=
            counted((quantity + others) * price, column) * (quantity / (quantity + others))
        figures.sensitivity += value * column[AssetColumns.moves]
    }

    /// Adds a holding or a debt.
    @inline(__always)
    func add(_ quantity: Double, of asset: Int32, to figures: inout RowFigures) {
        let column = columns + Int(asset) &* AssetColumns.stride
        if quantity > 0 {
            let value = quantity * column[AssetColumns.price]
            figures.equity += value
            figures.collateral += counted(value, column)
            figures.sensitivity += value * column[AssetColumns.moves]
        } else if quantity < 0 {
            let value = -quantity * column[AssetColumns.debtPrice]
            figures.equity -= value
            figures.debts += 2 * value - counted(value, column)
            figures.sensitivity += lines.debtSensitivity * value * column[AssetColumns.moves]
            if column[AssetColumns.debtPrice] == 0 { figures.isSpecial = true }
        }
    }

    /// What a holding of a value counts: `PreparedTiers.collateral`.
    @inline(__always)
    private func counted(_ value: Double, _ column: UnsafePointer<Double>) -> SIMD2<Double> {
        if value <= column[AssetColumns.firstBound] {
            return SIMD2(column[AssetColumns.firstInitial], column[AssetColumns.firstMaintenance])
                * value
        }
        return countedBeyond(value, column)
    }

    @inline(never)
    private func countedBeyond(
        _ value: Double, _ column: UnsafePointer<Double>
    ) -> SIMD2<Double> {
        let numbers = tiers + Int(column[AssetColumns.tierStart])
        let count = Int(column[AssetColumns.tierCount])
        var tier = 0
        while tier + 1 < count && numbers[tier + 1] < value { tier += 1 }
        let initial = numbers[count + tier] + numbers[2 * count + tier] * value
        let maintenance = numbers[3 * count + tier] + numbers[4 * count + tier] * value
        return SIMD2(initial, maintenance)
    }
}

/// Pointers into what instruments are worth and risk, by their numbers.
struct InstrumentReader {
    let entries: UnsafePointer<InstrumentColumns.Entry>
    let arrays: UnsafePointer<Double>
    /// By asset: where the notionals of its ladder begin, and how many there are.
    let ladderStarts: UnsafePointer<Int>
    let ladderCounts: UnsafePointer<Int>
    let notionals: UnsafePointer<Double>

    /// `ScanLadder.place`.
    @inline(__always)
    func place(of delta: Double, underlying: Int) -> (rung: Int, fraction: Double) {
        let ladder = notionals + ladderStarts[underlying]
        let size = abs(delta)
        guard size > ladder[0] else { return (0, 0) }
        let last = ladderCounts[underlying] - 1
        guard size < ladder[last] else { return (last, 0) }
        var rung = 0
        while ladder[rung + 1] <= size { rung += 1 }
        return (rung, (size - ladder[rung]) / (ladder[rung + 1] - ladder[rung]))
    }

    @inline(__always)
    func gains(_ instrument: Int, rung: Int) -> SIMD16<Double> {
        UnsafeRawPointer(arrays + entries[instrument].start + rung * ScanScenarios.count)
            .loadUnaligned(as: SIMD16<Double>.self)
    }
}

extension RowReader {
    /// The figures of any row.
    @inline(__always)
    func all(_ row: Int) -> RowFigures { depth == 0 ? spot(row) : derivatives(row) }

    /// The figures of a row with positions: marks join balances, then risk is added.
    func derivatives(_ row: Int) -> RowFigures {
        var figures = settled(row)
        var maintenance = 0.0
        var start = row &* depth
        let rowEnd = start &+ depth
        while start < rowEnd {
            let underlying = values.entries[Int(instruments[start])].underlying
            var end = start + 1
            while end < rowEnd, values.entries[Int(instruments[end])].underlying == underlying {
                end += 1
            }
            maintenance += risk(start..<end, underlying: Int(underlying))
            start = end
        }
        figures.requirement = SIMD2(lines.initialMultiplier * maintenance, maintenance)
        return figures
    }

    /// The figures of a row with positions, with a requirement that is at least its own: as if
    /// every position met its own worst scenario and none made up for another. No array is read.
    ///
    /// An account that is healthy by these figures is healthy: a larger requirement only takes
    /// from what is above its lines.
    @inline(__always)
    func derivativesAtWorst(_ row: Int) -> RowFigures {
        var figures = settled(row)
        var maintenance = 0.0
        for lot in row &* depth..<(row &+ 1) &* depth {
            // That of the other sign is no loss. Long or short is as good as random: no branch.
            let losses = values.entries[Int(instruments[lot])].worst * contracts[lot]
            maintenance += max(losses[0], losses[1])
        }
        // Far more than what the order of additions changes.
        maintenance *= 1 + 1e-9
        figures.requirement = SIMD2(lines.initialMultiplier * maintenance, maintenance)
        return figures
    }

    /// The figures of a row with positions but for the requirement; `scratch` has its balances
    /// with what settles into them.
    @inline(__always)
    func settled(_ row: Int) -> RowFigures {
        var figures = RowFigures()
        let base = row &* width
        for slot in 0..<width { scratch[slot] = quantities[base &+ slot] }
        settle(row, into: &figures)
        figures.equity = figures.optionMarks
        if let others {
            for slot in 0..<width {
                add(
                    scratch[slot], others: others[base &+ slot], of: assets[base &+ slot],
                    to: &figures)
            }
        } else {
            for slot in 0..<width { add(scratch[slot], of: assets[base &+ slot], to: &figures) }
        }
        // Options move with time and volatility too: no bound is known.
        figures.sensitivity = .infinity
        return figures
    }

    /// Whether a row has to do with any asset that a flag is set for.
    @inline(__always)
    func isConcerned(_ row: Int, by flags: UnsafeBufferPointer<Bool>) -> Bool {
        for slot in row &* width..<(row &+ 1) &* width where flags[Int(assets[slot])] {
            return true
        }
        return false
    }

    /// Marks every position; those of options join no balance.
    @inline(__always)
    private func settle(_ row: Int, into figures: inout RowFigures) {
        for lot in row &* depth..<(row &+ 1) &* depth {
            let entry = values.entries + Int(instruments[lot])
            let quantity = contracts[lot]
            let level = entry.pointee.level
            switch entry.pointee.kind {
            case .unknown: figures.isSpecial = true
            case .option: figures.optionMarks += quantity * level - 0
            case .linear:
                let paid = quantity * entry.pointee.multiplier * entryPrices[lot]
                scratch[Int(settlements[lot])] += quantity * level - paid
            case .inverse:
                let paid = -quantity * entry.pointee.multiplier / entryPrices[lot]
                scratch[Int(settlements[lot])] += quantity * level - paid
            }
        }
    }

    /// The risk of one underlying: `OwnerMarket.risk`.
    @inline(__always)
    private func risk(_ lots: Range<Int>, underlying: Int) -> Double {
        var delta = 0.0
        var charge = 0.0
        for lot in lots {
            let entry = values.entries + Int(instruments[lot])
            delta += contracts[lot] * entry.pointee.delta
            if contracts[lot] < 0 { charge -= contracts[lot] * entry.pointee.charge }
            if entry.pointee.kind == .unknown { return 0 }
        }
        let (rung, fraction) = values.place(of: delta, underlying: underlying)
        var lower = SIMD16<Double>()
        for lot in lots {
            lower += values.gains(Int(instruments[lot]), rung: rung) * contracts[lot]
        }
        if fraction > 0 {
            var upper = SIMD16<Double>()
            for lot in lots {
                upper += values.gains(Int(instruments[lot]), rung: rung + 1) * contracts[lot]
            }
            lower += (upper - lower) * fraction
        }
        // The least of sixteen, by halves.
        let eight = lesser(lower.lowHalf, lower.highHalf)
        let four = lesser(eight.lowHalf, eight.highHalf)
        let two = lesser(four.lowHalf, four.highHalf)
        return max(0, -min(two[0], two[1])) + charge
    }
}

/// `pointwiseMin`, which is a call and a loop of scalars where it is not inlined.
@inline(__always)
private func lesser<Vector: SIMD>(_ left: Vector, _ right: Vector) -> Vector
where Vector.Scalar: FloatingPoint {
    left.replacing(with: right, where: right .< left)
}

extension RowReader {
    /// Reads the rows of one shape in the markets of now.
    ///
    /// - Parameter scratch: grown to what a row needs.
    static func reading<Result>(
        _ rows: HoldingRows, _ assets: AssetColumns, _ instruments: InstrumentColumns,
        scratch: inout [Double], lines: StatusLines, _ body: (RowReader) -> Result
    ) -> Result {
        while scratch.count < rows.width { scratch.append(0) }
        let (width, depth) = (rows.width, rows.depth)
        // Arrays passed as pointers stay where they are for the call.
        func read(
            _ assets: UnsafePointer<Int32>, _ quantities: UnsafePointer<Double>,
            _ others: UnsafePointer<Double>, _ instruments: UnsafePointer<Int32>,
            _ contracts: UnsafePointer<Double>, _ entryPrices: UnsafePointer<Double>,
            _ settlements: UnsafePointer<Int8>, _ columns: UnsafePointer<Double>,
            _ tiers: UnsafePointer<Double>, _ values: InstrumentReader,
            _ scratch: UnsafeMutablePointer<Double>
        ) -> Result {
            body(
                RowReader(
                    width: width, depth: depth, assets: assets, quantities: quantities,
                    others: rows.isShared ? others : nil, instruments: instruments,
                    contracts: contracts, entryPrices: entryPrices,
                    settlements: settlements, columns: columns, tiers: tiers, values: values,
                    scratch: scratch, lines: lines))
        }
        return InstrumentReader.reading(instruments) { values in
            read(
                rows.assets, rows.quantities, rows.others, rows.instruments, rows.contracts,
                rows.entryPrices, rows.settlements, assets.numbers, assets.tiers, values, &scratch)
        }
    }
}

extension InstrumentReader {
    static func reading<Result>(
        _ columns: InstrumentColumns, _ body: (InstrumentReader) -> Result
    ) -> Result {
        func read(
            _ entries: UnsafePointer<InstrumentColumns.Entry>, _ arrays: UnsafePointer<Double>,
            _ ladderStarts: UnsafePointer<Int>, _ ladderCounts: UnsafePointer<Int>,
            _ notionals: UnsafePointer<Double>
        ) -> Result {
            body(
                InstrumentReader(
                    entries: entries, arrays: arrays, ladderStarts: ladderStarts,
                    ladderCounts: ladderCounts, notionals: notionals))
        }
        return read(
            columns.entries, columns.arrays, columns.ladderStarts, columns.ladderCounts,
            columns.notionals)
    }
}
