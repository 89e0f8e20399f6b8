import Haircuts
import Margin

extension Settings {
    /// The effective configuration as YAML with every default filled in, secrets masked, each
    /// asset's resolved parameters and, as a comment, their hash.
    ///
    /// Unless it holds a masked secret, reading it gives the same settings.
    public var yaml: String {
        var text = SettingsText()
        text.line(0, "valuationCurrency", quote(valuationCurrency))
        text.line(0, "kafka")
        text.line(1, "bootstrapServers", quote(kafka.bootstrapServers))
        text.line(1, "groupId", quote(kafka.groupId))
        if let instanceId = kafka.instanceId { text.line(1, "instanceId", quote(instanceId)) }
        text.line(1, "security")
        for (key, value) in kafka.security.entries { text.line(2, key, quote(value)) }
        text.line(1, "librdkafka", kafka.librdkafka.isEmpty ? "{}" : nil)
        for property in kafka.librdkafka { text.line(2, property.name, quote(property.shown)) }
        text.line(0, "topics")
        text.line(1, "prefix", quote(""))
        for (key, path) in Topics.names { text.line(1, key, quote(topics[keyPath: path])) }
        text.line(0, "workers")
        text.line(1, "haircut", "\(workers.haircut)")
        text.line(1, "margin", "\(workers.margin)")
        text.line(0, "delivery", delivery.rawValue)
        text.line(0, "clock", clock.rawValue)
        text.line(0, "assets", assets.isEmpty ? "[]" : nil)
        for asset in assets {
            text.lines.append("  # \(asset.asset): \(asset.parametersHash)")
            text.lines.append("  - id: \(quote(asset.asset))")
            text.line(2, "class", asset.assetClass.rawValue)
            text.line(2, "primaryVenue", quote(asset.primaryVenue))
            text.line(2, "dailyVolume", quote(asset.dailyVolume))
            text.line(2, "depthReference", quote(asset.depthReference))
            text.line(2, "systemCollateral", quote(asset.systemCollateral))
            if let sources = asset.sources { text.line(2, "sources", "\(sources)") }
            text.line(2, "parameters")
            text.parameters(3, asset.parameters)
        }
        text.line(0, "classes")
        for assetClass in AssetClass.allCases {
            guard let parameters = classes[assetClass] else { continue }
            text.line(1, assetClass.rawValue)
            text.parameters(2, parameters)
        }
        text.line(0, "parameters", "{}")
        text.line(0, "margin")
        for parameter in MarginParameter.all {
            let value = HaircutParameter.Value.number(parameter.value(in: margin))
            text.line(1, parameter.name, value.description)
        }
        text.line(0, "http")
        text.line(1, "bind", quote(http.bind))
        text.line(1, "port", "\(http.port)")
        text.line(0, "log")
        text.line(1, "level", log.level.rawValue)
        text.line(1, "format", log.format.rawValue)
        text.line(0, "crashGuard")
        text.line(1, "folder", quote(crashGuard.folder))
        return text.lines.joined(separator: "\n") + "\n"
    }
}

extension Settings.Security {
    fileprivate var entries: [(String, String)] {
        let optional = [
            ("caFile", caFile), ("certificateFile", certificateFile), ("keyFile", keyFile),
            ("mechanism", mechanism?.rawValue), ("usernameFile", usernameFile),
            ("passwordFile", passwordFile), ("username", username.map { "\($0)" }),
            ("password", password.map { "\($0)" }),
        ]
        return [("protocol", self.protocol.rawValue)]
            + optional.compactMap { key, value in value.map { (key, $0) } }
    }
}

private struct SettingsText {
    var lines: [String] = []

    mutating func line(_ level: Int, _ key: String, _ value: String? = nil) {
        let indent = String(repeating: "  ", count: level)
        lines.append("\(indent)\(key):\(value.map { " \($0)" } ?? "")")
    }

    mutating func parameters(_ level: Int, _ parameters: HaircutParameters) {
        var group = ""
        for parameter in HaircutParameter.all {
            let parts = parameter.name.split(separator: ".").map(String.init)
            if parts.count == 2, parts[0] != group {
                group = parts[0]
                line(level, group)
            }
            let value = parameter.value(in: parameters).description
            line(level + parts.count - 1, parts[parts.count - 1], value)
        }
    }
}

/// A double-quoted YAML scalar.
private func quote(_ value: some CustomStringConvertible) -> String {
    var text = "\""
    for scalar in value.description.unicodeScalars {
        switch scalar {
        case "\"", "\\": text += "\\\(scalar)"
        case "\n": text += "\\n"
        case "\t": text += "\\t"
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            text += "\\x" + (digits.count == 1 ? "0" : "") + digits
        default: text.unicodeScalars.append(scalar)
        }
    }
    return text + "\""
}
