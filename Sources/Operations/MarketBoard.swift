import Haircuts
import Quantities
import Synchronization

/// The newest haircut table and breaker change of each asset as they stand on the bus, with their
/// bytes. Safe to use from any thread.
///
/// It is the whole venue's, whichever process published them, so that each process shows it all.
public final class MarketBoard: Sendable {
    private struct Asset {
        var table: HaircutTable?
        var tableText = ""
        var change: BreakerChange?
        var changeText = ""
    }

    private struct State {
        var assets: [Identifier: Asset] = [:]
        var unreadable = 0
    }

    /// Most assets kept; names come from the bus.
    public static let mostAssets = 10_000
    private let state = Mutex(State())

    public init() {}

    /// - Parameter text: the record it was decoded from, which is JSON.
    public func note(_ table: HaircutTable, text: String) {
        change(table.asset) {
            $0.table = table
            $0.tableText = text
        }
    }

    /// - Parameter text: the record it was decoded from, which is JSON.
    public func note(_ change: BreakerChange, text: String) {
        self.change(change.asset) {
            $0.change = change
            $0.changeText = text
        }
    }

    /// Counts a record that could not be decoded.
    public func noteUnreadable() { state.withLock { $0.unreadable += 1 } }

    private func change(_ asset: Identifier, _ body: (inout Asset) -> Void) {
        state.withLock { state in
            guard state.assets[asset] != nil || state.assets.count < Self.mostAssets else { return }
            body(&state.assets[asset, default: Asset()])
        }
    }

    /// By name.
    private var assets: [(asset: Identifier, entry: Asset)] {
        state.withLock { $0.assets }.sorted { $0.key < $1.key }
            .map { (asset: $0.key, entry: $0.value) }
    }

    /// What `/api/haircuts` says: the newest `haircut.v1` of each asset, by name.
    var haircutsJSON: JSONText {
        .object([
            (
                "haircuts",
                .array(assets.filter { $0.entry.table != nil }.map { .raw($0.entry.tableText) })
            )
        ])
    }

    /// What `/api/breakers` says: each asset's state, and the newest `breaker.v1` that was read.
    var breakersJSON: JSONText {
        .object([
            (
                "breakers",
                .array(
                    assets.map { asset, entry in
                        let state = entry.table?.state ?? entry.change?.to ?? .normal
                        return .object([
                            ("asset", .string("\(asset)")), ("state", .string(state.rawValue)),
                            ("change", entry.change == nil ? .null : .raw(entry.changeText)),
                        ])
                    })
            )
        ])
    }

    /// The newest tables as gauges, one series an asset.
    public var families: [MetricFamily] {
        let tables = assets.compactMap(\.entry.table)
        func gauge(
            _ name: String, _ help: String, _ value: (HaircutTable) -> Double
        ) -> MetricFamily {
            MetricFamily(
                name, .gauge, help,
                tables.map {
                    .init(labels: [.init("asset", $0.asset)], value: value($0))
                })
        }
        let states = MetricFamily(
            "breakwater_breaker_state", .gauge, "1 for the state an asset is in",
            tables.flatMap { table in
                BreakerState.allCases.map { state in
                    MetricFamily.Sample(
                        labels: [.init("asset", table.asset), .init("state", state.rawValue)],
                        value: table.state == state ? 1 : 0)
                }
            })
        return [
            gauge("breakwater_haircut_initial_ratio", "Published, of the first tier") {
                $0.initial.double
            },
            gauge("breakwater_haircut_maintenance_ratio", "Published, of the first tier") {
                $0.maintenance.double
            },
            gauge("breakwater_haircut_target_ratio", "What the model wants, maintenance") {
                $0.target.maintenance
            },
            gauge("breakwater_haircut_gap_ratio", "Target less published, maintenance") {
                $0.gap.maintenance
            },
            gauge("breakwater_branching_ratio", "Fall that forced selling causes, per fall") {
                $0.branchingRatio
            },
            gauge("breakwater_confidence_ratio", "In the reference price") { $0.confidence },
            gauge("breakwater_depth", "Of bids within 2 %, in the valuation currency") {
                $0.components.depth.double
            },
            gauge("breakwater_haircut_timestamp_seconds", "Shard time of the newest table") {
                Double($0.time.nanoseconds) / 1e9
            },
            states,
            MetricFamily(
                "breakwater_board_unreadable_total", .counter,
                "Records of our own output topics that could not be decoded",
                state.withLock { $0.unreadable }),
        ]
    }
}
