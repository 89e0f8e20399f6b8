import Quantities

/// The controls in force for one asset: its own and those for every asset, one of each action.
///
/// - Source: docs/contracts.md, `control.v1`.
struct ActiveControls: Sendable {
    /// By action; those of the asset itself, and those of `*`.
    private var own = Slots()
    private var general = Slots()
    /// The earliest moment at which a control in force ends.
    private(set) var nextExpiry: Instant?

    /// The floor under every tier, if there is one.
    private(set) var floor: Haircut?
    private(set) var isFrozen = false
    private(set) var isSolvent = false
    /// Changes of parameters in the order in which they apply.
    private(set) var parameters: [Control.ParameterChange] = []

    private struct Slots: Sendable {
        var slots: [Slot] = Control.Action.allCases.map { _ in Slot() }

        subscript(action: Control.Action) -> Slot {
            get { slots[action.place] }
            set { slots[action.place] = newValue }
        }
    }

    private struct Slot: Sendable {
        var order: Control.Order?
        var expires: Instant?
        /// Of the last control, in force or not; nil before the first.
        var last: (sequence: Int64, time: Instant)?
    }

    /// What a control is to those before it.
    func arrival(of control: Control) -> PriceSources.Arrival {
        let slots = control.asset == nil ? general : own
        guard let last = slots[control.order.action].last else { return .new }
        return Sequencing.arrival(
            sequence: control.sequence, time: control.time, lastSequence: last.sequence,
            lastTime: last.time)
    }

    /// Puts a control in force, in the place of the one before; one that has run out ends that
    /// one all the same.
    mutating func set(_ control: Control, at now: Instant) {
        let isOver = control.expires.map { $0 <= now } ?? false
        let slot = Slot(
            order: isOver ? nil : control.order, expires: control.expires,
            last: (control.sequence, control.time))
        if control.asset == nil {
            general[control.order.action] = slot
        } else {
            own[control.order.action] = slot
        }
        settle()
    }

    /// Ends a control.
    ///
    /// - Returns: false when there was none.
    mutating func withdraw(_ key: Control.Key) -> Bool {
        let slots = key.asset == nil ? general : own
        guard slots[key.action].order != nil else { return false }
        if key.asset == nil {
            general[key.action].order = nil
        } else {
            own[key.action].order = nil
        }
        settle()
        return true
    }

    /// Ends what has run out; call when `nextExpiry` is not after now.
    mutating func expire(at now: Instant) {
        for action in Control.Action.allCases {
            if let end = own[action].expires, end <= now { own[action].order = nil }
            if let end = general[action].expires, end <= now { general[action].order = nil }
        }
        settle()
    }

    private mutating func settle() {
        nextExpiry = nil
        for action in Control.Action.allCases {
            for slot in [own[action], general[action]] where slot.order != nil {
                guard let end = slot.expires else { continue }
                nextExpiry = min(nextExpiry ?? end, end)
            }
        }
        floor = nil
        if case .override(let haircut) = own[.override].order ?? general[.override].order {
            floor = haircut
        }
        isFrozen = own[.freeze].order != nil || general[.freeze].order != nil
        isSolvent = own[.solvency].order != nil || general[.solvency].order != nil
        parameters = []
        for slot in [general[.parameters], own[.parameters]] {
            if case .parameters(let changes) = slot.order { parameters += changes }
        }
    }
}

extension Control.Action {
    fileprivate var place: Int {
        switch self {
        case .override: 0
        case .freeze: 1
        case .solvency: 2
        case .parameters: 3
        }
    }
}

/// Why a control is not applied; nothing changed.
public enum ControlRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// There is no parameter of this name.
    case unknownParameter(String)
    /// The parameter takes a value of the other kind: a number, or amounts.
    case wrongKind(String)
    /// The parameters of an asset would break a condition of the model.
    case violation(asset: Identifier, HaircutParameters.Violation)

    public var description: String {
        switch self {
        case .unknownParameter(let name): "there is no parameter \"\(name)\""
        case .wrongKind(let name): "the parameter \"\(name)\" takes a value of another kind"
        case .violation(let asset, let violation): "of \(asset), \(violation)"
        }
    }
}

extension HaircutParameters {
    /// Sets a partial set of parameters by name.
    ///
    /// - Throws: the first change that has no meaning; some may have been set.
    public mutating func apply(
        _ changes: [Control.ParameterChange]
    ) throws(ControlRefusal) {
        for change in changes {
            guard let parameter = HaircutParameter.all.first(where: { $0.name == change.name })
            else { throw .unknownParameter(change.name) }
            if !parameter.set(change.value, in: &self) { throw .wrongKind(change.name) }
        }
    }
}
