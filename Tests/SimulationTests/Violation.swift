/// A promise that a run broke.
struct Violation: CustomStringConvertible {
    enum Rule: String {
        case quiet = "the world comes to rest"
        case readable = "every output can be read"
        case sequence = "sequences of a key have no gap and no repeat"
        case repeated = "what is delivered twice is the same, byte for byte"
        case order = "time and causes of a key do not go back"
        case ticks = "haircuts are whole ticks, initial not below maintenance"
        case limiter = "haircuts move within the limiter's bounds"
        case stale = "stale or stopped inputs lower no haircut"
        case breaker = "each change of a breaker begins where the last one ended"
        case deadLetterTwice = "nothing is in the dead letters twice"
        case deadLetterMissing = "what is refused, and nothing else, is in the dead letters"
        case replay = "outputs are those of an uninterrupted run, byte for byte"
        case control = "what is ordered holds, and no longer than it was ordered for"
        case convergence = "every asset comes to what its inputs say"
        case together = "requirement and alert are in one transaction"
        case difference = "an alert is the difference of two consecutive requirements"
    }

    let rule: Rule
    let text: String

    init(_ rule: Rule, _ text: String) {
        self.rule = rule
        self.text = text
    }

    var description: String { "not true: \(rule.rawValue). \(text)" }
}
