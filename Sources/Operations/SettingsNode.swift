import Haircuts
import Margin

/// One value of the configuration's tree before it is typed, with the place it was written at.
struct SettingsNode: Sendable {
    indirect enum Content: Sendable {
        /// A key without a value.
        case nothing
        case scalar(String, Kind)
        case list([SettingsNode])
        case map([Entry])
    }

    struct Entry: Sendable {
        var key: String
        /// Of the key, which is where a reader looks for it.
        var place: SettingsProblem.Place
        var value: SettingsNode
    }

    enum Kind: Sendable {
        case text, number, boolean
        /// From the environment, where everything is text: whatever it can be read as.
        case untyped
        /// What YAML reads as something else than a plain number: `1_000`, `0x10`, `010`.
        case odd
    }

    var content: Content
    var place: SettingsProblem.Place

    static let empty = SettingsNode(content: .map([]), place: .file)

    var entries: [Entry] {
        if case .map(let entries) = content { entries } else { [] }
    }

    var items: [SettingsNode] {
        if case .list(let items) = content { items } else { [] }
    }

    func entry(_ key: String) -> Entry? { entries.last { $0.key == key } }

    /// Puts a value at a path, making the maps and list items on the way.
    ///
    /// - Returns: nil, or what is wrong with the path.
    mutating func put(
        _ text: String, at path: ArraySlice<SettingsShape.Step>, place: SettingsProblem.Place
    ) -> String? {
        guard let step = path.first else {
            content = .scalar(text, .untyped)
            self.place = place
            return nil
        }
        let fresh = SettingsNode(content: .nothing, place: place)
        switch step {
        case .key(let key):
            var entries = self.entries
            let index = entries.lastIndex { $0.key == key } ?? entries.count
            if index == entries.count {
                entries.append(Entry(key: key, place: place, value: fresh))
            }
            let problem = entries[index].value.put(text, at: path.dropFirst(), place: place)
            if path.count == 1 { entries[index].place = place }
            content = .map(entries)
            return problem
        case .index(let index):
            var items = self.items
            guard index <= items.count else {
                return "the list has \(items.count) entries, so the next index is \(items.count)"
            }
            if index == items.count { items.append(fresh) }
            let problem = items[index].put(text, at: path.dropFirst(), place: place)
            content = .list(items)
            return problem
        }
    }
}

/// What may stand at each place of the configuration.
indirect enum SettingsShape: Sendable {
    case scalar
    /// A scalar that only the environment may give.
    case secret
    case record([(key: String, shape: SettingsShape)])
    case list(SettingsShape)
    /// Free names and scalar values, for the broker's client.
    case properties

    enum Step: Hashable, Sendable {
        case key(String)
        case index(Int)
    }

    private static let parameters: SettingsShape = {
        var fields: [(key: String, shape: SettingsShape)] = []
        for parameter in HaircutParameter.all {
            let parts = parameter.name.split(separator: ".").map(String.init)
            let shape: SettingsShape =
                if case .amounts = parameter.property { .list(.scalar) } else { .scalar }
            if parts.count == 1 {
                fields.append((parts[0], shape))
            } else if let last = fields.last, last.key == parts[0],
                case .record(let inner) = last.shape
            {
                fields[fields.count - 1].shape = .record(inner + [(parts[1], shape)])
            } else {
                fields.append((parts[0], .record([(parts[1], shape)])))
            }
        }
        return .record(fields)
    }()

    private static func scalars(_ keys: String...) -> [(key: String, shape: SettingsShape)] {
        keys.map { ($0, .scalar) }
    }

    private static let security = record(
        scalars(
            "protocol", "caFile", "certificateFile", "keyFile", "mechanism", "usernameFile",
            "passwordFile") + [("username", .secret), ("password", .secret)])

    static let settings = record([
        ("valuationCurrency", .scalar),
        (
            "kafka",
            .record(
                scalars("bootstrapServers", "groupId", "instanceId")
                    + [("security", security), ("librdkafka", .properties)])
        ),
        ("topics", .record(scalars("prefix") + Settings.Topics.names.map { ($0.key, .scalar) })),
        ("workers", .record(scalars("haircut", "margin"))),
        ("delivery", .scalar), ("clock", .scalar),
        (
            "assets",
            .list(
                .record(
                    scalars(
                        "id", "class", "primaryVenue", "dailyVolume", "depthReference",
                        "systemCollateral", "sources") + [("parameters", parameters)]))
        ),
        ("classes", .record(["major", "alt", "stable"].map { ($0, parameters) })),
        ("parameters", parameters),
        ("margin", .record(MarginParameter.all.map { ($0.name, .scalar) })),
        ("http", .record(scalars("bind", "port"))), ("log", .record(scalars("level", "format"))),
        ("crashGuard", .record(scalars("folder"))),
    ])
}
