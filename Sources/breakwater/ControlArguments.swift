import ArgumentParser
import Haircuts
import Quantities

extension Control.Action: ExpressibleByArgument {}

/// An asset, or `*` for every one.
struct AssetArgument: ExpressibleByArgument {
    /// nil is every asset.
    var asset: Identifier?

    init?(argument: String) {
        if argument == "*" { return }
        guard let asset = Identifier(argument) else { return nil }
        self.asset = asset
    }
}

/// A time such as `2026-11-22T18:00:00Z`.
struct InstantArgument: ExpressibleByArgument {
    var instant: Instant

    init?(argument: String) {
        guard let instant = Instant(argument) else { return nil }
        self.instant = instant
    }
}

/// A whole number with `s`, `m` or `h`.
struct DurationArgument: ExpressibleByArgument {
    /// > 0.
    var seconds: Int64

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600]
        guard let unit = argument.last.flatMap({ units[$0] }),
            let count = Int64(argument.dropLast()), count > 0, count <= 1_000_000
        else { return nil }
        seconds = count * unit
    }
}

/// `NAME=VALUE` with a name of `HaircutParameter.all` and a value of its kind.
struct ChangeArgument: ExpressibleByArgument {
    var change: Control.ParameterChange

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2,
            let parameter = HaircutParameter.all.first(where: { $0.name == parts[0] })
        else { return nil }
        let value: HaircutParameter.Value
        switch parameter.value(in: HaircutParameters(.major)) {
        case .number:
            guard let number = Double(parts[1]), number.isFinite else { return nil }
            value = .number(number)
        case .amounts:
            let amounts = parts[1].split(separator: ",").map { FixedDecimal(String($0)) }
            guard !amounts.isEmpty, !amounts.contains(nil) else { return nil }
            value = .amounts(amounts.compactMap { $0 })
        }
        change = Control.ParameterChange(name: parameter.name, value: value)
    }
}
