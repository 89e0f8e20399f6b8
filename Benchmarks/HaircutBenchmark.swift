import Engine
import Haircuts
import Market
import Messages
import Quantities

/// The haircut table: what a book costs that only updates statistics, and what the evaluation of
/// all seven notionals costs.
struct HaircutBenchmark {
    /// Books of all assets in one sample.
    let rounds: Int
    let samples: Int

    func run(into report: inout Report) {
        var (receiving, evaluating) = ([Double](), [Double]())
        var published = 0
        for _ in 0..<samples {
            let sample = measure()
            receiving.append(sample.receiving)
            evaluating.append(sample.evaluating)
            published = sample.published
        }
        report.add("haircut.receive", "µs/book, statistics alone", receiving)
        let evaluation = report.add(
            "haircut.evaluate", "µs/table, seven notionals", evaluating)
        report.add(
            "haircut.published", "share of evaluations",
            [Double(published) / Double(rounds * SyntheticMarket.assets.count)])
        report.target(
            "evaluation of a haircut table", evaluation, atMost: 20, unit: "µs", isRatio: false)
    }

    /// With a book each 100 ms, every evaluation is due. All assets are given their book, then all
    /// are evaluated, so that reading the clock costs little of either.
    private func measure() -> (receiving: Double, evaluating: Double, published: Int) {
        var market = SyntheticMarket(cadenceMilliseconds: 100)
        var assets = Self.assets()
        var quotes = SyntheticMarket.assets.map { _ in Quote.blank }
        var (receiving, evaluating, published) = (0.0, 0.0, 0)
        let cause = Cause.record(topic: "market.quotes.v1", partition: 0, offset: 1)
        for _ in 0..<rounds {
            for index in assets.indices {
                market.next()
                quotes[index] = market.quote
            }
            let begin = CPUTime.ofThisThread
            for index in assets.indices {
                _ = assets[index].receive(quotes[index], at: quotes[index].time)
            }
            let between = CPUTime.ofThisThread
            for index in assets.indices
            where assets[index].evaluate(at: quotes[index].time, cause: cause) {
                published += 1
            }
            evaluating += CPUTime.ofThisThread - between
            receiving += between - begin
        }
        let count = Double(rounds * assets.count)
        return (receiving * 1e6 / count, evaluating * 1e6 / count, published)
    }

    /// Every asset, with its surface.
    private static func assets() -> [AssetHaircuts] {
        SyntheticMarket.configurations.enumerated().map { index, configuration in
            var asset = AssetHaircuts(configuration)
            _ = try? asset.receive(
                SyntheticMarket.surface(of: index), at: SyntheticMarket.start)
            return asset
        }
    }

    /// A table as it is published.
    static func table() -> HaircutTable? {
        var market = SyntheticMarket(cadenceMilliseconds: 100)
        var asset = assets()[0]
        market.next()
        _ = asset.receive(market.quote, at: market.quote.time)
        _ = asset.evaluate(
            at: market.quote.time,
            cause: .record(topic: "market.quotes.v1", partition: 0, offset: 1))
        return asset.published
    }

    /// The first tables of a market, as they are published.
    static func tables() throws -> EncodedRecords {
        struct Collector: HaircutSink {
            var tables: [HaircutTable] = []
            mutating func publish(_ table: borrowing HaircutTable) { tables.append(copy table) }
        }
        var shard = HaircutShard(assets: SyntheticMarket.configurations)
        var collector = Collector()
        for asset in SyntheticMarket.assets.indices {
            _ = try shard.apply(
                SyntheticMarket.surface(of: asset), cause: .timer(SyntheticMarket.start),
                to: &collector)
        }
        var market = SyntheticMarket(cadenceMilliseconds: 100)
        while collector.tables.count < 500 {
            market.next()
            _ = shard.apply(
                market.quote, cause: .record(topic: "market.quotes.v1", partition: 0, offset: 1),
                to: &collector)
        }
        var records = EncodedRecords()
        for table in collector.tables {
            let asset = SyntheticMarket.assets.firstIndex(of: table.asset) ?? 0
            records.append(asset: asset, time: table.time) { $0.write(table) }
        }
        return records
    }
}
