import Foundation
import Haircuts
import Margin
import Quantities

extension Settings {
    /// Reads and checks a configuration file with the environment over it.
    ///
    /// - Parameters:
    ///   - path: of the file; every problem is reported under this name.
    ///   - environment: as `ProcessInfo` gives it; only names that start with `BREAKWATER_` count.
    /// - Throws: every problem found, not only the first.
    public static func read(
        path: String, environment: [String: String]
    ) throws(SettingsRefusal) -> Settings {
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(filePath: path))
        } catch {
            let exists = FileManager.default.fileExists(atPath: path)
            throw SettingsRefusal(
                file: path,
                problems: [
                    SettingsProblem(.file, exists ? "cannot be read" : "there is no such file")
                ])
        }
        return try read(yaml: Array(bytes), file: path, environment: environment)
    }

    /// Reads and checks a configuration that is already in memory.
    ///
    /// - Parameters:
    ///   - yaml: UTF-8.
    ///   - file: the name under which problems are reported.
    /// - Throws: every problem found, not only the first.
    public static func read(
        yaml: [UInt8], file: String, environment: [String: String] = [:]
    ) throws(SettingsRefusal) -> Settings {
        var reader = SettingsReader()
        guard var root = SettingsYAML.read(yaml, &reader.problems) else {
            throw SettingsRefusal(file: file, problems: reader.problems)
        }
        switch root.content {
        case .map, .nothing: root.place = .file
        case .scalar, .list:
            throw SettingsRefusal(
                file: file,
                problems: reader.problems + [
                    SettingsProblem(root.place, "must be a map of keys to values")
                ])
        }
        let writtenKafka = SettingsSection(node: root, path: "").section("kafka")
        reader.refuseSecrets(in: writtenKafka.section("librdkafka"))
        SettingsEnvironment.overlay(environment, on: &root, &reader.problems)
        reader.check(root, .settings, path: "")
        let settings = reader.settings(SettingsSection(node: root, path: ""))
        guard let settings, reader.problems.isEmpty else {
            throw SettingsRefusal(file: file, problems: reader.problems)
        }
        return settings
    }
}

extension SettingsReader {
    fileprivate mutating func settings(_ root: SettingsSection) -> Settings? {
        let given = value(root, "valuationCurrency") { $0.identifier }
        guard let currency = given ?? Identifier("USD") else { return nil }
        var settings = Settings(valuationCurrency: currency)
        settings.kafka = kafka(root.section("kafka"))
        settings.topics = topics(root.section("topics"))
        let workers = root.section("workers")
        set(&settings.workers.haircut, workers, "haircut") { $0.integer(in: 0...64) }
        set(&settings.workers.margin, workers, "margin") { $0.integer(in: 0...64) }
        set(&settings.delivery, root, "delivery") { $0.choice(Settings.Delivery.self) }
        set(&settings.clock, root, "clock") { $0.choice(Settings.Clock.self) }
        readMargin(root.section("margin"), into: &settings.margin)
        let http = root.section("http")
        set(&settings.http.bind, http, "bind") { $0.filledText }
        set(&settings.http.port, http, "port") { $0.integer(in: 0...65_535) }
        let log = root.section("log")
        set(&settings.log.level, log, "level") { $0.choice(Settings.LogLevel.self) }
        set(&settings.log.format, log, "format") { $0.choice(Settings.LogFormat.self) }
        let crashGuard = root.section("crashGuard")
        set(&settings.crashGuard.folder, crashGuard, "folder") { $0.text }
        readAssets(root, into: &settings)
        return settings
    }

    private mutating func topics(_ section: SettingsSection) -> Settings.Topics {
        var topics = Settings.Topics()
        let prefix = value(section, "prefix") { $0.topicPrefix } ?? ""
        var keys: [String: String] = [:]
        for (key, path) in Settings.Topics.names {
            set(&topics[keyPath: path], section, key) { $0.filledText }
            topics[keyPath: path] = prefix + topics[keyPath: path]
            let name = topics[keyPath: path]
            let place =
                section.node.entry(key) == nil ? section.place("prefix") : section.place(key)
            if name.wholeMatch(of: /[A-Za-z0-9._-]{1,249}/) == nil || name == "." || name == ".." {
                complain(
                    place,
                    "topics.\(key) must be 1 to 249 letters, digits, points, hyphens and "
                        + "underscores, the prefix included")
            }
            if let other = keys.updateValue(key, forKey: name) {
                complain(place, "topics.\(key) has the name of topics.\(other)")
            }
        }
        return topics
    }

