import Glibc
import Haircuts
import Margin
import Market
import Messages
import Quantities

/// Decoding and encoding in memory, and the least that could be done with the same bytes: a copy
/// of them, read once.
struct CodecBenchmark {
    /// Passes over the records in one sample.
    let passes: Int
    let samples: Int

    /// Different records, so that no branch is learnt by heart; they fit the second-level cache.
    static let distinct = 1_000

    func run(into report: inout Report) throws {
        let quotes = EncodedRecords.quotes(Self.distinct, cadenceMilliseconds: 10)
        let surfaces = EncodedRecords.surfaces()
        let tables = try HaircutBenchmark.tables()
        try measureDecoding(quotes: quotes, surfaces: surfaces, tables: tables, into: &report)
        try measureAccounts(into: &report)
        measureEncoding(into: &report)
    }

    /// What a restart reads of every account.
    private func measureAccounts(into report: inout Report) throws {
        let positions = SyntheticAccounts.positions(Self.distinct)
        let requirements = SyntheticAccounts.requirements(Self.distinct)
        var positionsDecoder = PositionsDecoder()
        var requirementDecoder = MarginRequirementDecoder()
        var (snapshot, requirement) = (AccountSnapshot.blank, MarginRequirement.blank)
        let rate = try compare("positions", positions, into: &report) {
            (body, key) throws(Refusal) in
            try positionsDecoder.decode(body, key: key, recordTimestamp: nil, into: &snapshot)
        }
        _ = try compare("requirement", requirements, into: &report) {
            (body, key) throws(Refusal) in
            try requirementDecoder.decode(body, key: key, recordTimestamp: nil, into: &requirement)
        }
        report.target(
            "decode of positions", rate, atLeast: 300, unit: "MB/s", isRatio: false)
    }

    private func measureDecoding(
        quotes: borrowing EncodedRecords, surfaces: borrowing EncodedRecords,
        tables: borrowing EncodedRecords, into report: inout Report
    ) throws {
        let decoder = QuoteDecoder()
        var surfaceDecoder = SurfaceDecoder()
        var tableDecoder = HaircutDecoder()
        var (quote, surface, table) = (Quote.blank, Surface.blank, HaircutTable.blank)
        let quoteRate = try compare("quote", quotes, into: &report) { (body, key) throws(Refusal) in
            try decoder.decode(body, key: key, recordTimestamp: nil, into: &quote)
        }
        _ = try compare("surface", surfaces, into: &report) { (body, key) throws(Refusal) in
            try surfaceDecoder.decode(body, key: key, recordTimestamp: nil, into: &surface)
        }
        _ = try compare("haircut", tables, into: &report) { (body, key) throws(Refusal) in
            try tableDecoder.decode(body, key: key, recordTimestamp: nil, into: &table)
        }
        report.target(
            "decode of a quote", quoteRate, atLeast: 400, unit: "MB/s", isRatio: false)
    }

    /// Measures a decoder against the scan, in turns.
    ///
    /// - Returns: MB/s of the decoder, the median.
    private func compare(
        _ name: String, _ records: borrowing EncodedRecords, into report: inout Report,
        _ decode: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Refusal) -> Void
    ) throws -> Double {
        var (decoding, scanning) = ([Double](), [Double]())
        var scan = Scan()
        for _ in 0..<samples {
            let begin = CPUTime.ofThisThread
            for _ in 0..<passes {
                for index in 0..<records.count {
                    try records.withRecord(index) { (body, key) throws(Refusal) in
                        try decode(body, key)
                    }
                }
            }
            let between = CPUTime.ofThisThread
            for _ in 0..<passes {
                for index in 0..<records.count {
                    records.withRecord(index) { body, _ in scan.read(body) }
                }
            }
            decoding.append(between - begin)
            scanning.append(CPUTime.ofThisThread - between)
        }
        guard scan.sum > 0 else { throw BenchmarkFailure("the scan read nothing") }
        let messages = Double(passes * records.count)
        let megabytes = Double(passes * records.bytes) / 1e6
        report.add("decode.\(name).bytes", "B", [Double(records.bytes / records.count)])
        report.add("decode.\(name)", "ns/message", decoding.map { $0 * 1e9 / messages })
        let rate = report.add("decode.\(name).rate", "MB/s", decoding.map { megabytes / $0 })
        report.add("decode.\(name).scan", "MB/s, copied and read", scanning.map { megabytes / $0 })
        report.add(
            "decode.\(name).overScan", "× the scan's time",
            zip(decoding, scanning).map { $0 / $1 })
        return rate
    }

    private func measureEncoding(into report: inout Report) {
        var market = SyntheticMarket(cadenceMilliseconds: 10)
        market.next()
        let quote = market.quote
        let surface = SyntheticMarket.surface(of: 0)
        let table = HaircutBenchmark.table()
        encode("quote", into: &report) { $0.write(quote) }
        encode("surface", into: &report) { $0.write(surface) }
        if let table { encode("haircut", into: &report) { $0.write(table) } }
        var accounts = SyntheticAccounts()
        let (snapshot, requirement) = (accounts.snapshot(0), accounts.requirement(0))
        encode("positions", into: &report) { $0.write(snapshot) }
        encode("requirement", into: &report) { $0.write(requirement) }
    }

    private func encode(
        _ name: String, into report: inout Report, _ write: (inout OutputBuffer) -> Void
    ) {
        var buffer = OutputBuffer()
        var (times, scans) = ([Double](), [Double]())
        var scan = Scan()
        let messages = passes * Self.distinct
        for _ in 0..<samples {
            let begin = CPUTime.ofThisThread
            for _ in 0..<messages {
                buffer.removeAll()
                write(&buffer)
            }
            let between = CPUTime.ofThisThread
            for _ in 0..<messages { buffer.withBytes { scan.read($0) } }
            times.append(between - begin)
            scans.append(CPUTime.ofThisThread - between)
        }
        let megabytes = Double(messages * buffer.count) / 1e6
        report.add("encode.\(name).bytes", "B", [Double(buffer.count)])
        report.add("encode.\(name)", "ns/message", times.map { $0 * 1e9 / Double(messages) })
        report.add("encode.\(name).rate", "MB/s", times.map { megabytes / $0 })
        report.add(
            "encode.\(name).overScan", "× the scan's time", zip(times, scans).map { $0 / $1 })
    }
}

/// Copies bytes and adds up what it copied, eight at a time.
struct Scan {
    private var copy = [UInt64](repeating: 0, count: 8_192)
    private(set) var sum: UInt64 = 0

    @inline(never)
    mutating func read(_ body: UnsafeRawBufferPointer) {
        let count = min(body.count, copy.count * 8)
        guard let source = body.baseAddress else { return }
        let words = copy.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { memcpy(start, source, count) }
            return count / 8
        }
        var sum: UInt64 = 0
        copy.withUnsafeBufferPointer { copy in
            for index in 0..<words { sum &+= copy[index] }
        }
        self.sum |= sum | 1
    }
}

/// A sentence for the person at the terminal; exit status 1.
struct BenchmarkFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}
