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

.venv/bin/hadolint docker/Dockerfile
.venv/bin/check-jsonschema --builtin-schema vendor.compose-spec docker/compose.yaml
if grep -nE '^\s*(image|FROM).*:latest|^FROM [^:]+$' docker/compose.yaml docker/Dockerfile; then
    echo "lint_docker: name the version of every image" >&2
    exit 1
fi
echo "docker: 1 Dockerfile and 1 compose file checked, 0 faults"
