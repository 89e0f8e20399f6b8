import Haircuts
import Market
import Quantities

extension Scenario {
    /// Reads the format of `Recorded/README.md`.
    ///
    /// - Throws: `damaged` when the checksum does not match, `unreadable` with the first line that
    ///   is not what the format asks for.
    public init(bytes: [UInt8]) throws(ScenarioError) {
        var lines = ScenarioLines(try ScenarioSeal.body(of: bytes))
        try lines.expect("breakwater-scenario", "1")
        name = try lines.text(after: "name")
        description = try lines.text(after: "description")
        start = try lines.start()
        sections = try lines.sections()
        assets = try lines.assets()
        let minutes = sections.reduce(0) { $0 + $1.durationSeconds } / 60
        prices = []
        while lines.next(is: "prices") { prices.append(try lines.prices(minutes: minutes)) }
        depths = []
        while lines.next(is: "depth") { depths.append(try lines.depth(seconds: minutes * 60)) }
        volumes = []
        for asset in assets {
            volumes.append(try lines.volumes(of: asset.asset, hours: (minutes + 59) / 60))
        }
        surfaces = []
        while lines.next(is: "surfaces") { surfaces.append(try lines.surfaces(minutes: minutes)) }
        try lines.finish()
        try check(lines)
    }

    /// What ties the parts together.
    private func check(_ lines: ScenarioLines) throws(ScenarioError) {
        let listed = Set(assets.map(\.asset))
        guard listed.count == assets.count else { throw lines.refusal("an asset is listed twice") }
        let tracks = prices.map(\.asset) + depths.map(\.asset) + surfaces.map(\.asset)
        if let stray = tracks.first(where: { !listed.contains($0) }) {
            throw lines.refusal("\(stray) has data but is not among the assets")
        }
        for asset in assets {
            guard depths.contains(where: { $0.asset == asset.depthSource }) else {
                throw lines.refusal(
                    "the depth of \(asset.asset) comes from \(asset.depthSource), which has none")
            }
            let isPriced = prices.contains {
                $0.asset == asset.asset && $0.venue == asset.primaryVenue && $0.kind == .book
            }
            guard isPriced else {
                throw lines.refusal("\(asset.asset) has no book at its primary venue")
            }
        }
    }
}

extension ScenarioLines {
    mutating func start() throws(ScenarioError) -> Instant {
        guard let start = Instant(try text(after: "start")) else {
            throw refusal("has no RFC 3339 time")
        }
        return start
    }

    mutating func sections() throws(ScenarioError) -> [Scenario.Section] {
        var sections: [Scenario.Section] = []
        while next(is: "section") {
            let words = try words(after: "section", count: 3)
            let duration = try number(words[1], in: 60...604_800)
            let cadence = try number(words[2], in: 1...60)
            guard duration % 60 == 0, 60 % cadence == 0 else {
                throw refusal("has a section that does not divide into minutes and its cadence")
            }
            sections.append(
                Scenario.Section(
                    name: words[0], durationSeconds: duration, cadenceSeconds: cadence))
        }
        guard !sections.isEmpty else { throw refusal("comes before any section") }
        return sections
    }

    mutating func assets() throws(ScenarioError) -> [Scenario.Asset] {
        var assets: [Scenario.Asset] = []
        while next(is: "asset") {
            let words = try words(after: "asset", count: 9)
            guard let assetClass = AssetClass(rawValue: words[1]) else {
                throw refusal("names the class \(words[1]), which is not one")
            }
            assets.append(
                Scenario.Asset(
                    asset: try identifier(words[0]), assetClass: assetClass,
                    primaryVenue: try identifier(words[2]), tick: try decimal(words[3]),
                    dailyVolume: try decimal(words[4]), depthReference: try decimal(words[5]),
                    systemCollateral: try decimalOrZero(words[6]),
                    depthSource: try identifier(words[7]),
                    depthMillionths: try number(words[8], in: 1...1_000_000_000)))
        }
        guard !assets.isEmpty else { throw refusal("comes before any asset") }
        return assets
    }

