import Quantities

extension HaircutParameters {
    /// A condition of the model that a set of parameters breaks.
    public struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
        /// The parameter's name in the configuration.
        public var parameter: String
        /// What must hold, as a sentence part: `"must be above 0"`.
        public var condition: String

        public var description: String { "\(parameter) \(condition)" }
    }

    /// Most notionals a table may have.
    public static let mostNotionals = 32

    /// Every condition these parameters break; empty when the model may use them.
    public var violations: [Violation] {
        var found: [Violation] = []
        func require(_ holds: Bool, _ parameter: String, _ condition: String) {
            if !holds { found.append(Violation(parameter: parameter, condition: condition)) }
        }
        func require(
            _ value: Double, _ parameter: String, in range: ClosedRange<Double>
        ) {
            require(
                value.isFinite && range.contains(value), parameter,
                "must be between \(range.lowerBound) and \(range.upperBound)")
        }
        require(jumpIntensity, "jumpIntensity", in: 0...1_000)
        require(jumpMean, "jumpMean", in: 0...1)
        require(jumpDeviation, "jumpDeviation", in: 0...1)
        require(
            jumpMean >= jumpDeviation * jumpDeviation / 2, "jumpMean",
            "must be at least jumpDeviation²/2, else a jump raises the price on average")
        require(
            jumpIntensity * horizonDaysMax / 365 <= 4, "jumpIntensity",
            "times horizonDaysMax/365 must be at most 4, the most jumps the sum of 24 terms holds")
        require(expectedShortfallLevel, "expectedShortfallLevel", in: 0.9...0.9999)
        require(floor, "floor", in: 0...1)
        require(cap, "cap", in: 0...1)
        require(floor <= cap, "floor", "must not be above cap")
        require(volatilityFloor, "volatilityFloor", in: 0.001...10)
        require(stressVolatility, "stressVolatility", in: 0.001...10)
        require(stressWeight, "stressWeight", in: 0...1)
        require(wingDeviations, "wingDeviations", in: 0...5)
        require(detectionSeconds, "detectionSeconds", in: 1...86_400)
        require(horizonDaysMax, "horizonDaysMax", in: 0.01...365)
        require(
            detectionSeconds <= horizonDaysMax * 86_400, "detectionSeconds",
            "must not be above horizonDaysMax")
        require(participation, "participation", in: 0.0001...1)
        require(usableVolume, "usableVolume", in: 0.0001...1)
        require(depthFloor, "depthFloor", in: 1e-6...1)
        require(stressDepthRatio, "stressDepthRatio", in: 1e-6...1)
        require(systemShare, "systemShare", in: 0...1)
        require(impactCoefficient, "impactCoefficient", in: 0...10)
        require(spreadDeviations, "spreadDeviations", in: 0...10)
        require(pegThreshold, "pegThreshold", in: 0...2)
        require(pegFactor, "pegFactor", in: 0...100)
        require(divergenceTolerance, "divergenceTolerance", in: 0...1)
        require(divergenceCap, "divergenceCap", in: 0...1)
        require(confidenceThreshold, "confidenceThreshold", in: 0...1)
        require(dispersionTolerance, "dispersionTolerance", in: 1e-6...1)
        require(initialBuffer, "initialBuffer", in: 1...10)
        require(maintenanceFactor, "maintenanceFactor", in: 0...1)
        require(maintenanceCurvature, "maintenanceCurvature", in: 0...1)
        require(
            maintenanceFactor + maintenanceCurvature <= 1 + 1e-12, "maintenanceFactor",
            "plus maintenanceCurvature must be at most 1, else maintenance exceeds the target")
        require(roundingBasisPoints, "roundingBasisPoints", in: 0.01...100)
        require(
            (roundingBasisPoints * 100).rounded() == roundingBasisPoints * 100,
            "roundingBasisPoints", "must be a whole number of hundredths of a basis point")
        require(
            1_000_000.truncatingRemainder(dividingBy: roundingBasisPoints * 100) == 0,
            "roundingBasisPoints", "must divide 10 000 basis points evenly")
        require(limiterUpPerMinute.normal, "limiterUpPerMinute.normal", in: 1e-6...1)
        require(limiterUpPerMinute.elevated, "limiterUpPerMinute.elevated", in: 1e-6...1)
        require(limiterUpPerMinute.stressed, "limiterUpPerMinute.stressed", in: 1e-6...1)
        require(limiterDownPerMinute, "limiterDownPerMinute", in: 1e-6...1)
        require(scanLimiterShare, "scanLimiterShare", in: 1e-3...1e3)
        require(validitySeconds, "validitySeconds", in: 1...86_400)
        require(fallback, "fallback", in: 0...1)
        require(governorShare, "governorShare", in: 0...1)
        require(governorBucketMinutes, "governorBucketMinutes", in: 0.1...1_440)
        require(governorMaxHold, "governorMaxHold", in: 0...1)
        require(spreadLimitBasisPoints, "spreadLimitBasisPoints", in: 0...10_000)
        require(scanFloor, "scanFloor", in: 0...0.99)
        require(elevatedDeviations, "elevatedDeviations", in: 0.1...100)
        require(stressedDeviations, "stressedDeviations", in: 0.1...100)
        require(
            elevatedDeviations <= stressedDeviations, "elevatedDeviations",
            "must not be above stressedDeviations")
        require(quoteStaleSeconds, "quoteStaleSeconds", in: 1...86_400)
        require(surfaceStaleSeconds, "surfaceStaleSeconds", in: 1...86_400)
        require(dwellSeconds, "dwellSeconds", in: 0...86_400)
        require(publishIntervalMilliseconds, "publishIntervalMilliseconds", in: 1...60_000)
        require(heartbeatMilliseconds, "heartbeatMilliseconds", in: 1...60_000)
        require(
            heartbeatMilliseconds < validitySeconds * 1_000, "heartbeatMilliseconds",
            "must be shorter than validitySeconds, else every table expires before the next")
        require(priceToleranceBasisPoints, "priceToleranceBasisPoints", in: 0...10_000)
        require(
            (1...Self.mostNotionals).contains(notionals.count), "notionals",
            "must have 1 to \(Self.mostNotionals) entries")
        require(
            notionals.allSatisfy { $0 > .zero && $0 <= FixedDecimal(1_000_000_000_000) }
                && zip(notionals, notionals.dropFirst()).allSatisfy { $0 < $1 },
            "notionals", "must increase and be above 0 and at most 10^12")
        return found
    }
}
