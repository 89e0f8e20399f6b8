import Quantities

extension Scenario {
    /// The bytes that `init(bytes:)` reads back to this scenario.
    public var bytes: [UInt8] {
        var lines = ["breakwater-scenario 1", "name \(name)", "description \(description)"]
        lines.append("start \(start.description.prefix(19))Z")
        for section in sections {
            lines.append(
                "section \(section.name) \(section.durationSeconds) \(section.cadenceSeconds)")
        }
        for asset in assets {
            let words: [Any] = [
                "asset", asset.asset, asset.assetClass, asset.primaryVenue, asset.tick,
                asset.dailyVolume, asset.depthReference, asset.systemCollateral,
                asset.depthSource, asset.depthMillionths,
            ]
            lines.append(words.map { "\($0)" }.joined(separator: " "))
        }
        for track in prices { lines += track.lines }
        for track in depths { lines += track.lines }
        for (asset, hours) in zip(assets, volumes) {
            lines.append("volumes \(asset.asset) \(text(of: hours))")
        }
        for track in surfaces { lines += track.lines }
        return ScenarioSeal.sealed(lines.joined(separator: "\n") + "\n")
    }
}

private func text(of numbers: [Int]) -> String {
    numbers.map(String.init).joined(separator: " ")
}

extension Scenario.PriceTrack {
    fileprivate var lines: [String] {
        var lines = ["prices \(asset) \(venue) \(kind) \(bars.count)"]
        var previous = 0
        for bar in bars {
            guard let bar else {
                lines.append("-")
                continue
            }
            let first = bar.first
            lines.append(
                text(of: [first - previous, bar.high - first, first - bar.low, bar.last - first]))
            previous = bar.last
        }
        return lines
    }
}

extension Scenario.DepthTrack {
    fileprivate var lines: [String] {
        ["depth \(asset) \(rows.count)"]
            + rows.map { text(of: [$0.second] + $0.bids + $0.asks) }
    }
}

extension Scenario.SurfaceTrack {
    fileprivate var lines: [String] {
        var lines = ["surfaces \(asset) \(grids.count) \(rows.count)"]
        for grid in grids {
            lines.append("expiry \(grid.expiry.description.prefix(19))Z \(text(of: grid.strikes))")
        }
        var previous = Array(repeating: 0, count: rows.first?.count ?? 0)
        for row in rows {
            lines.append(text(of: zip(row, previous).map { $0 - $1 }))
            previous = row
        }
        return lines
    }
}
