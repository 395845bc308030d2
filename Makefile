# The only interface to this repository. `make help` lists what it can do.
#
# Needs git, make, Python 3.11 or newer and Node 20 or newer; everything else is fetched into .tools/, .venv/ and
# dashboard/node_modules/. Each of these steps leaves a stamp, so a second run costs seconds.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
CHROMIUM ?= /usr/bin/chromium
PYTEST_ARGS ?=
# Three processes on two cores: what the suites start (servers, databases, browsers) is waited for half of the time.
PYTEST := .venv/bin/pytest -n 3 --dist worksteal $(PYTEST_ARGS)

# The interpreter is the one that is here; uv must not download another.
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON := $(PYTHON)
export CHROMIUM
# Tests and examples start hundreds of processes: each would compile everything anew where somebody has switched this on.
unexport PYTHONDONTWRITEBYTECODE

UV := .tools/bin/uv
STATIC := src/mulligan/server/static
NODE_MODULES := dashboard/node_modules/.installed
# Folders are listed too: their time changes when a file is removed.
DASHBOARD_SOURCES := $(shell find dashboard/src dashboard/public dashboard/index.html dashboard/*.json dashboard/vite.config.ts \
  2>/dev/null || true)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ── Setting up ───────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: setup
setup: .venv/.synced $(STATIC)/index.html ## install everything this checkout needs, and build the dashboard

$(UV):
	@tools/install_uv "$(PYTHON)"

.venv/.synced: pyproject.toml uv.lock | $(UV)
	$(UV) sync --locked --all-extras --all-groups --compile-bytecode
	@touch $@

$(NODE_MODULES): dashboard/package.json dashboard/package-lock.json
	@tools/check_node
	cd dashboard && npm ci --no-audit --no-fund
	@touch $@

$(STATIC)/index.html: $(NODE_MODULES) $(DASHBOARD_SOURCES)
	cd dashboard && npm run build
	@touch $@

.PHONY: chromium
chromium:
	@tools/install_chromium "$(CHROMIUM)"

# ── Using ────────────────────────────────────────────────────────────────────────────────────────────────────────────

.PHONY: demo
demo: setup ## a server, a worker and a failed run to repair in the dashboard
	.venv/bin/python -m examples.demo

.PHONY: bench
bench: setup ## everything that is measured, beside other engines; an hour on a quiet machine, best as root on Debian
	.venv/bin/python -m benchmarks --whole

.PHONY: bench-report
bench-report: .venv/.synced ## write docs/benchmarks.* and the README's table anew from benchmarks/results
	.venv/bin/python -m benchmarks.report

.PHONY: dashboard
dashboard: $(STATIC)/index.html ## build the dashboard into the server's static folder

.PHONY: wheel
wheel: setup ## build dist/*.whl with the dashboard inside
	rm -rf dist
	$(UV) build
	.venv/bin/python tools/check_wheel.py dist

# ── Checking ─────────────────────────────────────────────────────────────────────────────────────────────────────────

# What takes seconds comes first. One call of pytest for all tests, so that browsers wait beside tests that compute; what
# it leaves of the processors is for the checks that take a minute.
.PHONY: test
test: ## everything that has to be green before a merge
	@$(MAKE) -j2 --output-sync=target setup chromium
	@$(MAKE) lint arrows
	@$(MAKE) -j2 tests slow-checks

.PHONY: tests
tests: setup chromium
	$(PYTEST) -m "not pictures"

.PHONY: slow-checks
slow-checks: setup
	@nice $(MAKE) --output-sync=target types test-dashboard

.PHONY: test-fast
test-fast: .venv/.synced ## the Python tests that need no browser and no patience
	$(PYTEST) -m "not browser and not slow"

.PHONY: lint
lint: .venv/.synced ## style, dead ends and undeclared dependencies
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/deptry src

.PHONY: types
types: .venv/.synced ## mypy --strict
	.venv/bin/mypy $(wildcard src tests examples benchmarks chaos tools)

.PHONY: arrows
arrows: .venv/.synced ## which room may import which
	.venv/bin/lint-imports

.PHONY: unit
unit: setup ## all Python tests but those in a browser
	$(PYTEST) -m "not browser"

SEEDS ?= 0-99
HOURS ?= 1
JOBS ?= 1

.PHONY: sim
sim: .venv/.synced ## simulated hours in which everything fails: make sim SEEDS=0-99 HOURS=1 JOBS=2
	.venv/bin/python -m mulligan.testing.simulation $(SEEDS) --hours $(HOURS) --jobs $(JOBS)

.PHONY: zoo
zoo: .venv/.synced ## known bugs put into the source, and how many simulated worlds it takes to see each: make zoo JOBS=2
	.venv/bin/python -m tests.zoo --jobs $(JOBS) --page docs/why/0008-how-we-know-that-nothing-is-lost.md

.PHONY: crash-points
crash-points: .venv/.synced ## every commit of small scenes, with all that can happen to it, on every store
	MULLIGAN_TEST_CRASH_POINTS=all $(PYTEST) tests/simulation/test_crash_points.py

.PHONY: postgres-versions
postgres-versions: .venv/.synced ## the tests that need PostgreSQL on versions 14 to 18, which npm has
	.venv/bin/python -m tools.postgres_versions

SIZE ?= quick
DATABASE ?= sqlite

.PHONY: chaos
chaos: setup ## real processes killed, stopped and cut off: make chaos SIZE=nightly DATABASE=postgresql
	.venv/bin/python -m chaos --size $(SIZE) --database $(DATABASE)

.PHONY: test-dashboard
test-dashboard: $(NODE_MODULES) ## lint, types and tests of the dashboard
	cd dashboard && npm run check

.PHONY: browser
browser: setup chromium ## the dashboard in a real Chromium against a real server
	$(PYTEST) -m "browser and not pictures"

.PHONY: screenshots
screenshots: setup chromium ## pictures of every screen, both themes, wide and phone, in test-results/screens
	.venv/bin/pytest $(PYTEST_ARGS) tests/end_to_end/test_browser_screens.py

.PHONY: pictures
pictures: screenshots ## the picture in the README, from the screenshots
	for theme in light dark; do cp test-results/screens/step-$$theme-wide.png docs/pictures/replay-$$theme.png; done

.PHONY: format
format: .venv/.synced $(NODE_MODULES) ## rewrite the sources the way `make lint` wants them
	.venv/bin/ruff check --fix-only --quiet
	.venv/bin/ruff format
	cd dashboard && npm run format

.PHONY: audit
audit: .venv/.synced $(NODE_MODULES) ## known vulnerabilities in both lock files; asks the network
	$(UV) export --quiet --locked --all-extras --no-default-groups --no-emit-project --format requirements-txt \
	  | .venv/bin/pip-audit --disable-pip --requirement /dev/stdin
	cd dashboard && npm audit --omit=dev

.PHONY: dead-code
dead-code: .venv/.synced ## a report of what nobody seems to use; a hint, not a verdict
	.venv/bin/vulture || true

.PHONY: clean
clean: ## remove everything that make has made
	rm -rf .tools .venv .stamps dist dashboard/node_modules $(STATIC) \
	  .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
