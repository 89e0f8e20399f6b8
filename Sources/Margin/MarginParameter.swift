/// One adjustable number of the margin stage under its name in the configuration's `margin`.
///
/// `all` is the only list of these names: the file, the environment and `config show` go through
/// it.
public struct MarginParameter: Sendable {
    public let name: String
    private let path: any WritableKeyPath<MarginParameters, Double> & Sendable
    /// What the model and the workers can use, in the parameter's own unit.
    public let range: ClosedRange<Double>

    private init(
        _ name: String, _ path: any WritableKeyPath<MarginParameters, Double> & Sendable,
        in range: ClosedRange<Double>
    ) {
        self.name = name
        self.path = path
        self.range = range
    }

    public func value(in parameters: MarginParameters) -> Double { parameters[keyPath: path] }

    public func set(_ value: Double, in parameters: inout MarginParameters) {
        parameters[keyPath: path] = value
    }

    /// Every parameter, in the order in which `config show` writes them.
    public static let all: [MarginParameter] = [
        MarginParameter("initialMultiplier", \.initialMultiplier, in: 1...10),
        MarginParameter("debtScale", \.debtScale, in: 0...1),
        MarginParameter("warningBuffer", \.warningBuffer, in: 0...10),
        MarginParameter("hysteresis", \.hysteresis, in: 0...1),
        MarginParameter("planTarget", \.planTarget, in: 0...10),
        MarginParameter("feeBasisPoints", \.feeBasisPoints, in: 0...1_000),
        MarginParameter("trancheShare", \.trancheShare, in: 0.0001...1),
        MarginParameter("trancheSeconds", \.trancheSeconds, in: 1...86_400),
        MarginParameter("shortOptionCharge", \.shortOptionCharge, in: 0...1),
        MarginParameter("extremeShare", \.extremeShare, in: 0...1),
        MarginParameter("volatilityUp", \.volatilityUp, in: 0...10),
        MarginParameter("volatilityDown", \.volatilityDown, in: 0...1),
        MarginParameter("volatilityExponent", \.volatilityExponent, in: 0...1),
        MarginParameter("refreshTolerance", \.refreshTolerance, in: 0...1),
        MarginParameter(
            "refreshHealthyMilliseconds", \.refreshHealthyMilliseconds, in: 1...600_000),
        MarginParameter("refreshMilliseconds", \.refreshMilliseconds, in: 1...600_000),
        MarginParameter("heartbeatMinutes", \.heartbeatMinutes, in: 0.01...1_440),
        MarginParameter("refreshesPerSecond", \.refreshesPerSecond, in: 1...10_000_000),
        MarginParameter("exposureMilliseconds", \.exposureMilliseconds, in: 100...60_000),
    ]
}

extension MarginParameters {
    /// A condition that a set of parameters breaks.
    public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
        /// The parameter's name in the configuration.
        public var parameter: String
        /// What must hold, as a sentence part: `"must be above 0"`.
        public var condition: String

        public var description: String { "\(parameter) \(condition)" }
    }

    /// Every condition these parameters break; empty when the margin stage may use them.
    public var violations: [Violation] {
        var found: [Violation] = []
        func require(_ holds: Bool, _ parameter: String, _ condition: String) {
            if !holds { found.append(Violation(parameter: parameter, condition: condition)) }
        }
        for parameter in MarginParameter.all {
            let (value, range) = (parameter.value(in: self), parameter.range)
            require(
                value.isFinite && range.contains(value), parameter.name,
                "must be between \(range.lowerBound) and \(range.upperBound)")
        }
        require(
            hysteresis < warningBuffer || warningBuffer == 0, "hysteresis",
            "must be below warningBuffer, else a margin call is left only above the warning line")
        require(
            refreshMilliseconds <= refreshHealthyMilliseconds, "refreshMilliseconds",
            "must not be above refreshHealthyMilliseconds: accounts in trouble come first")
        require(
            refreshHealthyMilliseconds < heartbeatMinutes * 60_000, "heartbeatMinutes",
            "must be longer than refreshHealthyMilliseconds")
        return found
    }
}
