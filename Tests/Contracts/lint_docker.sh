#!/usr/bin/env bash
# Checks the Dockerfile and the compose file. Needs .venv (make setup-python); fails without it.
set -euo pipefail
cd "$(dirname "$0")/../.."

for tool in hadolint check-jsonschema; do
    if [ ! -x ".venv/bin/$tool" ]; then
        echo "lint_docker: .venv/bin/$tool is missing; run make setup-python" >&2
        exit 1
    fi
done

promtool=.build/tools/usr/bin/promtool
if [ ! -x "$promtool" ]; then
    echo "lint_docker: $promtool is missing; run make setup-promtool" >&2
    exit 1
fi

.venv/bin/hadolint docker/Dockerfile
.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml
if grep -nE '^\s*(image|FROM).*:latest|^FROM [^:]+$' docker/compose.yaml docker/Dockerfile; then
    echo "lint_docker: name the version of every image" >&2
    exit 1
fi
# The rules are checked where they lie here; in the container they lie in /etc/prometheus.
"$promtool" check rules docker/alerts.yaml >/dev/null
"$promtool" check config --syntax-only docker/prometheus.yaml >/dev/null
.venv/bin/python Tests/Contracts/check_dashboard.py
echo "docker: 1 Dockerfile and 1 compose file checked, 0 faults"
