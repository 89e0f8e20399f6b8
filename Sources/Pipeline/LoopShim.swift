import Engine
import Haircuts
import Quantities

// Stands in for what the loop's branch brings; goes with its merge.
extension HaircutShard {
    init(assets: [AssetConfiguration], positionsPartitions: Int) { self.init(assets: assets) }
    mutating func restore(_ exposure: Exposure) {}
    mutating func restore(_ control: Control) {}
    mutating func restore(withdrawn key: Control.Key) {}
    mutating func apply(
        _ exposure: Exposure, cause: Cause, to sink: inout some HaircutSink
    ) -> Disposition { .unlisted }
    mutating func apply(
        _ control: Control, cause: Cause, to sink: inout some HaircutSink
    ) -> Disposition { .unlisted }
    mutating func withdraw(
        _ key: Control.Key, at time: Instant?, cause: Cause, to sink: inout some HaircutSink
    ) -> Disposition { .unlisted }
}
