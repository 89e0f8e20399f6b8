import Foundation
import Operations
import Quantities
import Testing

@Suite struct EnvironmentTests {
    @Test func theEnvironmentWinsOverTheFile() throws {
        let settings = try read(
            leastYAML,
            [
                "BREAKWATER_KAFKA__BOOTSTRAP_SERVERS": "b:1",
                "BREAKWATER_TOPICS__IV_SURFACES": "surfaces",
                "BREAKWATER_VALUATION_CURRENCY": "EUR",
                "BREAKWATER_HTTP__PORT": "0",
                "BREAKWATER_CLASSES__MAJOR__LIMITER_UP_PER_MINUTE__NORMAL": "0.004",
                "BREAKWATER_KAFKA__LIBRDKAFKA__LINGER_MS": "3",
                "BREAKWATER_ASSETS__0__DAILY_VOLUME": "7.5",
                "BREAKWATER_ASSETS__0__PARAMETERS__NOTIONALS__1": "20",
                "BREAKWATER_ASSETS__0__PARAMETERS__NOTIONALS__0": "10",
                "PATH": "/bin", "OTHER__THING": "1",
            ])
        #expect(settings.kafka.bootstrapServers == "b:1")
        #expect(settings.topics.ivSurfaces == "surfaces")
        #expect(settings.valuationCurrency == Identifier("EUR"))
        #expect(settings.http.port == 0)
        #expect(settings.kafka.librdkafka.map(\.description) == ["linger.ms=3"])
        let asset = try #require(settings.assets.first)
        #expect(asset.dailyVolume == FixedDecimal("7.5"))
        #expect(asset.parameters.limiterUpPerMinute.normal == 0.004)
        #expect(asset.parameters.notionals.map(\.description) == ["10", "20"])
    }

    @Test func aListGrowsByIndexWhateverTheOrderOfTheVariables() throws {
        var environment: [String: String] = ["BREAKWATER_KAFKA__BOOTSTRAP_SERVERS": "b:1"]
        for index in 0..<12 {
            let name = "BREAKWATER_ASSETS__\(index)__"
            environment[name + "ID"] = "A\(index)"
            environment[name + "CLASS"] = "alt"
            environment[name + "PRIMARY_VENUE"] = "house"
            environment[name + "DAILY_VOLUME"] = "1"
            environment[name + "DEPTH_REFERENCE"] = "1"
        }
        let settings = try read("", environment)
        #expect(settings.assets.map(\.asset.description) == (0..<12).map { "A\($0)" })
    }

    @Test(arguments: [
        (
            "BREAKWATER_HTTP__PORT", "x",
            "BREAKWATER_HTTP__PORT: http.port must be a whole number from 0 to 65535"
        ),
        (
            "BREAKWATER_KAFKA_BOOTSTRAP_SERVERS", "x",
            "BREAKWATER_KAFKA_BOOTSTRAP_SERVERS: is not a known setting "
                + "(did you mean BREAKWATER_KAFKA__BOOTSTRAP_SERVERS?)"
        ),
        (
            "BREAKWATER_ASSETS__0__CLAS", "x",
            "BREAKWATER_ASSETS__0__CLAS: is not a known setting "
                + "(did you mean BREAKWATER_ASSETS__0__CLASS?)"
        ),
        (
            "BREAKWATER_ASSETS__2__ID", "x",
            "BREAKWATER_ASSETS__2__ID: the list has 1 entries, so the next index is 1"
        ),
        ("BREAKWATER_ASSETS__01__ID", "x", "BREAKWATER_ASSETS__01__ID: is not a known setting"),
        ("BREAKWATER_HTTP", "x", "BREAKWATER_HTTP: is not a known setting"),
        (
            "BREAKWATER_CLASSES__MAJOR__FLOOR", "2",
            "BREAKWATER_CLASSES__MAJOR__FLOOR: classes.major.floor must be between 0.0 and 1.0"
        ),
    ])
    func aProblemNamesItsVariable(_ name: String, _ value: String, _ expected: String) throws {
        let found = try #require(problems(leastYAML, [name: value]).first)
        #expect(found.hasPrefix(expected))
    }

    @Test(arguments: [
        ("BREAKWATER_SERVICE_HOST", "10.0.0.1"), ("BREAKWATER_PORT", "tcp://10.0.0.1:9464"),
        ("BREAKWATER_PORT_9464_TCP_ADDR", "10.0.0.1"),
        ("BREAKWATER_HAIRCUT_SERVICE_PORT_HTTP", "9464"), ("BREAKWATER_MUTATIONS", "1"),
    ])
    func whatKubernetesAndTheChecksSetIsNoProblem(_ name: String, _ value: String) {
        #expect(problems(leastYAML, [name: value]) == [])
    }
}
