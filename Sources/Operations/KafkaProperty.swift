import Foundation

/// One property of the broker's client, librdkafka.
public struct KafkaProperty: Hashable, Sendable {
    public var name: String
    /// Whether the value must not be seen: passwords, secrets and private keys.
    public var isSecret: Bool { Self.isSecret(name) }
    private var hidden: Secret

    public init(_ name: String, _ value: String) {
        self.name = name
        hidden = Secret(value)
    }

    /// The value as the client takes it.
    public func reveal() -> String { hidden.reveal() }

    /// The value, or `***` for a secret.
    public var shown: String { isSecret ? Secret.mask : hidden.reveal() }

    static func isSecret(_ name: String) -> Bool {
        let name = name.lowercased()
        return ["password", "secret", "token"].contains { name.contains($0) }
            && !name.hasSuffix(".url")
            || ["sasl.username", "sasl.oauthbearer.config", "ssl.key.pem", "ssl_key"].contains(name)
    }

    /// Properties that the configuration sets otherwise, and how.
    static let owned = [
        "bootstrap.servers": "kafka.bootstrapServers",
        "metadata.broker.list": "kafka.bootstrapServers", "group.id": "kafka.groupId",
        "enable.auto.commit": "delivery", "enable.auto.offset.store": "delivery",
        "transactional.id": "delivery",
    ]
}

extension KafkaProperty: CustomStringConvertible, CustomReflectable {
    public var description: String { "\(name)=\(shown)" }
    public var customMirror: Mirror { Mirror(self, children: ["name": name, "value": shown]) }
}

extension Settings.Kafka {
    /// What the client needs to reach the cluster: brokers, security, then the properties passed
    /// through, which win because they come last. The group is not among them.
    ///
    /// - Throws: when a file that holds a user name or password cannot be read or is empty.
    public func properties() throws(SettingsRefusal) -> [KafkaProperty] {
        var properties = [
            KafkaProperty("bootstrap.servers", bootstrapServers),
            KafkaProperty("security.protocol", security.protocol.rawValue),
        ]
        func add(_ name: String, _ value: String?) {
            if let value { properties.append(KafkaProperty(name, value)) }
        }
        add("ssl.ca.location", security.caFile)
        add("ssl.certificate.location", security.certificateFile)
        add("ssl.key.location", security.keyFile)
        add("sasl.mechanism", security.mechanism?.rawValue)
        add(
            "sasl.username",
            try secret(security.username, security.usernameFile, "kafka.security.usernameFile"))
        add(
            "sasl.password",
            try secret(security.password, security.passwordFile, "kafka.security.passwordFile"))
        return properties + librdkafka
    }

    private func secret(
        _ given: Secret?, _ path: String?, _ key: String
    ) throws(SettingsRefusal) -> String? {
        if let given { return given.reveal() }
        guard let path else { return nil }
        guard let data = FileManager.default.contents(atPath: path),
            let text = String(validating: data, as: UTF8.self)
        else {
            throw SettingsRefusal(
                file: path, problems: [SettingsProblem(.file, "cannot be read (\(key))")])
        }
        let line = text.trimmingCharacters(in: .newlines)
        guard !line.isEmpty else {
            throw SettingsRefusal(
                file: path, problems: [SettingsProblem(.file, "is empty (\(key))")])
        }
        return line
    }
}
