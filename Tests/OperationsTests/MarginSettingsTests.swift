import Margin
import Operations
import Testing

@Suite struct MarginSettingsTests {
    @Test func everyPropertyOfTheParametersHasAName() {
        let properties = Mirror(reflecting: MarginParameters()).children.compactMap(\.label)
        #expect(Set(MarginParameter.all.map(\.name)) == Set(properties))
        #expect(MarginParameter.all.count == properties.count)
    }

    @Test func everyParameterIsReadUnderItsNameAndByTheEnvironment() throws {
        for parameter in MarginParameter.all {
            let value = parameter.value(in: MarginParameters())
            // A little more, which stays in every range and order.
            let changed = value * 1.0001 + 0.0001
            let range = parameter.range
            let wanted = range.contains(changed) ? changed : value * 0.9999
            let yaml = leastYAML + "margin: {\(parameter.name): \(wanted)}\n"
            #expect(parameter.value(in: try read(yaml).margin) == wanted, "\(parameter.name)")
            let variable = parameter.name.reduce(into: "BREAKWATER_MARGIN__") { name, letter in
                name += letter.isUppercase ? "_\(letter)" : letter.uppercased()
            }
            let settings = try read(leastYAML, [variable: "\(wanted)"])
            #expect(parameter.value(in: settings.margin) == wanted, "\(variable)")
            #expect(settings.yaml.contains("\n  \(parameter.name): \(wanted)\n"))
            #expect(try read(settings.yaml) == settings)
        }
    }

    @Test func whatIsNotGivenHasTheDefaultsOfTheModel() throws {
        #expect(try read(leastYAML).margin == MarginParameters())
        #expect(MarginParameters().violations == [])
    }

    static let problemsOfValues: [(String, String)] = [
        (
            "initialMultiplier: 0.99",
            "margin.initialMultiplier must be between 1.0 and 10.0"
        ),
        (
            "hysteresis: 0.25",
            "margin.hysteresis must be below warningBuffer, else a margin call is left only "
                + "above the warning line"
        ),
        (
            "warningBuffer: 0.01",
            "margin.warningBuffer: hysteresis must be below warningBuffer, else a margin call is "
                + "left only above the warning line"
        ),
        (
            "refreshMilliseconds: 5001",
            "margin.refreshMilliseconds must not be above refreshHealthyMilliseconds: accounts "
                + "in trouble come first"
        ),
        ("trancheShare: x", "margin.trancheShare must be a number"),
        ("tranchShare: 1", "margin.tranchShare is not a known key (did you mean trancheShare?)"),
    ]

    @Test(arguments: problemsOfValues)
    func aBrokenConditionIsSaidWithItsLine(_ line: String, _ expected: String) {
        #expect(
            problems(leastYAML + "margin:\n  \(line)\n") == ["breakwater.yaml:5: \(expected)"])
    }

    @Test func aBoundaryIsInTheRange() throws {
        for parameter in MarginParameter.all {
            for bound in [parameter.range.lowerBound, parameter.range.upperBound] {
                var parameters = MarginParameters()
                parameter.set(bound, in: &parameters)
                let own = parameters.violations.filter {
                    $0.parameter == parameter.name && $0.condition.hasPrefix("must be between")
                }
                #expect(own.isEmpty, "\(parameter.name)")
            }
            var beyond = MarginParameters()
            parameter.set(parameter.range.upperBound.nextUp, in: &beyond)
            #expect(beyond.violations.contains { $0.parameter == parameter.name })
        }
    }

    @Test func anInstanceIdIsOptionalAndPlain() throws {
        func kafka(_ id: String) -> String {
            leastYAML.replacing("9092\"}", with: "9092\", instanceId: \(id)}")
        }
        #expect(try read(leastYAML).kafka.instanceId == nil)
        #expect(!(try read(leastYAML).yaml.contains("instanceId")))
        let settings = try read(kafka("pod-3"))
        #expect(settings.kafka.instanceId == "pod-3")
        #expect(try read(settings.yaml) == settings)
        #expect(
            problems(kafka("\"a b\"")) == [
                "breakwater.yaml:1: kafka.instanceId must be 1 to 100 letters, digits, points, "
                    + "hyphens and underscores"
            ])
    }
}
