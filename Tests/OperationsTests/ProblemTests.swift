import Foundation
import Operations
import Testing

@Suite struct ProblemTests {
    /// Lines put after a good configuration of three lines, and what is said of them.
    static let additions: [(String, [String])] = [
        ("clok: wall", ["breakwater.yaml:4: clok is not a known key (did you mean clock?)"]),
        ("zzzzzzzz: 1", ["breakwater.yaml:4: zzzzzzzz is not a known key"]),
        (
            "http:\n  bnd: localhost",
            ["breakwater.yaml:5: http.bnd is not a known key (did you mean bind?)"]
        ),
        (
            "classes:\n  major: {jumpMean: 0.0001}",
            [
                "breakwater.yaml:5: classes.major.jumpMean must be at least jumpDeviation²/2, "
                    + "else a jump raises the price on average"
            ]
        ),
        (
            "classes:\n  major:\n    cap: 0.01",
            ["breakwater.yaml:6: classes.major.cap: floor must not be above cap"]
        ),
        (
            "parameters:\n  floor: 2",
            [
                "breakwater.yaml:5: parameters.floor must be between 0.0 and 1.0",
                "breakwater.yaml:5: parameters.floor must not be above cap (for class major)",
                "breakwater.yaml:5: parameters.floor must not be above cap (for class alt)",
                "breakwater.yaml:5: parameters.floor must not be above cap (for class stable)",
                "breakwater.yaml:5: parameters.floor must not be above cap (for assets[0] (BTC))",
            ]
        ),
        ("parameters: {floor: '0.1'}", ["breakwater.yaml:4: parameters.floor must be a number"]),
        ("parameters: {floor: true}", ["breakwater.yaml:4: parameters.floor must be a number"]),
        (
            "parameters: {quoteStaleSeconds: 1_000}",
            [
                "breakwater.yaml:4: parameters.quoteStaleSeconds must be a number in plain "
                    + "decimal digits"
            ]
        ),
        (
            "parameters: {floor: [1]}",
            ["breakwater.yaml:4: parameters.floor must be a single value"]
        ),
        ("parameters: {floor: }", ["breakwater.yaml:4: parameters.floor has no value"]),
        ("parameters: {notionals: 5}", ["breakwater.yaml:4: parameters.notionals must be a list"]),
        (
            "parameters:\n  notionals:\n    - 1\n    - x",
            [
                "breakwater.yaml:7: [1] of parameters.notionals must be a decimal: at most 18 "
                    + "digits, a point and 18 more, no exponent"
            ]
        ),
        (
            "delivery: exactly-onec",
            [
                "breakwater.yaml:4: delivery must be exactly-once or at-least-once "
                    + "(did you mean exactly-once?)"
            ]
        ),
        ("clock: sun", ["breakwater.yaml:4: clock must be wall or event"]),
        ("log: {format: xml}", ["breakwater.yaml:4: log.format must be text or json"]),
        (
            "log: {level: inf}",
            [
                "breakwater.yaml:4: log.level must be trace, debug, info, notice, warning, error "
                    + "or critical (did you mean info?)"
            ]
        ),
        (
            "http: {port: 65536}",
            ["breakwater.yaml:4: http.port must be a whole number from 0 to 65535"]
        ),
        (
            "workers: {haircut: 65, margin: -1}",
            [
                "breakwater.yaml:4: workers.haircut must be a whole number from 0 to 64",
                "breakwater.yaml:4: workers.margin must be a whole number from 0 to 64",
            ]
        ),
        ("margin: {x: 1}", ["breakwater.yaml:4: margin.x is not a known key"]),
        (
            "topics: {quotes: a, positions: a}",
            ["breakwater.yaml:4: topics.positions has the name of topics.quotes"]
        ),
        (
            "valuationCurrency: BTC",
            ["breakwater.yaml:3: assets[0].id BTC is the valuation currency, which has haircut 0"]
        ),
        (
            "valuationCurrency: 5",
            ["breakwater.yaml:4: valuationCurrency must be text: put 5 in quotes"]
        ),
        (
            "clock: wall\nhttp:\n  port: 1\n  port: 2\nclock: event",
            [
                "breakwater.yaml:4: clock is written again below; a key may stand once",
                "breakwater.yaml:6: port is written again below; a key may stand once",
            ]
        ),
        ("http: [1", ["breakwater.yaml:5: is not YAML: did not find expected ',' or ']'"]),
        ("? [a]\n: b", ["breakwater.yaml:4: a key must be plain text"]),
    ]

    @Test(arguments: additions)
    func isSaidWithItsLine(_ lines: String, _ expected: [String]) {
        #expect(problems(leastYAML + lines + "\n") == expected)
    }

