# Two commands for newcomers: `make demo` and `make test`. Both do all their own set-up.
# Needed on the machine: Python 3.11 or newer, make and pip. No root, no Docker, no Node.

PYTHON ?= python3
UV := .tools/uv/bin/uv
RUN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# An isolated run cannot keep what it compiles: without this, every run would compile pandas anew.
export UV_COMPILE_BYTECODE := 1

.PHONY: help demo test lint types bench freeze generate format clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(UV) ## Start a federation of three stations and answer three questions (KEEP=1 leaves it running)
	@$(UV) sync --frozen --quiet --inexact --no-default-groups
	@$(RUN)/hanse demo $(if $(KEEP),--keep) $(DEMO)

test: lint types ## Run every test this machine has parts for (HANSE_REQUIRE=all: nothing may be skipped)
	@UV=$(abspath $(UV)) $(RUN)/python -m pytest $(if $(TESTS),$(TESTS),-n $(or $(WORKERS),2) --dist loadscope)

lint: .venv/ready
	@$(RUN)/ruff check --quiet . && $(RUN)/ruff format --check --quiet . && $(RUN)/lint-imports --no-cache

types: .venv/ready
	@$(RUN)/mypy

bench: .venv/ready ## Measure; prints a table and writes build/bench.json
	@UV=$(abspath $(UV)) PYTHONPATH=.:tests/parts $(RUN)/python -m benchmarks $(BENCH)

freeze: .venv/ready ## Keep what a release leaves at those who use it, for tests of later ones (RELEASE=0.3)
	@UV=$(abspath $(UV)) PYTHONPATH=.:tests/parts:tests/compat $(RUN)/python -m freezing $(or $(RELEASE),--help) $(FREEZE)

generate: .venv/ready ## Write the committed generated files anew (OpenAPI, settings, permissions, command line)
	@$(RUN)/python docs/generate.py --write

format: .venv/ready
	@$(RUN)/ruff check --quiet --fix . ; $(RUN)/ruff format --quiet .

clean: ## Remove everything that was set up here
	@rm -rf .venv .tools build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv/ready: $(UV) pyproject.toml uv.lock $(wildcard packages/*/pyproject.toml algorithms/*/pyproject.toml)
	@$(UV) sync --frozen --quiet
	@touch $@

# Debian's pip refuses to touch the system and its venv module may be missing; --target needs neither.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Hanse needs Python 3.11 or newer; name it: make PYTHON=python3.12 ...")'
	@echo "Setting up: uv, into .tools (once)"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --target .tools/uv 'uv>=0.9'
