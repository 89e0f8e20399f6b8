import Haircuts
import Margin
import Quantities

/// The whole configuration of a process, typed and checked (docs/contracts.md).
public struct Settings: Hashable, Sendable {
    /// The unit of money: haircut 0, price 1.
    public var valuationCurrency: Identifier
    public var kafka = Kafka()
    public var topics = Topics()
    public var workers = Workers()
    public var delivery = Delivery.exactlyOnce
    public var clock = Clock.wall
    /// In the file's order, each id once, parameters resolved and their hash computed.
    public var assets: [AssetConfiguration] = []
    /// What an asset of the class gets where it says nothing itself; has every class.
    public var classes: [AssetClass: HaircutParameters]
    /// The numbers of the margin stage; they break none of its conditions.
    public var margin = MarginParameters()
    public var http = HTTP()
    public var log = Log()
    public var crashGuard = CrashGuard()

    /// The defaults, without a broker and without assets.
    public init(valuationCurrency: Identifier) {
        self.valuationCurrency = valuationCurrency
        classes = Dictionary(
            uniqueKeysWithValues: AssetClass.allCases.map { ($0, HaircutParameters($0)) })
    }

    public struct Kafka: Hashable, Sendable {
        /// `host:port`, several joined by commas.
        public var bootstrapServers = ""
        /// `-haircut` and `-margin` are appended per role.
        public var groupId = "breakwater"
        /// Names this process among those of its group, across restarts: static membership, and
        /// part of its transactional ids. nil: a random one per start.
        public var instanceId: String?
        public var security = Security()
        /// Passed through to the client as they are, in the order given.
        public var librdkafka: [KafkaProperty] = []

        public init() {}
    }

    public struct Security: Hashable, Sendable {
        public var `protocol` = SecurityProtocol.plaintext
        /// Paths; nil where not given.
        public var caFile: String?
        public var certificateFile: String?
        public var keyFile: String?
        public var mechanism: Mechanism?
        public var usernameFile: String?
        public var passwordFile: String?
        /// By the environment only; before `usernameFile`.
        public var username: Secret?
        /// By the environment only; before `passwordFile`.
        public var password: Secret?

        public init() {}
    }

    public enum SecurityProtocol: String, CaseIterable, Sendable {
        case plaintext, ssl
        case saslPlaintext = "sasl_plaintext"
        case saslSSL = "sasl_ssl"

        var usesTLS: Bool { self == .ssl || self == .saslSSL }
        var usesSASL: Bool { self == .saslPlaintext || self == .saslSSL }
    }

    public enum Mechanism: String, CaseIterable, Sendable {
        case plain = "PLAIN"
        case scramSHA256 = "SCRAM-SHA-256"
        case scramSHA512 = "SCRAM-SHA-512"
        case gssapi = "GSSAPI"
        case oauthbearer = "OAUTHBEARER"

        var takesPassword: Bool { self == .plain || self == .scramSHA256 || self == .scramSHA512 }
    }

    /// The names of the topics; `prefix` is already put before each.
    public struct Topics: Hashable, Sendable {
        public var quotes = "market.quotes.v1"
        public var ivSurfaces = "market.iv-surfaces.v1"
        public var positions = "accounts.positions.v1"
        public var controls = "risk.controls.v1"
        public var haircuts = "risk.haircuts.v1"
        public var marginRequirements = "risk.margin-requirements.v1"
        public var liquidationAlerts = "risk.liquidation-alerts.v1"
        public var breakers = "risk.breakers.v1"
        public var exposures = "risk.exposures.v1"
        public var checkpoints = "breakwater.checkpoints.v1"
        public var deadLetters = "breakwater.dead-letters.v1"

        public init() {}

        /// Each topic's key in the configuration, in the order of the contracts.
        public static let names:
            [(key: String, path: any WritableKeyPath<Topics, String> & Sendable)] = [
                ("quotes", \.quotes), ("ivSurfaces", \.ivSurfaces), ("positions", \.positions),
                ("controls", \.controls), ("haircuts", \.haircuts),
                ("marginRequirements", \.marginRequirements),
                ("liquidationAlerts", \.liquidationAlerts), ("breakers", \.breakers),
                ("exposures", \.exposures), ("checkpoints", \.checkpoints),
                ("deadLetters", \.deadLetters),
            ]
    }

    /// Threads per role in this process, 0…64.
    public struct Workers: Hashable, Sendable {
        public var haircut = 1
        public var margin = 1

        public init() {}
    }

    public enum Delivery: String, CaseIterable, Sendable {
        case exactlyOnce = "exactly-once"
        case atLeastOnce = "at-least-once"
    }

    public enum Clock: String, CaseIterable, Sendable {
        case wall, event
    }

    public struct HTTP: Hashable, Sendable {
        public var bind = "127.0.0.1"
        /// 0…65535; 0 picks one.
        public var port = 9464

        public init() {}
    }

    /// Where workers keep which record they are applying: one that ends the process twice is
    /// refused.
    public struct CrashGuard: Hashable, Sendable {
        /// Of this process or of several on one machine; empty: one in the system's folder for
        /// temporary files, named after the brokers and the group.
        public var folder = ""

        public init() {}
    }

    public struct Log: Hashable, Sendable {
        public var level = LogLevel.info
        public var format = LogFormat.text

        public init() {}
    }

    public enum LogLevel: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    public enum LogFormat: String, CaseIterable, Sendable {
        case text, json
    }
}