    /// What an asset's line says instead of a good one, and what is said of it.
    static let assets: [(String, [String])] = [
        (
            "{}",
            ["id", "class", "primaryVenue", "dailyVolume", "depthReference"].map {
                "breakwater.yaml:3: assets[0].\($0) is missing"
            }
        ),
        (
            "{id: '*', class: majr, primaryVenue: a|b, dailyVolume: 0, depthReference: true}",
            [
                "breakwater.yaml:3: assets[0].id must be 1 to 64 printable characters without "
                    + "blanks or |, and not *",
                "breakwater.yaml:3: assets[0].class must be major, alt or stable "
                    + "(did you mean major?)",
                "breakwater.yaml:3: assets[0].primaryVenue must be 1 to 64 printable characters "
                    + "without blanks or |, and not *",
                "breakwater.yaml:3: assets[0].dailyVolume must be above 0",
                "breakwater.yaml:3: assets[0].depthReference must be a decimal: at most 18 "
                    + "digits, a point and 18 more, no exponent",
            ]
        ),
        (
            "{id: NO, class: alt, primaryVenue: v, dailyVolume: 1, depthReference: 1, "
                + "systemCollateral: -1, sources: 0}",
            [
                "breakwater.yaml:3: assets[0].id must be text: put NO in quotes",
                "breakwater.yaml:3: assets[0].systemCollateral must not be negative",
                "breakwater.yaml:3: assets[0].sources must be a whole number of at least 1",
            ]
        ),
        (
            "{id: A, class: alt, primaryVenue: v, dailyVolume: 1, depthReference: 1}\n"
                + "  - {id: A, class: alt, primaryVenue: v, dailyVolume: 1, depthReference: 1}",
            ["breakwater.yaml:4: assets[1].id A is also that of assets[0]"]
        ),
    ]

    @Test(arguments: assets)
    func ofAnAssetIsSaidWithItsLine(_ asset: String, _ expected: [String]) {
        let yaml = "kafka: {bootstrapServers: 'a:1'}\nassets:\n  - \(asset)\n"
        let found = problems(yaml)
        #expect(found == expected)
    }

    /// What stands under `kafka:`, and what is said of it.
    static let brokers: [(String, [String])] = [
        ("groupId: a", ["breakwater.yaml:2: kafka.bootstrapServers is missing"]),
        ("bootstrapServers: ''", ["breakwater.yaml:2: kafka.bootstrapServers must not be empty"]),
        (
            "bootstrapServers: a:1,b:65536",
            ["breakwater.yaml:2: kafka.bootstrapServers must have ports from 1 to 65535, not 65536"]
        ),
        (
            "bootstrapServers: 'a:1,'",
            [
                "breakwater.yaml:2: kafka.bootstrapServers must be host:port, "
                    + "several joined by commas"
            ]
        ),
        (
            "bootstrapServers: a\n  librdkafka: {group.id: x}",
            ["breakwater.yaml:3: kafka.librdkafka.group.id cannot be set here: use kafka.groupId"]
        ),
        (
            "bootstrapServers: a\n  security: {caFile: x}",
            [
                "breakwater.yaml:3: kafka.security.caFile needs protocol ssl or "
                    + "sasl_ssl, not plaintext"
            ]
        ),
        (
            "bootstrapServers: a\n  security: {protocol: sasl_ssl, mechanism: PLAIN}",
            [
                "breakwater.yaml:3: kafka.security.usernameFile is missing",
                "breakwater.yaml:3: kafka.security.passwordFile is missing",
            ]
        ),
        (
            "bootstrapServers: a\n  security: {protocol: sasl_ssl}",
            ["breakwater.yaml:3: kafka.security.mechanism is missing"]
        ),
        (
            "bootstrapServers: a\n  security: {protocol: ssl, keyFile: k}",
            ["breakwater.yaml:3: kafka.security.certificateFile is missing"]
        ),
    ]

    @Test(arguments: brokers)
    func ofTheBrokersIsSaidWithItsLine(_ lines: String, _ expected: [String]) {
        #expect(problems("kafka:\n  \(lines)\n") == expected)
    }

    @Test func aFileThatIsNoConfigurationIsRefused() {
        #expect(problems("") == ["breakwater.yaml: kafka.bootstrapServers is missing"])
        #expect(problems("- a\n") == ["breakwater.yaml:1: must be a map of keys to values"])
        #expect(problems(bytes: [97, 58, 10, 0xFF]) == ["breakwater.yaml:2: is not UTF-8 text"])
        #expect(problems("\u{FEFF}" + leastYAML) == [])
        #expect(
            problems(leastYAML + "---\na: 1\n").map { $0.prefix(22) } == ["breakwater.yaml:4: is "])
        #expect(throws: SettingsRefusal.self) {
            try Settings.read(path: "/nonexistent/a.yaml", environment: [:])
        }
        do throws(SettingsRefusal) {
            _ = try Settings.read(path: "/nonexistent/a.yaml", environment: [:])
        } catch {
            #expect("\(error)" == "/nonexistent/a.yaml: there is no such file")
        }
        do throws(SettingsRefusal) {
            _ = try Settings.read(path: "/", environment: [:])
        } catch {
            #expect("\(error)" == "/: cannot be read")
        }
    }
}
