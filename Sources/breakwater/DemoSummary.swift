import Foundation
import Quantities

/// What a run showed, asset by asset.
struct DemoSummary {
    /// Readings before this are the warm-up's.
    let start: Instant
    private var assets: [String: Story] = [:]

    /// A rise counts as one from here on, in points of the maintenance haircut above the start.
    static let risePoints = 0.01

    private struct Story {
        var first: HaircutWatch.Reading
        var lowest: HaircutWatch.Reading
        var highest: HaircutWatch.Reading
        /// The first reading a point above the start.
        var rise: HaircutWatch.Reading?
        var largestStep = 0.0
        var largestStepAt: Instant
        /// The readings of the last minute, oldest first.
        var minute: [HaircutWatch.Reading]
    }

    init(from start: Instant) { self.start = start }

    mutating func add(_ reading: HaircutWatch.Reading) {
        guard reading.time >= start else { return }
        guard var story = assets[reading.asset] else {
            assets[reading.asset] = Story(
                first: reading, lowest: reading, highest: reading, largestStepAt: reading.time,
                minute: [reading])
            return
        }
        if reading.mid < story.lowest.mid { story.lowest = reading }
        if reading.maintenance > story.highest.maintenance { story.highest = reading }
        if story.rise == nil, reading.maintenance >= story.first.maintenance + Self.risePoints {
            story.rise = reading
        }
        story.minute.removeAll { reading.time.seconds(since: $0.time) > 60 }
        let least = story.minute.map(\.maintenance).min() ?? reading.maintenance
        if reading.maintenance - least > story.largestStep {
            story.largestStep = reading.maintenance - least
            story.largestStepAt = reading.time
        }
        story.minute.append(reading)
        assets[reading.asset] = story
    }

    /// A line an asset, below a head.
    var lines: [String] {
        var lines = [
            Self.line(
                "asset", "lowest price", "highest maintenance", "first point up",
                "before the low", "largest rise in 1 min")
        ]
        for (asset, story) in assets.sorted(by: { $0.key < $1.key }) {
            let step = fixed(story.largestStep * 100, 2)
            lines.append(
                Self.line(
                    asset, "\(price(story.lowest.mid)) at \(clock(story.lowest.time))",
                    "\(percent(story.highest.maintenance)) at \(clock(story.highest.time))",
                    story.rise.map { clock($0.time) } ?? "never", lead(story),
                    "\(step) points at \(clock(story.largestStepAt))"))
        }
        lines.append("(maintenance haircuts of a holding worth 1 M; times in UTC)")
        return lines
    }

    /// How long before the low the haircut had risen by a point.
    private func lead(_ story: Story) -> String {
        guard let rise = story.rise else { return "–" }
        let minutes = story.lowest.time.seconds(since: rise.time) / 60
        return minutes >= 0 ? fixed(minutes, 0) + " min" : "after it"
    }

    private static func line(
        _ asset: String, _ lowest: String, _ highest: String, _ rise: String, _ lead: String,
        _ step: String
    ) -> String {
        asset.left(7)
            + [lowest.right(24), highest.right(24), rise.right(17), lead.right(17), step.right(27)]
            .joined()
    }
}
