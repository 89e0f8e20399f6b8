import Metrics
import Synchronization

/// Answers the paths of the contracts. Everything is read only.
public struct ServicePages: Sendable {
    private let status: @Sendable () -> ServiceStatus
    private let board: MarketBoard
    private let registry: MetricsRegistry
    private let limits: ReadinessLimits
    private let version: String

    /// - Parameters:
    ///   - status: asked once a request, from several threads.
    ///   - registry: what else was counted in this process.
    public init(
        status: @escaping @Sendable () -> ServiceStatus, board: MarketBoard,
        registry: MetricsRegistry, limits: ReadinessLimits = ReadinessLimits(), version: String
    ) {
        self.status = status
        self.board = board
        self.registry = registry
        self.limits = limits
        self.version = version
        _ = processStart
    }

    /// The paths there are.
    public static let paths = [
        "/", "/healthz", "/readyz", "/metrics", "/api/haircuts", "/api/breakers", "/api/workers",
    ]

    public func respond(_ request: HTTPRequest) -> HTTPResponse {
        let response = answer(request.path)
        // Only paths that exist become labels, so that nobody outside makes series.
        let path = Self.paths.contains(request.path) ? request.path : "other"
        Counter(
            label: "breakwater_http_requests_total",
            dimensions: [("path", path), ("status", "\(response.status.rawValue)")],
            factory: registry
        ).increment()
        return response
    }

    private func answer(_ path: String) -> HTTPResponse {
        switch path {
        case "/": HTTPResponse(content: .html, body: Array(operatorPage.utf8))
        case "/healthz": HTTPResponse(text: "alive")
        case "/readyz": readiness
        case "/metrics": HTTPResponse(content: .metrics, body: Array(exposition.utf8))
        case "/api/haircuts": json(board.haircutsJSON)
        case "/api/breakers": json(board.breakersJSON)
        case "/api/workers": json(status().workersJSON(limits))
        default: HTTPResponse(status: .notFound, text: "not found")
        }
    }

    private var readiness: HTTPResponse {
        let reasons = status().reasonsNotReady(limits)
        return reasons.isEmpty
            ? HTTPResponse(text: "ready")
            : HTTPResponse(status: .unavailable, text: reasons.joined(separator: "\n"))
    }

    private func json(_ value: JSONText) -> HTTPResponse {
        HTTPResponse(content: .json, body: Array((value.text + "\n").utf8))
    }

    private var exposition: String {
        let build = MetricFamily(
            "breakwater_build_info", .gauge, "Always 1; the version is its label",
            [.init(labels: [.init("version", version)], value: 1)])
        return
            ([build] + processFamilies() + status().families(limits) + board.families
            + registry.families).exposition
    }
}
