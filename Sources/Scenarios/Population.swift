import Haircuts
import Market
import Quantities

/// What an account of a synthetic population is there for.
public enum AccountKind: String, CaseIterable, Hashable, Sendable {
    /// Holds assets; one in four owes a little.
    case holder
    /// Holds assets bought on margin; owes the valuation currency or a stable asset.
    case spotLong = "spot-long"
    /// Long perpetuals: linear on money or a stable asset, or inverse on the coin itself.
    case perpetualLong = "perpetual-long"
    /// Holds a stable asset; owes the valuation currency, or a coin it has sold.
    case stableBorrower = "stable-borrower"
    /// Short puts, half of them short calls too.
    case optionSeller = "option-seller"
    /// Spot against short perpetuals and futures, a few straddles; owes most of what it holds.
    case marketMaker = "market-maker"

    /// How many of 100 accounts are of this kind.
    public var percent: Int {
        switch self {
        case .holder: 40
        case .spotLong: 24
        case .perpetualLong: 16
        case .stableBorrower: 8
        case .optionSeller: 6
        case .marketMaker: 6
        }
    }
}

/// A synthetic population of accounts: the same size, seed and market give the same accounts.
///
/// Sizes are Pareto-distributed, so that a few accounts hold most. What is pledged adds up to the
/// system collateral of the market. Leverage is set by the fall of prices that an account stands:
/// each leveraged account draws one from `Leverage` and borrows up to it, so that the share that
/// breaches at a given fall is known before anything is played. Every assumption is synthetic; no
/// venue publishes its accounts.
public struct Population: Hashable, Sendable {
    /// In order of their names; one message each, with sequence 1 and the market's time.
    public let accounts: [AccountSnapshot]
    /// What each is, in the same order.
    public let kinds: [AccountKind]

    /// - Parameters:
    ///   - size: accounts; ≥ 0.
    ///   - market: with at least one asset of each of coins and stable assets, else the kinds that
    ///     need one hold what there is.
    public init(size: Int, seed: UInt64, market: OpeningMarket) {
        precondition(size >= 0)
        var random = ScenarioRandom(seed: seed)
        var maker = AccountMaker(market: market)
        var owners = 0
        var drafts: [AccountDraft] = []
        drafts.reserveCapacity(size)
        let kindOffset = random.unit()
        for number in 0..<size {
            let kind = Self.kind(at: evenly(number, offset: kindOffset))
            var draft = maker.draft(kind, &random)
            // One account in five belongs to an owner who has one already.
            if owners > 0, random.unit() < 0.2 {
                draft.owner = Int(random.next() % UInt64(owners))
            } else {
                draft.owner = owners
                owners += 1
            }
            drafts.append(draft)
        }
        let pledged = drafts.reduce(0) { $0 + maker.pledged($1) }
        let wanted = market.assets.reduce(0) { $0 + $1.systemCollateral }
        let factor = pledged > 0 && wanted > 0 ? wanted / pledged : 1
        accounts = drafts.enumerated().map { number, draft in
            draft.snapshot(number: number, factor: factor, time: market.time)
        }
        kinds = drafts.map(\.kind)
    }

    /// - Parameter place: 0…1.
    private static func kind(at place: Double) -> AccountKind {
        var rest = place * 100
        for kind in AccountKind.allCases {
            rest -= Double(kind.percent)
            if rest < 0 { return kind }
        }
        return .holder
    }
}

/// Points that fill 0…1 evenly however many are taken: multiples of the golden section.
///
/// Shares then hold in small populations as they do in large ones.
func evenly(_ number: Int, offset: Double) -> Double {
    let value = offset + Double(number) * 0.618_033_988_749_894_9
    return value - value.rounded(.down)
}

/// How much a population borrows, as the fall of prices its leveraged accounts stand.
enum Leverage {
    /// The falls that shares of the leveraged accounts do not outlive, straight between.
    private static let stands: [(share: Double, fall: Double)] = [
        (0, 0.03), (0.04, 0.05), (0.14, 0.10), (0.40, 0.20), (0.64, 0.30), (1, 0.65),
    ]

    /// The fall of coin prices at which an account reaches its maintenance margin.
    ///
    /// - Parameter place: of the account among the leveraged ones, 0…1.
    /// - Returns: 0.03…0.65.
    static func fall(at place: Double) -> Double {
        for (low, high) in zip(stands, stands.dropFirst()) where place <= high.share {
            let part = (place - low.share) / (high.share - low.share)
            return low.fall + part * (high.fall - low.fall)
        }
        return 0.65
    }
}

/// Haircuts of venues whose weights do not follow the market.
///
/// - Source: published collateral weights: FTX and Backpack, base weights 0.95 for the large coins
///   and 0.90 for others; Bybit's first tier for the stable asset, 0.98.
public enum VenueHaircuts {
    public static func maintenance(_ assetClass: AssetClass) -> Double {
        switch assetClass {
        case .major: 0.05
        case .alt: 0.10
        case .stable: 0.02
        }
    }
}
