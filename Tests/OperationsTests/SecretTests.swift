import Foundation
import Logging
import Operations
import Testing

@Suite struct SecretTests {
    static let word = "hunter2-never-seen"

    @Test(arguments: [
        "kafka: {bootstrapServers: a, security: {password: \(word)}}",
        "kafka: {bootstrapServers: a, security: {username: \(word)}}",
        "kafka: {bootstrapServers: a, security: {password: [\(word)]}}",
        "kafka: {bootstrapServers: a, security: {passwrd: \(word)}}",
        "kafka: {bootstrapServers: a, librdkafka: {sasl.password: \(word)}}",
        "kafka: {bootstrapServers: a, librdkafka: {ssl.key.password: \(word)}}",
        "kafka: {bootstrapServers: a, librdkafka: {sasl.oauthbearer.client.secret: \(word)}}",
        "kafka: {bootstrapServers: a, librdkafka: {ssl.key.pem: \(word)}}",
        "kafka: {bootstrapServers: a, security: {password: \(word), password: \(word)}}",
        "kafka: {bootstrapServers: a, security: {password: \(word)}",
    ])
    func aSecretInTheFileIsRefusedAndNotRepeated(_ yaml: String) {
        let found = problems(yaml + "\n")
        #expect(!found.isEmpty)
        #expect(found.allSatisfy { !$0.contains(Self.word) })
    }

    @Test func theRefusalSaysWhereASecretBelongs() {
        #expect(
            problems("kafka: {bootstrapServers: a, security: {password: x}}\n").first
                == "breakwater.yaml:1: kafka.security.password is a secret and cannot stand in the "
                + "file: name a file in kafka.security.passwordFile or set "
                + "BREAKWATER_KAFKA__SECURITY__PASSWORD")
        #expect(
            problems("kafka: {bootstrapServers: a, librdkafka: {ssl.key.password: x}}\n") == [
                "breakwater.yaml:1: kafka.librdkafka.ssl.key.password is a secret and cannot stand "
                    + "in the file: set BREAKWATER_KAFKA__LIBRDKAFKA__SSL_KEY_PASSWORD"
            ])
    }

    private func settingsWithSecrets() throws -> Settings {
        try read(
            "kafka: {bootstrapServers: a, security: {protocol: sasl_ssl, mechanism: PLAIN}}\n",
            [
                "BREAKWATER_KAFKA__SECURITY__USERNAME": Self.word + "u",
                "BREAKWATER_KAFKA__SECURITY__PASSWORD": Self.word + "p",
                "BREAKWATER_KAFKA__LIBRDKAFKA__SSL_KEY_PASSWORD": Self.word + "k",
            ])
    }

    @Test func noSecretIsSeenWhereverSettingsArePrinted() throws {
        let settings = try settingsWithSecrets()
        let lines = Lines()
        var dumped = ""
        dump(settings, to: &dumped)
        let handler = LineLogHandler(label: "x", settings: settings.log, write: lines.add)
        let logger = Logger(label: "x") { _ in handler }
        logger.info("\(settings)", metadata: ["settings": "\(settings.kafka)"])
        let properties = try settings.kafka.properties()
        let places = [
            settings.yaml, dumped, "\(settings)", String(reflecting: settings), "\(properties)",
            String(reflecting: properties), lines.text,
        ]
        for place in places {
            #expect(!place.isEmpty)
            #expect(!place.contains(Self.word))
        }
        #expect(settings.yaml.contains("    password: \"***\"\n"))
        #expect(settings.yaml.contains("    ssl.key.password: \"***\"\n"))
    }

    @Test func theClientGetsItsSecrets() throws {
        let properties = try settingsWithSecrets().kafka.properties()
        let found = properties.map { "\($0.name)=\($0.reveal())" }
        #expect(
            found == [
                "bootstrap.servers=a", "security.protocol=sasl_ssl", "sasl.mechanism=PLAIN",
                "sasl.username=\(Self.word)u", "sasl.password=\(Self.word)p",
                "ssl.key.password=\(Self.word)k",
            ])
    }

    @Test func secretsAreReadFromTheirFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let user = folder.appending(path: "user").path
        let password = folder.appending(path: "password").path
        try Data("alice\n".utf8).write(to: URL(filePath: user))
        try Data(" p w \r\n".utf8).write(to: URL(filePath: password))
        let yaml = """
            kafka:
              bootstrapServers: a
              security: {protocol: sasl_plaintext, mechanism: PLAIN, usernameFile: "\(user)", \
            passwordFile: "\(password)"}

            """
        let kafka = try read(yaml).kafka
        let properties = try kafka.properties().suffix(2).map { "\($0.name)=\($0.reveal())" }
        #expect(properties == ["sasl.username=alice", "sasl.password= p w "])
        try FileManager.default.removeItem(atPath: password)
        do throws(SettingsRefusal) {
            _ = try kafka.properties()
            Issue.record("a missing file was accepted")
        } catch {
            #expect("\(error)" == "\(password): cannot be read (kafka.security.passwordFile)")
        }
    }
}
