# Everything a newcomer needs is one of the targets below; `demo` and `test` set up what they need.
# Wanted beforehand: Python 3.11 or newer, make, and a package index that pip can reach.

PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$candidate && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# Some containers forbid it; every process that is started would then compile the whole product anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup up demo quick test chaos bench check schema lock clean

help: ## Show this list
	@echo "Sojourn: every mentorship agreement as one long-lived, recorded workflow. Start with: make demo"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Create .venv with the locked packages (again only when the lock or pyproject.toml changed)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Sojourn needs Python 3.11 or newer; install one or say make setup PYTHON=/path/to/python"; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python came without venv; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

up: setup ## Start the whole stack (Temporal with its UI, PostgreSQL, a worker); Ctrl-C stops it
	@$(BIN)/sojourn up

demo: setup ## Play three placements from approval to synthesis; KEEP=1 leaves the Temporal UI open afterwards
	@$(BIN)/sojourn demo $(if $(filter-out 0,$(KEEP)),--keep)

check: setup ## Lint, formatting, strict types, import contracts
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/pyright
	@$(BIN)/lint-imports

quick: check ## Everything in check, then the rules' own tests: two minutes, no servers; ARGS="-k name" narrows them
	@$(BIN)/pytest -n 2 tests/domain $(ARGS)

test: check ## Everything in check, then all tests on the real servers; ARGS="-k name" narrows them
	@$(BIN)/pytest -n 3 --dist worksteal $(ARGS)

chaos: setup ## Break everything while placements run, then look; SECONDS=300 SEED=7 (120 and 1), ARGS=--json
	@$(BIN)/python -m tests.chaos --seconds $(or $(SECONDS),120) --seed $(or $(SEED),1) $(ARGS)

schema: setup ## Write deploy/schema.sql anew from the migrations
	@$(BIN)/python -m deploy.schema

bench: setup ## Measure all that docs/benchmarks.md says, 20 minutes; QUICK=1 under 5, WRITE=1 writes the page
	@$(BIN)/python -m benchmarks.suite $(if $(filter-out 0,$(QUICK)),--quick) $(if $(filter-out 0,$(WRITE)),--write) $(ARGS)

lock: ## Resolve the dependencies anew into requirements.lock, for every platform, with hashes
	@$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet --disable-pip-version-check uv
	@$(VENV)/lock/bin/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
		--generate-hashes --all-extras --group dev --custom-compile-command "make lock" pyproject.toml -o requirements.lock

clean: ## Remove the virtual environment and every cache
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
