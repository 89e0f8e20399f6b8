import Operations

/// A configuration that sets every kind of key.
let completeYAML = """
    valuationCurrency: USD
    kafka:
      bootstrapServers: broker-1:9093,[::1]:9093
      groupId: risk
      security:
        protocol: sasl_ssl
        caFile: /etc/ca.pem
        mechanism: SCRAM-SHA-512
        usernameFile: /run/secrets/user
        passwordFile: /run/secrets/password
      librdkafka: {linger.ms: 1, socket.keepalive.enable: true}
    topics: {prefix: "eu.", quotes: books}
    workers: {haircut: 2, margin: 64}
    delivery: at-least-once
    clock: event
    assets:
      - {id: BTC, class: major, primaryVenue: house, dailyVolume: "100000",
         depthReference: 40000000, systemCollateral: "500000000", sources: 3}
      - id: USDE
        class: stable
        primaryVenue: house
        dailyVolume: 200000000.5
        depthReference: "20000000"
        parameters:
          pegThreshold: 0.985
          notionals: [1000, "20000.5"]
    classes:
      major: {floor: 0.03, limiterUpPerMinute: {stressed: 0.05}}
      alt: {}
      stable:
    parameters: {floor: 0.01, detectionSeconds: 1200}
    margin: {trancheShare: 0.2, heartbeatMinutes: 5}
    http: {bind: 0.0.0.0, port: 0}
    log: {level: debug, format: json}

    """

/// The least that is accepted, with room for more below.
let leastYAML = """
    kafka: {bootstrapServers: "127.0.0.1:9092"}
    assets:
      - {id: BTC, class: major, primaryVenue: house, dailyVolume: 1, depthReference: 1}

    """

func read(_ yaml: String, _ environment: [String: String] = [:]) throws -> Settings {
    try Settings.read(yaml: Array(yaml.utf8), file: "breakwater.yaml", environment: environment)
}

/// Every problem of a configuration as it is shown; empty when there is none.
func problems(_ yaml: String, _ environment: [String: String] = [:]) -> [String] {
    problems(bytes: Array(yaml.utf8), environment)
}

func problems(bytes: [UInt8], _ environment: [String: String] = [:]) -> [String] {
    do throws(SettingsRefusal) {
        _ = try Settings.read(yaml: bytes, file: "breakwater.yaml", environment: environment)
        return []
    } catch {
        return error.problems.map { $0.description(in: error.file) }
    }
}