    /// Reads the margin stage's numbers and reports each condition they break, at the line that
    /// set the parameter, or the other one of the condition.
    private mutating func readMargin(
        _ section: SettingsSection, into parameters: inout MarginParameters
    ) {
        for parameter in MarginParameter.all {
            if let value = value(section, parameter.name, { $0.number }) {
                parameter.set(value, in: &parameters)
            }
        }
        for violation in parameters.violations {
            let names =
                [violation.parameter]
                + MarginParameter.all.map(\.name).filter { violation.condition.contains($0) }
            let blamed = names.first { section.node.entry($0) != nil } ?? violation.parameter
            let text = blamed == violation.parameter ? "" : "\(blamed): "
            complain(section.place(blamed), "margin.\(text)\(violation)")
        }
    }

    private mutating func readAssets(_ root: SettingsSection, into settings: inout Settings) {
        let all = parameterLayer(root.section("parameters"))
        let sections = root.node.entry("assets")?.value.items.enumerated().map {
            SettingsSection(node: $0.element, path: "assets[\($0.offset)]")
        }
        let classes = root.section("classes")
        var layers: [AssetClass: ParameterLayer] = [:]
        for assetClass in AssetClass.allCases {
            let layer = parameterLayer(classes.section(assetClass.rawValue))
            layers[assetClass] = layer
            settings.classes[assetClass] = resolve(assetClass, [all, layer])
            if !layer.values.isEmpty || !all.values.isEmpty {
                check(settings.classes[assetClass], [all, layer], "class \(assetClass.rawValue)")
            }
        }
        var seen: [Identifier: String] = [:]
        for section in sections ?? [] {
            let asset = asset(section, all, layers)
            if let id = value(section, "id", { $0.identifier }) {
                if let other = seen.updateValue(section.path, forKey: id) {
                    complain(
                        section.place("id"), "\(section.path).id \(id) is also that of \(other)")
                }
                if id == settings.valuationCurrency {
                    complain(
                        section.place("id"),
                        "\(section.path).id \(id) is the valuation currency, which has haircut 0")
                }
            }
            if let asset { settings.assets.append(asset) }
        }
    }

    private mutating func asset(
        _ section: SettingsSection, _ all: ParameterLayer, _ layers: [AssetClass: ParameterLayer]
    ) -> AssetConfiguration? {
        let id = required(section, "id") { $0.identifier }
        let assetClass = required(section, "class") { $0.choice(AssetClass.self) }
        let venue = required(section, "primaryVenue") { $0.identifier }
        let volume = required(section, "dailyVolume") { $0.decimal.above(.zero) }
        let depth = required(section, "depthReference") { $0.decimal.above(.zero) }
        let collateral =
            section.node.entry("systemCollateral") == nil
            ? .zero : value(section, "systemCollateral") { $0.decimal.notNegative }
        let sources = value(section, "sources") { $0.integer(in: 1...Int.max) }
        let own = parameterLayer(section.section("parameters"))
        guard let assetClass else { return nil }
        let chain = [all, layers[assetClass], own].compactMap { $0 }
        let parameters = resolve(assetClass, chain)
        check(parameters, chain, "\(section.path)\(id.map { " (\($0))" } ?? "")")
        guard let id, let venue, let volume, let depth, let collateral else { return nil }
        var asset = AssetConfiguration(
            asset: id, assetClass: assetClass, primaryVenue: venue, dailyVolume: volume,
            depthReference: depth, systemCollateral: collateral, sources: sources,
            parameters: parameters, parametersHash: "")
        asset.parametersHash = asset.computedParametersHash
        return asset
    }
}

extension SettingsScalar {
    fileprivate var topicPrefix: Result<String, Complaint> {
        text.flatMap { text in
            if text.wholeMatch(of: /[A-Za-z0-9._-]{0,200}/) != nil { return .success(text) }
            return .failure(
                Complaint("must be at most 200 letters, digits, points, hyphens and underscores"))
        }
    }
}

extension Result<FixedDecimal, Complaint> {
    fileprivate func above(_ bound: FixedDecimal) -> Self {
        flatMap { $0 > bound ? .success($0) : .failure(Complaint("must be above \(bound)")) }
    }

    fileprivate var notNegative: Self {
        flatMap { $0 < .zero ? .failure(Complaint("must not be negative")) : .success($0) }
    }
}
