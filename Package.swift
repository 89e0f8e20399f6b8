// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled the same way: Swift 6 language mode, warnings are errors, and calls
/// between modules may be inlined (a cross-module call costs 4.6 ns without it, 1.3 with it).
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

let numerics = Target.Dependency.product(name: "RealModule", package: "swift-numerics")
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, swiftSettings: settings)
}

let package = Package(
    name: "breakwater",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // The pure rooms: no Foundation, clock, lock or thread (a test of TidyTests checks that).
        room("Quantities"),
        room("Market", ["Quantities"]),
        room("Haircuts", ["Quantities", "Market", numerics]),
        room("Margin", ["Quantities", "Market", "Haircuts", numerics]),
        room("Engine", ["Quantities", "Market", "Haircuts", "Margin"]),
        room("Messages", ["Quantities", "Market", "Haircuts", "Margin"]),

        // Kafka, and the loop that joins it to the pure rooms.
        .systemLibrary(
            name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        room("Kafka", ["CRdKafka"]),
        room(
            "Pipeline",
            [
                "Quantities", "Market", "Haircuts", "Margin", "Engine", "Messages", "Kafka",
                logging,
            ]),

        // Around it: recorded markets, configuration, the command line.
        .systemLibrary(
            name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CScenarioData"),
        .target(
            name: "Scenarios",
            dependencies: [
                "Quantities", "Market", "Haircuts", "Margin", "Engine", "Messages",
                "CScenarioData", numerics,
            ],
            exclude: ["Recorded"], swiftSettings: settings),
        room(
            "Operations",
            ["Quantities", "Haircuts", "Margin", "CCrypto", logging, metrics, yams]),
        .executableTarget(
            name: "breakwater",
            dependencies: [
                "Quantities", "Market", "Haircuts", "Margin", "Engine", "Messages", "Kafka",
                "Pipeline",
                "Scenarios", "Operations", logging, metrics, argumentParser,
            ],
            swiftSettings: settings),

        .executableTarget(
            name: "breakwater-bench",
            dependencies: [
                "Quantities", "Market", "Haircuts", "Margin", "Engine", "Messages", "Kafka",
                "Pipeline", logging, argumentParser,
            ],
            path: "Benchmarks", exclude: ["README.md"], swiftSettings: settings),

        .target(
            name: "TestSupport", dependencies: [], path: "Tests/TestSupport",
            swiftSettings: settings),
        // Replaces malloc by a counting one in the test bundle; glibc only.
        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        // Kafka's semantics in memory: what the simulation stands on.
        .target(
            name: "MemoryLog", dependencies: ["Kafka"], path: "Tests/MemoryLog",
            swiftSettings: settings),
        // Short ways to a real broker, for the tests that need one.
        .target(
            name: "RealBroker", dependencies: ["Kafka"], path: "Tests/RealBroker",
            swiftSettings: settings),
        tests("TidyTests", ["TestSupport"]),
        tests("QuantitiesTests", ["Quantities", "TestSupport"]),
        tests(
            "HaircutsTests", ["Quantities", "Market", "Haircuts", "TestSupport", numerics],
            exclude: ["Vectors"]),
        tests(
            "MarginTests", ["Quantities", "Market", "Haircuts", "Margin", "TestSupport"],
            exclude: ["Reference"]),
        tests(
            "EngineTests",
            [
                "Quantities", "Market", "Haircuts", "Margin", "Engine", "Messages", "Scenarios",
                "TestSupport", "CAllocationCounter",
            ],
            exclude: ["Golden"]),
        tests(
            "MessagesTests",
            [
                "Quantities", "Market", "Haircuts", "Margin", "Messages", "TestSupport",
                "CAllocationCounter",
            ]),
        tests("KafkaTests", ["Kafka", "RealBroker", "TestSupport"]),
        tests("MemoryLogTests", ["Kafka", "MemoryLog"]),
        tests(
            "SimulationTests",
            [
                "Quantities", "Market", "Haircuts", "Margin", "Engine", "Messages", "Kafka",
                "Pipeline", "MemoryLog", "TestSupport", logging,
            ], exclude: ["Mutations"]),
        tests(
            "PipelineTests",
            [
                "Quantities", "Market", "Haircuts", "Margin", "Engine", "Messages", "Kafka",
                "Pipeline", "MemoryLog", "RealBroker", "TestSupport", logging,
            ]),
        tests(
            "ScenariosTests",
            ["Quantities", "Market", "Haircuts", "Messages", "Scenarios", "TestSupport"]),
        tests(
            "OperationsTests",
            [
                "Quantities", "Haircuts", "Margin", "Operations", "TestSupport", logging, metrics,
            ]),
        tests("CommandTests", ["Kafka", "TestSupport"]),
    ]
)
