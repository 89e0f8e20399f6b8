import Foundation
import Haircuts
import Market
import Quantities
import Scenarios
import Testing

@Suite struct CrashPathTests {
    @Test func aSeedFixesAPathAndAnotherSeedAnother() {
        #expect(CrashPath(seed: 3) == CrashPath(seed: 3))
        #expect(CrashPath(seed: 3).tracks[0].samples != CrashPath(seed: 4).tracks[0].samples)
    }

    @Test func aRecordedPathTouchesTheRecordedLowsAndDepths() throws {
        let path = CrashPath(recorded: try ScenarioCatalog.scenario(named: "crash-2025-10-10"))
        let lows = path.tracks.map { track in
            (track.samples.map(\.price).min() ?? 0, track.samples.map(\.depth).min() ?? 0)
        }
        #expect(abs(lows[0].0 / 101_877.7 - 1) < 1e-9)
        #expect(abs(lows[1].0 / 3_400 - 1) < 1e-9)
        #expect(abs(lows[2].0 / 141.28 - 1) < 1e-9)
        #expect(lows[0].1 < 25e6)
        let opening = path.opening
        #expect(opening.time.description == "2025-10-10T18:00:00.000000Z")
        #expect(opening.assets.map(\.expiries.count) == [2, 2, 2, 0])
    }

    /// Seeds 0..<200, the ones the table in docs/cascade.md is made of.
    @Test func syntheticCrashesFallAsWideAsTheySayAndTheirSurfacesPassTheGate() throws {
        var falls: [Double] = []
        for seed in UInt64(0)..<200 {
            let path = CrashPath(seed: seed)
            for track in path.tracks {
                #expect(track.samples.count == path.seconds.count)
                let good = track.samples.allSatisfy {
                    $0.price > 0 && $0.depth > 0 && $0.spread > 0 && $0.spread < 0.02
                }
                #expect(good, "seed \(seed) \(track.configuration.asset)")
                for (minute, expiries) in track.surfaces.enumerated() where minute % 30 == 0 {
                    let time = path.start.advanced(bySeconds: Int64(minute) * 60)
                    #expect(throws: Never.self, "seed \(seed) minute \(minute)") {
                        try SurfaceGate.check(
                            Surface(
                                asset: track.configuration.asset, time: time, sequence: 1,
                                expiries: expiries), at: time)
                    }
                }
            }
            let prices = path.tracks[0].samples[path.crashStep...].map(\.price)
            falls.append(1 - (prices.min() ?? 0) / (prices.first ?? 1))
        }
        falls.sort()
        #expect((0.10...0.30).contains(falls[100]), "median fall \(falls[100])")
        #expect(falls[10] > 0.05 && falls[190] < 0.70, "\(falls[10]) … \(falls[190])")
    }
}
