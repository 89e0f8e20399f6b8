import Haircuts
import Market
import Messages
import Quantities

/// Books and surfaces of a made-up market, the same in every run: 32 assets at one venue, ten
/// levels a side, mids that wander by about 0.3 basis points every 10 ms.
struct SyntheticMarket {
    static let assets: [Identifier] = (0..<32).compactMap { Identifier("COIN\($0)") }
    static let levels = 10
    static let start = Instant(nanoseconds: 1_767_225_600_000_000_000)

    /// Between two books of one asset, in milliseconds of event time; > 0.
    let cadenceMilliseconds: Int
    /// The book filled by `next()`.
    private(set) var quote = Quote.blank
    /// Which asset `quote` is of.
    private(set) var asset = 0
    private var produced = 0
    private var mids: [Int]
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    private let stride: Int
    private var bids = Self.noLevels
    private var asks = Self.noLevels

    private static var noLevels: [BookLevel] {
        Array(repeating: BookLevel(price: .one, size: .one), count: levels)
    }

    init(cadenceMilliseconds: Int) {
        self.cadenceMilliseconds = cadenceMilliseconds
        mids = Self.assets.indices.map { 600_000 + 10_000 * $0 }
        // A walk grows with the root of time.
        stride = Int(31 * (Double(cadenceMilliseconds) / 10).squareRoot())
        quote.kind = .book
        quote.venue = Self.venue
        quote.dailyVolume = FixedDecimal(21_000)
    }

    private static var venue: Identifier { Identifier("house") ?? .unnamed }

    /// Moves on to the next book, each asset in its turn.
    mutating func next() {
        let count = Self.assets.count
        asset = produced % count
        let round = produced / count
        produced += 1
        let cadence = Int64(cadenceMilliseconds) * 1_000_000
        quote.asset = Self.assets[asset]
        quote.sequence = Int64(round + 1)
        quote.time = Self.start.advanced(
            byNanoseconds: Int64(round) * cadence + Int64(asset) * cadence / Int64(count))
        mids[asset] = max(100_000, mids[asset] + random(2 * stride + 1) - stride)
        for level in 0..<Self.levels {
            bids[level] = self.level(tenths: mids[asset] - 1 - 5 * level)
            asks[level] = self.level(tenths: mids[asset] + 1 + 5 * level)
        }
        quote.bids = bids
        quote.asks = asks
    }

    /// A level of some random size, a whole number of ten-thousandths.
    private mutating func level(tenths: Int) -> BookLevel {
        BookLevel(
            price: FixedDecimal(units: Int128(tenths) * (FixedDecimal.unitsPerOne / 10)),
            size: FixedDecimal(
                units: Int128(1_000 + random(90_000)) * (FixedDecimal.unitsPerOne / 10_000)))
    }

    /// Xorshift: 0..<bound.
    private mutating func random(_ bound: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(bound))
    }

    /// Two expiries with twelve strikes each.
    static func surface(of asset: Int) -> Surface {
        let forward = 60_000 + 1_000 * asset
        let steps = 0..<12
        return Surface(
            asset: assets[asset], time: start, sequence: 1,
            expiries: [7, 30].map { days in
                Surface.Expiry(
                    expiry: start.advanced(bySeconds: days * 86_400),
                    forward: FixedDecimal(forward),
                    smile: .grid(
                        strikes: steps.map { FixedDecimal(forward * (60 + 6 * $0) / 100) },
                        volatilities: steps.map { 0.55 + 0.004 * Double(($0 - 6) * ($0 - 6)) }))
            })
    }

    static var configurations: [AssetConfiguration] {
        assets.map {
            AssetConfiguration(
                asset: $0, assetClass: .major, primaryVenue: venue,
                dailyVolume: FixedDecimal(25_000), depthReference: FixedDecimal(3_000_000),
                systemCollateral: FixedDecimal(50_000_000), sources: 1,
                parameters: HaircutParameters(.major),
                parametersHash: "sha256:" + String(repeating: "0", count: 64))
        }
    }
}

/// Records as bytes, one after another in one piece of memory.
struct EncodedRecords: ~Copyable {
    private var buffer = OutputBuffer(capacity: 1 << 20)
    private(set) var ends: [Int] = []
    /// Of each record, which asset it is of.
    private(set) var assets: [Int] = []
    private(set) var timestamps: [Int64] = []
    /// The keys of the assets, one after another, and where each ends.
    private var keys = OutputBuffer()
    private var keyEnds: [Int] = []

    init() {
        for asset in SyntheticMarket.assets {
            keys.append(asset)
            keyEnds.append(keys.count)
        }
    }

    var count: Int { ends.count }
    var bytes: Int { buffer.count }

    mutating func append(
        asset: Int, time: Instant, _ write: (inout OutputBuffer) -> Void
    ) {
        write(&buffer)
        ends.append(buffer.count)
        assets.append(asset)
        timestamps.append(time.milliseconds)
    }

    static func quotes(_ count: Int, cadenceMilliseconds: Int) -> EncodedRecords {
        var market = SyntheticMarket(cadenceMilliseconds: cadenceMilliseconds)
        var records = EncodedRecords()
        for _ in 0..<count {
            market.next()
            records.append(asset: market.asset, time: market.quote.time) {
                $0.write(market.quote)
            }
        }
        return records
    }

    static func surfaces() -> EncodedRecords {
        var records = EncodedRecords()
        for asset in SyntheticMarket.assets.indices {
            records.append(asset: asset, time: SyntheticMarket.start) {
                $0.write(SyntheticMarket.surface(of: asset))
            }
        }
        return records
    }

    /// Lends a record's body and key.
    func withRecord<Failure: Error>(
        _ index: Int,
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        let start = index > 0 ? ends[index - 1] : 0
        try buffer.withBytes(start..<ends[index]) { (value) throws(Failure) in
            let asset = assets[index]
            let keyStart = asset > 0 ? keyEnds[asset - 1] : 0
            try keys.withBytes(keyStart..<keyEnds[asset]) { (key) throws(Failure) in
                try body(value, key)
            }
        }
    }
}
