# make run, make test, make test-guests: all set up first what is missing (see .ci/setup).

ARGS =
PYTHON =
PACKAGES =
KILLS = 1000
EXECUTIONS = 100000000
FUZZ_SECONDS = 0
RESULTS = $(or $(LOADSTONE_RESULTS),results)

SHELL = /bin/bash
.DEFAULT_GOAL = help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

SETUP = PYTHON='$(PYTHON)' PACKAGES='$(PACKAGES)' .ci/setup

.PHONY: help
help:
	@echo "make run                 time every way of loading a model file, write the report"
	@echo "make run ARGS='…'        the same with options of \`loadstone run\`: --file model.gguf"
	@echo "make test                lint, types, every test that boots nothing;  ARGS='-k plan' goes to pytest"
	@echo "make test-guests         the tests that boot guests of the lab;  ARGS as well"
	@echo "make soak                for hours: 1000 kills, every call of the core failing, 10^8 fuzzed lines;"
	@echo "                         KILLS=1000 EXECUTIONS=100000000 FUZZ_SECONDS=0 (no limit)"
	@echo "make lint                ruff and mypy alone"
	@echo "make format              let ruff write the layout"
	@echo "make setup               what run and test do first: packages, .venv, the C core"
	@echo "make agents              build what measures on devices: aarch64, armv7, x86_64"
	@echo "make wheel               the same, and a wheel in dist/ that carries them"
	@echo "make clean               remove .venv, the build and caches; runs stay"
	@echo "  PYTHON=/usr/bin/python3   interpreter for .venv    PACKAGES=skip   no apt-get"

.PHONY: run
run:
	@$(SETUP) run
	@.ci/run-and-report '$(RESULTS)' $(ARGS)

.PHONY: test
test:
	@$(SETUP) test
	@.ci/check $(ARGS)

.PHONY: test-guests
test-guests:
	@$(SETUP) test
	@.ci/check guests $(ARGS)

.PHONY: soak
soak:
	@$(SETUP) test
	@.ci/soak '$(KILLS)' '$(EXECUTIONS)' '$(FUZZ_SECONDS)' $(ARGS)

.PHONY: lint
lint:
	@$(SETUP) test
	@.ci/lint

.PHONY: format
format:
	@$(SETUP) test
	@.venv/bin/ruff check --quiet --fix .
	@.venv/bin/ruff format .

.PHONY: setup
setup:
	@$(SETUP) test

.PHONY: agents
agents:
	@$(SETUP) test
	@.ci/agents

.PHONY: wheel
wheel: agents
	@.venv/bin/python -m pip wheel . --quiet --no-build-isolation --no-deps --wheel-dir dist

.PHONY: clean
clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .benchmarks
	find bench native tests -name __pycache__ -prune -exec rm -rf {} +