    mutating func prices(minutes: Int) throws(ScenarioError) -> Scenario.PriceTrack {
        let words = try words(after: "prices", count: 4)
        guard words[2] == "book" || words[2] == "index" else {
            throw refusal("asks for prices of kind \(words[2]): book or index")
        }
        _ = try number(words[3], in: minutes...minutes)
        var bars: [Scenario.Bar?] = []
        var previous = 0
        for _ in 0..<minutes {
            if let bar = try bar(after: previous) {
                previous = bar.last
                bars.append(bar)
            } else {
                bars.append(nil)
            }
        }
        return Scenario.PriceTrack(
            asset: try identifier(words[0]), venue: try identifier(words[1]),
            kind: words[2] == "book" ? .book : .index, bars: bars)
    }

    private mutating func bar(after previous: Int) throws(ScenarioError) -> Scenario.Bar? {
        if next(isOnly: "-") { return nil }
        let steps = try numbers(count: 4)
        let first = previous + steps[0]
        let bar = Scenario.Bar(
            first: first, high: first + steps[1], low: first - steps[2], last: first + steps[3])
        guard bar.low > 0, bar.low <= min(bar.first, bar.last) else {
            throw refusal("has a low that is not below the minute's other prices, or not above 0")
        }
        guard bar.high >= max(bar.first, bar.last), bar.high <= 1_000_000_000_000 else {
            throw refusal("has a high that is not above the minute's other prices, or too large")
        }
        return bar
    }

    mutating func depth(seconds: Int) throws(ScenarioError) -> Scenario.DepthTrack {
        let words = try words(after: "depth", count: 2)
        let count = try number(words[1], in: 1...seconds)
        var rows: [Scenario.DepthRow] = []
        for _ in 0..<count {
            let values = try numbers(count: 11)
            let row = Scenario.DepthRow(
                second: values[0], bids: Array(values[1...5]), asks: Array(values[6...10]))
            let earliest = rows.last.map { $0.second + 1 } ?? 0
            guard row.second >= earliest, row.second < seconds, row.second == 0 || !rows.isEmpty
            else { throw refusal("has a depth at second \(row.second), which is out of order") }
            for side in [row.bids, row.asks] {
                guard side[0] > 0, zip(side, side.dropFirst()).allSatisfy({ $0 <= $1 }) else {
                    throw refusal("has a depth that falls with the distance, or is not above 0")
                }
            }
            rows.append(row)
        }
        return Scenario.DepthTrack(asset: try identifier(words[0]), rows: rows)
    }

    mutating func volumes(of asset: Identifier, hours: Int) throws(ScenarioError) -> [Int] {
        let words = try words(after: "volumes", count: hours + 1)
        guard words[0] == asset.description else {
            throw refusal("has the volumes of \(words[0]) where those of \(asset) are due")
        }
        var volumes: [Int] = []
        for word in words.dropFirst() {
            volumes.append(try number(word, in: 1...1_000_000_000_000))
        }
        return volumes
    }

    mutating func surfaces(minutes: Int) throws(ScenarioError) -> Scenario.SurfaceTrack {
        let words = try words(after: "surfaces", count: 3)
        let asset = try identifier(words[0])
        let gridCount = try number(words[1], in: 1...Surface.mostExpiries)
        _ = try number(words[2], in: minutes...minutes)
        var grids: [Scenario.Grid] = []
        for _ in 0..<gridCount { grids.append(try grid()) }
        var row = Array(repeating: 0, count: grids.reduce(0) { $0 + 1 + $1.strikes.count })
        var rows: [[Int]] = []
        for _ in 0..<minutes {
            for (index, step) in try numbers(count: row.count).enumerated() { row[index] += step }
            guard row.allSatisfy({ (1...1_000_000_000_000).contains($0) }) else {
                throw refusal("has a forward or volatility that is not above 0")
            }
            rows.append(row)
        }
        return Scenario.SurfaceTrack(asset: asset, grids: grids, rows: rows)
    }

    private mutating func grid() throws(ScenarioError) -> Scenario.Grid {
        let words = try text(after: "expiry").split(separator: " ")
        guard let first = words.first, let expiry = Instant(first) else {
            throw refusal("has no RFC 3339 expiry")
        }
        var strikes: [Int] = []
        for word in words.dropFirst() {
            strikes.append(try number(String(word), in: 1...1_000_000_000_000))
        }
        guard !strikes.isEmpty, zip(strikes, strikes.dropFirst()).allSatisfy({ $0 < $1 }) else {
            throw refusal("has strikes that do not increase")
        }
        return Scenario.Grid(expiry: expiry, strikes: strikes)
    }
}
