import Quantities

/// One adjustable number of the model under its name in the configuration.
///
/// `all` is the only list of these names: the file, the environment, `config show` and the
/// parameters' hash go through it, so a parameter that is missing from it cannot be half known.
public struct HaircutParameter: Sendable {
    /// A value as the configuration gives it.
    public enum Value: Hashable, Sendable {
        case number(Double)
        /// In the valuation currency.
        case amounts([FixedDecimal])
    }

    package enum Property: Sendable {
        case number(any WritableKeyPath<HaircutParameters, Double> & Sendable)
        case amounts(any WritableKeyPath<HaircutParameters, [FixedDecimal]> & Sendable)
    }

    /// `jumpMean`, or `limiterUpPerMinute.normal` where the property has parts.
    public let name: String
    package let property: Property

    private init(
        _ name: String, _ path: any WritableKeyPath<HaircutParameters, Double> & Sendable
    ) {
        self.name = name
        property = .number(path)
    }

    private init(
        _ name: String,
        amounts path: any WritableKeyPath<HaircutParameters, [FixedDecimal]> & Sendable
    ) {
        self.name = name
        property = .amounts(path)
    }

    public func value(in parameters: HaircutParameters) -> Value {
        switch property {
        case .number(let path): .number(parameters[keyPath: path])
        case .amounts(let path): .amounts(parameters[keyPath: path])
        }
    }

    /// Sets the property; a value of the other kind changes nothing and returns false.
    @discardableResult
    public func set(_ value: Value, in parameters: inout HaircutParameters) -> Bool {
        switch (property, value) {
        case (.number(let path), .number(let number)): parameters[keyPath: path] = number
        case (.amounts(let path), .amounts(let amounts)): parameters[keyPath: path] = amounts
        case (.number, .amounts), (.amounts, .number): return false
        }
        return true
    }

    /// Every parameter, in the order in which `config show` writes them.
    public static let all: [HaircutParameter] = [
        HaircutParameter("jumpIntensity", \.jumpIntensity),
        HaircutParameter("jumpMean", \.jumpMean),
        HaircutParameter("jumpDeviation", \.jumpDeviation),
        HaircutParameter("expectedShortfallLevel", \.expectedShortfallLevel),
        HaircutParameter("floor", \.floor),
        HaircutParameter("cap", \.cap),
        HaircutParameter("volatilityFloor", \.volatilityFloor),
        HaircutParameter("stressVolatility", \.stressVolatility),
        HaircutParameter("stressWeight", \.stressWeight),
        HaircutParameter("wingDeviations", \.wingDeviations),
        HaircutParameter("detectionSeconds", \.detectionSeconds),
        HaircutParameter("horizonDaysMax", \.horizonDaysMax),
        HaircutParameter("participation", \.participation),
        HaircutParameter("usableVolume", \.usableVolume),
        HaircutParameter("depthFloor", \.depthFloor),
        HaircutParameter("stressDepthRatio", \.stressDepthRatio),
        HaircutParameter("systemShare", \.systemShare),
        HaircutParameter("impactCoefficient", \.impactCoefficient),
        HaircutParameter("spreadDeviations", \.spreadDeviations),
        HaircutParameter("pegThreshold", \.pegThreshold),
        HaircutParameter("pegFactor", \.pegFactor),
        HaircutParameter("divergenceTolerance", \.divergenceTolerance),
        HaircutParameter("divergenceCap", \.divergenceCap),
        HaircutParameter("confidenceThreshold", \.confidenceThreshold),
        HaircutParameter("dispersionTolerance", \.dispersionTolerance),
        HaircutParameter("initialBuffer", \.initialBuffer),
        HaircutParameter("maintenanceFactor", \.maintenanceFactor),
        HaircutParameter("maintenanceCurvature", \.maintenanceCurvature),
        HaircutParameter("roundingBasisPoints", \.roundingBasisPoints),
        HaircutParameter("limiterUpPerMinute.normal", \.limiterUpPerMinute.normal),
        HaircutParameter("limiterUpPerMinute.elevated", \.limiterUpPerMinute.elevated),
        HaircutParameter("limiterUpPerMinute.stressed", \.limiterUpPerMinute.stressed),
        HaircutParameter("limiterDownPerMinute", \.limiterDownPerMinute),
        HaircutParameter("scanLimiterShare", \.scanLimiterShare),
        HaircutParameter("governorShare", \.governorShare),
        HaircutParameter("governorBucketMinutes", \.governorBucketMinutes),
        HaircutParameter("governorMaxHold", \.governorMaxHold),
        HaircutParameter("validitySeconds", \.validitySeconds),
        HaircutParameter("fallback", \.fallback),
        HaircutParameter("spreadLimitBasisPoints", \.spreadLimitBasisPoints),
        HaircutParameter("scanFloor", \.scanFloor),
        HaircutParameter("elevatedDeviations", \.elevatedDeviations),
        HaircutParameter("stressedDeviations", \.stressedDeviations),
        HaircutParameter("quoteStaleSeconds", \.quoteStaleSeconds),
        HaircutParameter("surfaceStaleSeconds", \.surfaceStaleSeconds),
        HaircutParameter("dwellSeconds", \.dwellSeconds),
        HaircutParameter("notionals", amounts: \.notionals),
        HaircutParameter("publishIntervalMilliseconds", \.publishIntervalMilliseconds),
        HaircutParameter("heartbeatMilliseconds", \.heartbeatMilliseconds),
        HaircutParameter("priceToleranceBasisPoints", \.priceToleranceBasisPoints),
    ]
}

extension HaircutParameter.Value: CustomStringConvertible {
    /// The shortest text that reads back as the same value; the same on every machine.
    public var description: String {
        switch self {
        case .number(let number): Self.text(number)
        case .amounts(let amounts): "[" + amounts.map(\.description).joined(separator: ", ") + "]"
        }
    }

    private static func text(_ number: Double) -> String {
        let text = number.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
