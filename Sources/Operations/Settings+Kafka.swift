extension SettingsReader {
    mutating func kafka(_ section: SettingsSection) -> Settings.Kafka {
        var kafka = Settings.Kafka()
        if let servers = required(section, "bootstrapServers", { $0.servers }) {
            kafka.bootstrapServers = servers
        }
        set(&kafka.groupId, section, "groupId") { $0.filledText }
        kafka.instanceId = value(section, "instanceId") { $0.instanceId }
        for entry in section.section("librdkafka").node.entries {
            guard case .scalar(let text, _) = entry.value.content else { continue }
            if let key = KafkaProperty.owned[entry.key] {
                complain(
                    entry.place, "kafka.librdkafka.\(entry.key) cannot be set here: use \(key)")
            }
            kafka.librdkafka.append(KafkaProperty(entry.key, text))
        }
        kafka.security = security(section.section("security"))
        checkCredentials(section.section("security"), kafka)
        return kafka
    }

    /// Reports every secret among the properties that the file gives the client.
    mutating func refuseSecrets(in section: SettingsSection) {
        for entry in section.node.entries where KafkaProperty.isSecret(entry.key) {
            let instead: String =
                switch entry.key {
                case "sasl.username": "name a file in kafka.security.usernameFile"
                case "sasl.password": "name a file in kafka.security.passwordFile"
                default:
                    "set \(SettingsEnvironment.prefix)KAFKA__LIBRDKAFKA__"
                        + entry.key.uppercased().replacing(".", with: "_")
                }
            complain(
                entry.place,
                "kafka.librdkafka.\(entry.key) is a secret and cannot stand in the file: \(instead)"
            )
        }
    }

    private mutating func security(_ section: SettingsSection) -> Settings.Security {
        var security = Settings.Security()
        set(&security.protocol, section, "protocol") {
            $0.choice(Settings.SecurityProtocol.self)
        }
        security.caFile = value(section, "caFile") { $0.filledText }
        security.certificateFile = value(section, "certificateFile") { $0.filledText }
        security.keyFile = value(section, "keyFile") { $0.filledText }
        security.mechanism = value(section, "mechanism") { $0.choice(Settings.Mechanism.self) }
        security.usernameFile = value(section, "usernameFile") { $0.filledText }
        security.passwordFile = value(section, "passwordFile") { $0.filledText }
        security.username = value(section, "username") { $0.secret }
        security.password = value(section, "password") { $0.secret }
        return security
    }

    /// Reports credentials that would not be used and those that are missing.
    private mutating func checkCredentials(_ section: SettingsSection, _ kafka: Settings.Kafka) {
        let security = kafka.security
        // A protocol that was not understood has been reported; nothing follows from it.
        if section.node.entry("protocol") != nil,
            value(section, "protocol", { $0.choice(Settings.SecurityProtocol.self) }) == nil
        {
            return
        }
        func unused(_ keys: [String], _ protocols: String) -> [(SettingsProblem.Place, String)] {
            keys.filter { section.node.entry($0) != nil }.map {
                (
                    section.place($0),
                    "\(section.pathOf($0)) needs protocol \(protocols), "
                        + "not \(security.protocol.rawValue)"
                )
            }
        }
        var found: [(SettingsProblem.Place, String)] = []
        if !security.protocol.usesTLS {
            found += unused(["caFile", "certificateFile", "keyFile"], "ssl or sasl_ssl")
        }
        if !security.protocol.usesSASL {
            found += unused(
                ["mechanism", "usernameFile", "passwordFile", "username", "password"],
                "sasl_plaintext or sasl_ssl")
        }
        if (security.certificateFile == nil) != (security.keyFile == nil) {
            let (given, missing) =
                security.keyFile == nil
                ? ("certificateFile", "keyFile") : ("keyFile", "certificateFile")
            found.append((section.place(given), "\(section.pathOf(missing)) is missing"))
        }
        let passed = Set(kafka.librdkafka.map(\.name))
        if security.protocol.usesSASL, security.mechanism == nil,
            passed.isDisjoint(with: ["sasl.mechanism", "sasl.mechanisms"]),
            section.node.entry("mechanism") == nil
        {
            found.append((section.place("protocol"), "kafka.security.mechanism is missing"))
        }
        if security.protocol.usesSASL, security.mechanism?.takesPassword == true {
            for key in ["username", "password"] where !passed.contains("sasl.\(key)") {
                if section.node.entry(key) == nil, section.node.entry("\(key)File") == nil {
                    found.append(
                        (section.place("mechanism"), "kafka.security.\(key)File is missing"))
                }
            }
        }
        for (place, message) in found { complain(place, message) }
    }
}

extension SettingsScalar {
    /// `host:port`, several joined by commas; the port may be left out.
    fileprivate var servers: Result<String, Complaint> {
        filledText.flatMap { text in
            for server in text.split(separator: ",", omittingEmptySubsequences: false) {
                let server = server.drop { $0 == " " }
                guard let parts = server.wholeMatch(of: /(.*?[^:]|\[.*\])(:([^:\]]*))?/) else {
                    return .failure(
                        Complaint("must be host:port, several joined by commas"))
                }
                guard let port = parts.3 else { continue }
                guard let number = Int(port), (1...65_535).contains(number) else {
                    return .failure(
                        Complaint("must have ports from 1 to 65535, not \(port)"))
                }
            }
            return .success(text)
        }
    }

    /// As brokers take them in group instance ids.
    fileprivate var instanceId: Result<String, Complaint> {
        text.flatMap { text in
            if text.wholeMatch(of: /[A-Za-z0-9._-]{1,100}/) != nil { return .success(text) }
            return .failure(
                Complaint("must be 1 to 100 letters, digits, points, hyphens and underscores"))
        }
    }

    fileprivate var secret: Result<Secret, Complaint> {
        string.isEmpty ? .failure(Complaint("must not be empty")) : .success(Secret(string))
    }
}
