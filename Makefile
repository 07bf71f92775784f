# What a person types here; each target makes what it needs. See docs/development.rst.
#
#   make run        start a gateway in the foreground, with its web chat
#   make test       install what the tests need, run them all, name what could not be run
#   make check      style, types, layers, documentation, generated files; runs no test suite
#   make generated  write the files that are made from the code
#   make docs       build the documentation into docs/_build
#   make bench      measure beside the original and write docs/benchmarks.rst (long)
#   make bench-messages   ten minutes of durable messages, and docs/benchmarks-messages.rst
#   make kills KILLS=200, make disconnects DISCONNECTS=1000    the same tests, full size
#   make flaps      every platform's connection cut 1 000 times, 24 simulated hours of silence
#   make crowds     5 000 half-open sockets, 10 000 unknown devices and others at the door
#   make fuzz       10 000 invented requests to the API for programs, 1 000 that hang up
#   make clean      remove everything that these made

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
TESTS ?= tests
KILLS ?= 200
SCHEDULES ?= 1000
DISCONNECTS ?= 1000
FLAPS ?= 1000
QUIET_HOURS ?= 24
FUZZ ?= 3500
# More words for ``openclaw gateway``: make run ARGS="--port 19000"
ARGS ?=

BIN := $(VENV)/bin
KILL_TESTS := tests.storage.test_kill tests.queue.test_kill $(if $(wildcard tests/faults/__init__.py),tests.faults)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP := $(BIN)/python -m pip install -qq --constraint constraints.txt
# Of pip's ways to install a checkout, this one lets twistd see our plugin.
EDITABLE := --config-settings editable_mode=compat --editable
PINS := setup.cfg pyproject.toml constraints.txt

.PHONY: run test check lint types generated docs bench bench-messages kills disconnects flaps crowds fuzz clean

run: $(VENV)/.ready-run
	@exec $(BIN)/openclaw gateway $(ARGS)

test: $(VENV)/.ready-test
	@tools/install-node-packages.sh
	@$(BIN)/python -m tools.run_tests --jobs $(JOBS) $(TESTS)

check: $(VENV)/.ready-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m tools.layers
	$(BIN)/python -m tools.sizes
	$(BIN)/python -m tools.generate --check
	$(BIN)/sphinx-build -q -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	@for page in README.rst README.zh.rst; do \
		$(BIN)/docutils --report=2 --halt=2 $$page >/dev/null || exit 1; done
	$(BIN)/towncrier build --draft --version next >/dev/null
	@if git rev-parse --quiet --verify origin/main >/dev/null 2>&1; then \
		$(BIN)/towncrier check --compare-with origin/main; fi

generated: $(VENV)/.ready-dev
	$(BIN)/python -m tools.generate

docs: $(VENV)/.ready-dev
	$(BIN)/sphinx-build -q -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.ready-test
	@tools/install-node-packages.sh
	$(BIN)/python -m benchmarks --publish $(ARGS)

bench-messages: $(VENV)/.ready-test
	$(BIN)/python -m benchmarks.messages --publish $(ARGS)

kills: $(VENV)/.ready-test
	OPENCLAW_TEST_KILLS=$(KILLS) OPENCLAW_TEST_SCHEDULES=$(SCHEDULES) \
		$(BIN)/python -m tools.run_tests $(KILL_TESTS)

disconnects: $(VENV)/.ready-test
	@tools/install-node-packages.sh
	OPENCLAW_TEST_DISCONNECTS=$(DISCONNECTS) $(BIN)/python -m tools.run_tests tests.browser.test_page

flaps: $(VENV)/.ready-test
	OPENCLAW_TEST_FLAPS=$(FLAPS) OPENCLAW_TEST_QUIET_HOURS=$(QUIET_HOURS) \
		$(BIN)/python -m twisted.trial tests.faults.test_channels

crowds: $(VENV)/.ready-test
	OPENCLAW_TEST_HALF_OPEN=5000 OPENCLAW_TEST_LORIS=1000 \
	OPENCLAW_TEST_UNKNOWN_DEVICES=10000 OPENCLAW_TEST_RECONNECTS=2000 \
		$(BIN)/python -m twisted.trial tests.load

fuzz: $(VENV)/.ready-test
	OPENCLAW_TEST_SCHEMA=$(FUZZ) OPENCLAW_TEST_ABORTED=1000 \
		$(BIN)/python -m twisted.trial tests.http.openai.test_schema tests.http.openai.test_going

clean:
	rm -rf $(VENV) build dist docs/_build node_modules .bench .hypothesis .mypy_cache .ruff_cache .schemathesis
	rm -rf _trial_temp* *.egg-info
	find openclaw tests benchmarks tools twisted -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.ready-run: $(BIN)/python $(PINS)
	@$(PIP) $(EDITABLE) .
	@touch $@

$(VENV)/.ready-test: $(VENV)/.ready-run
	@$(PIP) $(EDITABLE) '.[test]'
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready-test
	@$(PIP) $(EDITABLE) '.[dev]'
	@touch $@
