import Market
import Quantities

/// One message of a scenario, for the topic of its kind.
public enum ScenarioEvent: Hashable, Sendable {
    case quote(Quote)
    case surface(Surface)

    public var time: Instant {
        switch self {
        case .quote(let quote): quote.time
        case .surface(let surface): surface.time
        }
    }

    public var asset: Identifier {
        switch self {
        case .quote(let quote): quote.asset
        case .surface(let surface): surface.asset
        }
    }
}
