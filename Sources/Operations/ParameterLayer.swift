import Haircuts
import Quantities

/// The parameters one section of the configuration sets: one asset's, one class's, or all.
struct ParameterLayer {
    var path: String
    /// By name: the value and where it is written.
    var values: [String: (value: HaircutParameter.Value, place: SettingsProblem.Place)] = [:]
}

extension SettingsReader {
    mutating func parameterLayer(_ section: SettingsSection) -> ParameterLayer {
        var layer = ParameterLayer(path: section.path)
        for parameter in HaircutParameter.all {
            var (owner, key) = (section, parameter.name)
            if let point = key.firstIndex(of: ".") {
                owner = section.section(String(key[..<point]))
                key = String(key[key.index(after: point)...])
            }
            let value: HaircutParameter.Value? =
                switch parameter.property {
                case .number: value(owner, key) { $0.number }.map { .number($0) }
                case .amounts: amounts(owner, key).map { .amounts($0) }
                }
            if let value { layer.values[parameter.name] = (value, owner.place(key)) }
        }
        return layer
    }

    private mutating func amounts(_ section: SettingsSection, _ key: String) -> [FixedDecimal]? {
        guard let entry = section.node.entry(key), case .list(let items) = entry.value.content
        else { return nil }
        let before = problems.count
        let list = SettingsSection(
            node: SettingsNode(
                content: .map(
                    items.enumerated().map {
                        .init(key: "[\($0.offset)]", place: $0.element.place, value: $0.element)
                    }), place: entry.place), path: "")
        var amounts: [FixedDecimal] = []
        for index in items.indices {
            let amount = value(list, "[\(index)]") { scalar in
                scalar.decimal.mapError {
                    Complaint("of \(section.pathOf(key)) \($0.text)")
                }
            }
            if let amount { amounts.append(amount) }
        }
        return problems.count == before && amounts.count == items.count ? amounts : nil
    }

    /// The class's defaults with each layer put over what is before it.
    func resolve(_ assetClass: AssetClass, _ layers: [ParameterLayer]) -> HaircutParameters {
        var parameters = HaircutParameters(assetClass)
        for layer in layers {
            for parameter in HaircutParameter.all {
                guard let (value, _) = layer.values[parameter.name] else { continue }
                parameter.set(value, in: &parameters)
            }
        }
        return parameters
    }

    /// Reports each condition of the model that resolved parameters break, at the line that set
    /// the parameter, or the other one of the condition where that was set nearer to the asset.
    ///
    /// - Parameters:
    ///   - layers: the ones resolved, weakest first.
    ///   - owner: what they are resolved for, for a condition no line can be blamed for.
    mutating func check(
        _ parameters: HaircutParameters?, _ layers: [ParameterLayer], _ owner: String
    ) {
        for violation in parameters?.violations ?? [] {
            let others = HaircutParameter.all.map(\.name).filter {
                violation.condition.contains($0) && $0 != violation.parameter
            }.sorted { $0.count > $1.count }
            let names = [violation.parameter] + others
            let blamed = layers.reversed().lazy.compactMap { layer in
                names.first { layer.values[$0] != nil }.map { ($0, layer) }
            }.first
            guard let (name, layer) = blamed, let place = layer.values[name]?.place else {
                complain(.file, "\(owner): \(violation)")
                continue
            }
            let text =
                name == violation.parameter
                ? violation.description : "\(name): \(violation.description)"
            let owned = layer.path == "parameters" && !others.isEmpty ? " (for \(owner))" : ""
            complain(place, "\(layer.path).\(text)\(owned)")
        }
    }
}
