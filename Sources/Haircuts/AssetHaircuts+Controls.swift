import Quantities

extension AssetHaircuts {
    /// What a control is to those before it of its asset and action.
    package func arrival(of control: Control) -> PriceSources.Arrival {
        controls.arrival(of: control)
    }

    /// Whether the parameters a control would leave may be used.
    ///
    /// - Throws: the first reason why not; nothing changes either way.
    package func check(_ control: Control, at now: Instant) throws(ControlRefusal) {
        guard case .parameters = control.order else { return }
        var tentative = controls
        tentative.set(control, at: now)
        var parameters = configured.parameters
        try parameters.apply(tentative.parameters)
        if let violation = parameters.violations.first {
            throw .violation(asset: configuration.asset, violation)
        }
    }

    /// Puts a control in force that `check` let pass.
    ///
    /// - Parameter cause: its record, which the next table names; nil: none is published for it.
    package mutating func set(_ control: Control, at now: Instant, cause: Cause?) {
        controls.set(control, at: now)
        applyControls()
        if cause != nil { pendingCause = cause }
    }

    /// Puts a control in force that is read again after a restore: one that ended by the time of
    /// the last assessment is over, a later end is still to be noticed.
    package mutating func restore(_ control: Control) {
        controls.set(control, at: breaker.assessedAt ?? Instant(nanoseconds: .min))
        applyControls()
    }

    /// Ends a control.
    ///
    /// - Returns: false when there was none: nothing changed.
    package mutating func withdraw(_ key: Control.Key, cause: Cause?) -> Bool {
        guard controls.withdraw(key) else { return false }
        applyControls()
        if cause != nil { pendingCause = cause }
        return true
    }

    /// Sets the configuration to the configured one with the parameters that controls change.
    /// Columns are matched by notional.
    mutating func applyControls() {
        var parameters = configured.parameters
        // Each set was checked when it came. One that has no meaning without another that has
        // ended changes nothing.
        do throws(ControlRefusal) {
            try parameters.apply(controls.parameters)
        } catch {
            parameters = configured.parameters
        }
        if !parameters.violations.isEmpty { parameters = configured.parameters }
        guard parameters != configuration.parameters else { return }
        let jumps = model.jumps
        configuration.parameters = parameters
        configuration.parametersHash = configured.parametersHash
        if parameters != configured.parameters {
            configuration.parametersHash = hash(configuration)
        }
        model = HaircutModel(parameters)
        if model.jumps != jumps { guesses = QuantileGuesses(model.jumps) }
        limiter = Limiter(parameters)
        scanLimiter = Limiter(scan: parameters)
        grid = TickGrid(basisPoints: parameters.roundingBasisPoints)
        schedule = TierSchedule(notionals: parameters.notionals, grid: grid)
        circuit = CircuitBreaker(parameters)
        throttle = Governor(parameters, depthPrior: configuration.depthReference.double)
        sources.configure(
            staleSeconds: parameters.quoteStaleSeconds,
            dispersionTolerance: parameters.dispersionTolerance)
        let known = restoredColumns + columns
        columns = parameters.notionals.map { notional in
            known.first { $0.notional == notional } ?? Column(notional: notional)
        }
        generation += 1
    }
}
