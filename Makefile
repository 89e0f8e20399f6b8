# The front door: `make` alone says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ARGS ?=
SECONDS_EACH ?= 60
SEEDS ?= 2000
PYTHON := .venv/bin/python
SWIFT_SOURCES := $(wildcard Sources Tests Benchmarks Package.swift)
DEBIAN_PACKAGES := librdkafka-dev libssl-dev openssl pkg-config python3-venv
SYSTEM_STAMP := .build/stamps/system
PYTHON_STAMP := .venv/.installed
PROMTOOL := .build/tools/usr/bin/promtool

.PHONY: help setup setup-system setup-python setup-promtool build test test-swift \
	test-contracts check demo bench simulate simulate-mutations \
	integration integration-embedded fuzz format lint clean

help: ## what this Makefile does
	@echo "Breakwater: adaptive collateral haircuts on Kafka. Needs Swift 6.2 or newer."
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' Makefile

setup: setup-system setup-python setup-promtool ## install what building and testing need, once

setup-system: $(SYSTEM_STAMP)

# The stamp is only written once the headers are there, so a failed install is tried again.
$(SYSTEM_STAMP): Makefile
	@if ! command -v swift >/dev/null; then \
	    echo "Swift is missing: install 6.2 or newer from https://www.swift.org/install" >&2; \
	    exit 1; \
	fi
	@missing=""; \
	for package in $(DEBIAN_PACKAGES); do \
	    dpkg-query -W -f '$${Status}' "$$package" 2>/dev/null | grep -q "ok installed" \
	        || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	    if ! command -v apt-get >/dev/null; then \
	        echo "Not Debian: install the equivalents of$$missing, then: touch $@" >&2; \
	        exit 1; \
	    fi; \
	    root=""; \
	    if [ "$$(id -u)" != 0 ]; then root="sudo"; fi; \
	    echo "Installing$$missing…"; \
	    $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $$missing \
	            >/dev/null 2>&1 \
	        || { $$root apt-get update -q >/dev/null \
	            && $$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $$missing \
	                >/dev/null; }; \
	fi
	@mkdir -p $(@D) && touch $@

setup-python: $(PYTHON_STAMP)

$(PYTHON_STAMP): Tests/Contracts/requirements.txt | $(SYSTEM_STAMP)
	@echo "Installing the contract checks into .venv…"
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

setup-promtool: $(PROMTOOL)

# Prometheus's checker out of its package, which is not installed: that would start a service.
$(PROMTOOL): | $(SYSTEM_STAMP)
	@echo "Fetching promtool…"
	@mkdir -p .build/tools
	@cd .build/tools && rm -f prometheus_*.deb \
	    && { apt-get download -q prometheus >/dev/null 2>&1 \
	        || { if [ "$$(id -u)" != 0 ]; then sudo apt-get update -q; else apt-get update -q; fi \
	            >/dev/null && apt-get download -q prometheus >/dev/null; }; } \
	    && dpkg-deb -x prometheus_*.deb . && rm -f prometheus_*.deb

build: setup-system ## compile everything, in release
	@echo "Building Breakwater (first time about 1–2 minutes)…"
	@swift build -c release

test: setup test-swift test-contracts ## every test: Swift, then the contracts

# In release, so that what is tested is what runs.
test-swift: setup-system
	@echo "Building Breakwater and its tests (first time a few minutes), then testing…"
	@swift test -c release --disable-testable-imports --disable-xctest </dev/null

test-contracts: setup-python
	@$(PYTHON) Tests/Contracts/validate_examples.py
	@$(PYTHON) Tests/Contracts/validate_asyncapi.py
	@$(PYTHON) Tests/Contracts/test_consume_haircuts.py
	@$(PYTHON) Tests/Integration/test_outputs.py

lint: setup-python setup-promtool ## format, container files
	@swift format lint -s -r $(SWIFT_SOURCES)
	@echo "format: $(SWIFT_SOURCES) checked"
	@Tests/Contracts/lint_docker.sh

check: lint test ## what must hold before a commit

demo: setup-system ## a recorded crash through the real pipeline, in one process (ARGS=…)
	@echo "Building Breakwater (first time about 1–2 minutes)…"
	@swift build -c release --product breakwater
	@.build/release/breakwater demo $(ARGS)

bench: setup-system ## measure, and write bench.json
	@echo "Building the benchmarks…"
	@swift run -c release breakwater-bench --output bench.json $(ARGS)

integration: setup build ## kills under load on a real broker (KAFKA_BOOTSTRAP=host:port, ARGS=…)
	@if [ -z "$${KAFKA_BOOTSTRAP:-}" ]; then \
	    echo "skipped: no KAFKA_BOOTSTRAP"; \
	else \
	    $(PYTHON) Tests/Integration/integration.py --bootstrap "$$KAFKA_BOOTSTRAP" $(ARGS); \
	fi

integration-embedded: setup build ## the same on the embedded broker, at-least-once, few kills
	@$(PYTHON) Tests/Integration/integration.py --embedded --kills 3 $(ARGS)

simulate: setup-system ## the pipeline with faults by seed, in memory (SEEDS=2000 or 7-9)
	@SIMULATION_SEEDS=$(SEEDS) swift test -c release --disable-testable-imports \
	    --disable-xctest --filter SimulationTests </dev/null

simulate-mutations: setup-system ## plant known bugs and show that the simulation catches each
	@python3 Tests/SimulationTests/Mutations/check.py $(ARGS)

fuzz: setup-system ## feed the decoders rubbish (SECONDS_EACH=60)
	@Tests/Fuzz/fuzz.sh $(SECONDS_EACH)

format: ## put the Swift sources into form
	@swift format format -i -p -r $(SWIFT_SOURCES)

clean: ## remove what was built
	@rm -rf .build .build-asan .venv bench.json
