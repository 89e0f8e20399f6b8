import Foundation
import Haircuts
import Operations
import Quantities
import TestSupport
import Testing

@Suite struct SettingsTests {
    @Test func everyKeyOfACompleteFileIsRead() throws {
        let settings = try read(completeYAML)
        #expect(settings.valuationCurrency == Identifier("USD"))
        #expect(settings.kafka.bootstrapServers == "broker-1:9093,[::1]:9093")
        #expect(settings.kafka.groupId == "risk")
        #expect(settings.kafka.security.protocol == .saslSSL)
        #expect(settings.kafka.security.mechanism == .scramSHA512)
        #expect(settings.kafka.security.caFile == "/etc/ca.pem")
        #expect(
            settings.kafka.librdkafka.map(\.description) == [
                "linger.ms=1", "socket.keepalive.enable=true",
            ])
        #expect(settings.topics.quotes == "eu.books")
        #expect(settings.topics.deadLetters == "eu.breakwater.dead-letters.v1")
        #expect(settings.workers.haircut == 2)
        #expect(settings.workers.margin == 64)
        #expect(settings.delivery == .atLeastOnce)
        #expect(settings.clock == .event)
        #expect(settings.http.bind == "0.0.0.0")
        #expect(settings.http.port == 0)
        #expect(settings.log.level == .debug)
        #expect(settings.log.format == .json)
        try #require(settings.assets.count == 2)
        #expect(settings.assets[0].sources == 3)
        #expect(settings.assets[0].depthReference == FixedDecimal(40_000_000))
        #expect(settings.assets[1].assetClass == .stable)
        #expect(settings.assets[1].dailyVolume == FixedDecimal("200000000.5"))
        #expect(settings.assets[1].systemCollateral == .zero)
        #expect(settings.assets[1].sources == nil)
        #expect(settings.assets[1].parameters.notionals.map(\.description) == ["1000", "20000.5"])
    }

    @Test func whatIsNotGivenHasTheDefaultsOfTheContracts() throws {
        let settings = try read(leastYAML)
        #expect(settings.valuationCurrency == Identifier("USD"))
        #expect(settings.kafka.groupId == "breakwater")
        #expect(settings.kafka.security == Settings.Security())
        #expect(settings.topics == Settings.Topics())
        #expect(settings.topics.marginRequirements == "risk.margin-requirements.v1")
        #expect(settings.workers == Settings.Workers())
        #expect(settings.delivery == .exactlyOnce)
        #expect(settings.clock == .wall)
        #expect(settings.http.bind == "127.0.0.1")
        #expect(settings.http.port == 9464)
        #expect(settings.log == Settings.Log())
        #expect(settings.assets.first?.parameters == HaircutParameters(.major))
    }

    @Test func anAssetGoesBeforeItsClassBeforeAllBeforeTheDefaults() throws {
        let all = "parameters: {floor: 0.011}\n"
        let major = "classes: {major: {floor: 0.012}}\n"
        let own = leastYAML.replacing(
            "depthReference: 1}", with: "depthReference: 1, parameters: {floor: 0.013}}")
        func floor(_ yaml: String) throws -> Double? {
            try read(yaml).assets.first?.parameters.floor
        }
        #expect(try floor(leastYAML) == 0.02)
        #expect(try floor(leastYAML + all) == 0.011)
        #expect(try floor(leastYAML + all + major) == 0.012)
        #expect(try floor(own + all + major) == 0.013)
        #expect(try floor(leastYAML + "classes: {alt: {floor: 0.5}}\n") == 0.02)
        let perState = "classes: {major: {limiterUpPerMinute: {elevated: 0.011}}}\n"
        #expect(
            try read(leastYAML + perState).assets.first?.parameters.limiterUpPerMinute
                == .init(normal: 0.005, elevated: 0.011, stressed: 0.02))
    }

    @Test func whatIsShownReadsBackAsTheSameSettings() throws {
        for yaml in [completeYAML, leastYAML] {
            let settings = try read(yaml)
            let again = try read(settings.yaml)
            #expect(again == settings)
            #expect(again.yaml == settings.yaml)
            #expect(settings.assets.allSatisfy { settings.yaml.contains($0.parametersHash) })
        }
    }

    @Test func everyPropertyOfTheParametersHasAName() {
        let parameters = HaircutParameters(.major)
        var properties: Set<String> = []
        for child in Mirror(reflecting: parameters).children {
            let label = child.label ?? ""
            if child.value is HaircutParameters.PerState {
                for part in Mirror(reflecting: child.value).children {
                    properties.insert("\(label).\(part.label ?? "")")
                }
            } else {
                properties.insert(label)
            }
        }
        let names = HaircutParameter.all.map(\.name)
        #expect(Set(names) == properties)
        #expect(names.count == Set(names).count)
    }

    @Test func everyParameterReachesThePropertyOfItsOwnName() {
        for parameter in HaircutParameter.all {
            var changed = HaircutParameters(.major)
            switch parameter.value(in: changed) {
            case .number: #expect(parameter.set(.number(0.123456), in: &changed))
            case .amounts: #expect(parameter.set(.amounts([FixedDecimal(7)]), in: &changed))
            }
            let parts = parameter.name.split(separator: ".").map(String.init)
            let child = Mirror(reflecting: changed).children.first { $0.label == parts[0] }
            var value = child?.value
            if parts.count == 2, let owner = value {
                value = Mirror(reflecting: owner).children.first { $0.label == parts[1] }?.value
            }
            #expect(
                value as? Double == 0.123456 || value as? [FixedDecimal] == [FixedDecimal(7)],
                "\(parameter.name)")
        }
    }

    @Test func theHashIsTheSameEverywhere() throws {
        let asset = try #require(try read(leastYAML).assets.first)
        // Of the text, made with another implementation of SHA-256.
        let expected = "sha256:40b2d141933c15a59c3482f211db7bd5e7f3fc1b2df5d63785ce0c2543ce680e"
        #expect(asset.parametersHash == expected)
        #expect(asset.parametersHash == asset.computedParametersHash)
    }

    @Test func theHashChangesWithEveryPartOfTheConfiguration() throws {
        let asset = try #require(try read(leastYAML).assets.first)
        var hashes: Set<String> = [asset.computedParametersHash]
        func remember(_ change: (inout AssetConfiguration) throws -> Void) rethrows {
            var changed = asset
            try change(&changed)
            #expect(hashes.insert(changed.computedParametersHash).inserted)
        }
        for parameter in HaircutParameter.all {
            remember {
                switch parameter.value(in: $0.parameters) {
                case .number(let number):
                    parameter.set(.number(number.nextUp), in: &$0.parameters)
                case .amounts(let amounts):
                    parameter.set(.amounts(amounts + [FixedDecimal(1)]), in: &$0.parameters)
                }
            }
        }
        try remember { $0.asset = try #require(Identifier("ETH")) }
        remember { $0.assetClass = .alt }
        try remember { $0.primaryVenue = try #require(Identifier("other")) }
        remember { $0.dailyVolume = FixedDecimal(2) }
        remember { $0.depthReference = FixedDecimal(2) }
        remember { $0.systemCollateral = FixedDecimal(2) }
        remember { $0.sources = 2 }
        #expect(hashes.count == HaircutParameter.all.count + 8)
    }

    @Test func theConfigurationThatIsDeliveredIsFine() throws {
        #expect(problems(bytes: Array(try Repository.data("docker/breakwater.yaml"))) == [])
    }
}
