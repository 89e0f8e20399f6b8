import Haircuts
import Margin
import Market
import Quantities

/// All instruments that accounts hold, numbered, with what one contract is worth and risks now.
struct InstrumentColumns: Sendable {
    /// How a position is marked.
    enum Kind: UInt8, Sendable {
        /// The underlying has no market: no mark at all.
        case unknown
        case linear, inverse, option
    }

    /// What a loop over positions needs of an instrument, in the 64 bytes of a cache line.
    struct Entry: Sendable {
        // From `InstrumentValue`.
        var level = 0.0
        var delta = 0.0
        var charge = 0.0
        let multiplier: Double
        /// The most that a contract long loses in any scenario at any rung, ≥ 0, and one short with
        /// its charge, ≤ 0: times the quantity, the greater of the two is the position's loss.
        var worst = SIMD2<Double>()
        /// Where the risk array begins.
        var start = 0
        /// Asset number.
        let underlying: Int32
        var kind = Kind.unknown
    }

    private(set) var instruments: [Instrument] = []
    private var numbers: [Instrument: Int32] = [:]
    private(set) var entries: [Entry] = []
    private(set) var values: [InstrumentValue?] = []
    /// Risk arrays of all instruments.
    private(set) var arrays: [Double] = []
    private var rooms: [Int] = []
    private var live = 0
    /// By asset number: the notionals of its scan ladder.
    private(set) var ladderStarts: [Int] = []
    private(set) var ladderCounts: [Int] = []
    private(set) var notionals: [Double] = []
    private var ladderRooms: [Int] = []

    /// Instruments of each underlying that has any, by asset number.
    private var byUnderlying: [Int32: [Int32]] = [:]
    /// Underlyings whose instruments have to be valued anew.
    private(set) var stale: Set<Int32> = []

    /// The number of an instrument, known from now on.
    mutating func number(of instrument: Instrument, underlying: Int32) -> Int32 {
        if let number = numbers[instrument] { return number }
        let number = Int32(instruments.count)
        numbers[instrument] = number
        instruments.append(instrument)
        entries.append(
            Entry(multiplier: instrument.multiplier.double, underlying: underlying))
        values.append(nil)
        rooms.append(0)
        byUnderlying[underlying, default: []].append(number)
        stale.insert(underlying)
        return number
    }

    /// The market of an underlying has changed.
    mutating func marketChanged(_ underlying: Int32) {
        if byUnderlying[underlying] != nil { stale.insert(underlying) }
    }

    /// Values anew the instruments of these underlyings, which are all that are stale.
    ///
    /// - Parameter markets: nil where there is none.
    mutating func revalue(
        _ markets: [(underlying: Int32, market: AssetMarket?)], _ model: InstrumentModel
    ) {
        for (underlying, market) in markets {
            setLadder(of: Int(underlying), to: market?.haircuts.scan)
            for number in byUnderlying[underlying] ?? [] {
                revalue(Int(number), model, in: market)
            }
        }
        stale.removeAll(keepingCapacity: true)
        if arrays.count > 2 * live + 4_096 { compact() }
    }

    private mutating func revalue(_ number: Int, _ model: InstrumentModel, in market: AssetMarket?)
    {
        var array: [Double] = []
        let value = model.value(of: instruments[number], in: market, appendingTo: &array)
        values[number] = value
        entries[number].level = value.level
        entries[number].delta = value.delta
        entries[number].charge = value.shortCharge
        entries[number].worst = SIMD2(
            max(0, -(array.min() ?? 0)), -max(0, array.max() ?? 0) - value.shortCharge)
        entries[number].kind = value.isUnknown ? .unknown : Kind(instruments[number].terms)
        if array.count > rooms[number] {
            live += array.count - rooms[number]
            rooms[number] = array.count
            entries[number].start = arrays.count
            arrays.append(contentsOf: array)
        } else {
            let start = entries[number].start
            for (offset, gain) in array.enumerated() { arrays[start + offset] = gain }
        }
    }

    private mutating func setLadder(of underlying: Int, to ladder: ScanLadder?) {
        while ladderStarts.count <= underlying {
            ladderStarts.append(0)
            ladderCounts.append(0)
            ladderRooms.append(0)
        }
        guard let ladder else { return }
        if ladder.count > ladderRooms[underlying] {
            ladderRooms[underlying] = ladder.count
            ladderStarts[underlying] = notionals.count
            notionals.append(contentsOf: ladder.notionals)
        } else {
            let start = ladderStarts[underlying]
            for (rung, notional) in ladder.notionals.enumerated() {
                notionals[start + rung] = notional
            }
        }
        ladderCounts[underlying] = ladder.count
    }

    private mutating func compact() {
        let old = arrays
        arrays.removeAll(keepingCapacity: true)
        for number in entries.indices {
            let start = entries[number].start
            entries[number].start = arrays.count
            arrays.append(contentsOf: old[start..<start + rooms[number]])
        }
    }

    /// The value and risk array of an instrument in its market of now.
    func valued(_ instrument: Instrument) -> (value: InstrumentValue, array: ArraySlice<Double>)? {
        guard let number = numbers[instrument].map(Int.init),
            !stale.contains(entries[number].underlying), let value = values[number]
        else { return nil }
        let start = entries[number].start
        let end = value.isUnknown ? start : start + rooms[number]
        return (value, arrays[start..<end])
    }
}

extension InstrumentColumns.Kind {
    init(_ terms: Position.Terms) {
        switch terms {
        case .perpetual(let contract, _), .future(let contract, _, _):
            self = contract == .linear ? .linear : .inverse
        case .option: self = .option
        }
    }
}
