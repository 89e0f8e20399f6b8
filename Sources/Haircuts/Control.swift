import Quantities

/// An order two people gave: `control.v1`. One is in force per asset and action; a tombstone
/// withdraws it.
public struct Control: Hashable, Sendable {
    /// nil is every asset, `*`.
    public var asset: Identifier?
    public var time: Instant
    /// Grows with each message of this asset and action; 0 … 2^53 − 1.
    public var sequence: Int64
    public var order: Order
    /// nil: without end, which only `parameters` may be.
    public var expires: Instant?
    public var reason: String
    /// Two different people.
    public var by: String
    public var approvedBy: String

    public enum Action: String, CaseIterable, Sendable {
        case override, freeze, solvency, parameters
    }

    public enum Order: Hashable, Sendable {
        /// A floor under every tier, 0 ≤ maintenance ≤ initial ≤ 1.
        case override(Haircut)
        case freeze
        /// Lifts the governor.
        case solvency
        /// A partial set of parameters, each name once, in the order sent.
        case parameters([ParameterChange])

        public var action: Action {
            switch self {
            case .override: .override
            case .freeze: .freeze
            case .solvency: .solvency
            case .parameters: .parameters
            }
        }
    }

    /// A parameter by its name in the configuration, with a value of the kind it takes.
    public struct ParameterChange: Hashable, Sendable {
        public var name: String
        public var value: HaircutParameter.Value

        public init(name: String, value: HaircutParameter.Value) {
            self.name = name
            self.value = value
        }
    }

    /// Which control a record is about, as its key says: `asset|action`.
    public struct Key: Hashable, Sendable {
        /// nil is every asset, `*`.
        public var asset: Identifier?
        public var action: Action

        public init(asset: Identifier?, action: Action) {
            self.asset = asset
            self.action = action
        }
    }

    public var key: Key { Key(asset: asset, action: order.action) }

    public static let mostTextBytes = 512
    public static let longestSeconds: Int64 = 86_400

    public init(
        asset: Identifier?, time: Instant, sequence: Int64, order: Order, expires: Instant?,
        reason: String, by: String, approvedBy: String
    ) {
        self.asset = asset
        self.time = time
        self.sequence = sequence
        self.order = order
        self.expires = expires
        self.reason = reason
        self.by = by
        self.approvedBy = approvedBy
    }

    /// A control that says nothing, to decode into.
    public static let blank = Control(
        asset: nil, time: Instant(nanoseconds: 0), sequence: 0, order: .freeze, expires: nil,
        reason: "", by: "", approvedBy: "")
}
