# `make demo` and `make test` set everything up themselves: bare Python 3.11 or newer, no docker, no root.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
ONCE ?=
SEED ?=
PYTEST ?= $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit mutants lint docs-checks screenshot bench faults lock clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(STAMP) ## Make the virtual environment, from the lock file's hashes

demo: $(STAMP) ## Start the whole system and run one full preflight (ONCE=1: end after it)
	@$(BIN)/preflight demo $(if $(ONCE),--once)

test: lint ## Lint, then every test against real servers, three files at a time: most of them wait
	@$(PYTEST) -n 3 --dist loadfile

test-unit: $(STAMP) ## The tests that need no server
	@$(PYTEST) -p no:celery -n 2 tests/unit

mutants: $(STAMP) ## Take away each safeguard, in copies of the tree: its test must turn red
	@$(BIN)/python tests/run_mutants.py

lint: $(STAMP) ## Style, types, import direction
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

docs-checks: $(STAMP) ## Write docs/checks from the checks themselves
	@$(BIN)/python docs/checks/pages.py

screenshot: $(STAMP) ## Make the README's picture from a real run, and those of the admin page (needs chromium)
	@$(BIN)/python docs/images/screenshot.py
	@PYTHONPATH=tests $(BIN)/python -m browser.screenshots

bench: $(STAMP) ## Measure, and write benchmarks/results.json
	@$(BIN)/python -m benchmarks

faults: $(STAMP) ## Break everything, and write benchmarks/faults.json (SEED=n: repeat)
	@PYTHONPATH=tests $(BIN)/python -m faults.battery $(if $(SEED),--seed $(SEED))

LOCKING := uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
	--no-header --no-annotate --quiet

lock: ## Write requirements.lock anew, and from it the image's (needs uv)
	$(LOCKING) --all-extras -o requirements.lock
	$(LOCKING) --extra admin --extra campaign --extra image --extra redbeat --constraints requirements.lock \
		-o requirements-image.lock

clean: ## Remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# The package itself comes last and without its dependencies: the lock file has them, and what builds it.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'PreFlight needs Python 3.11 or newer: run make PYTHON=/path/to/python3.11 (or newer).' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'This Python cannot make virtual environments: install its venv package (Debian: python3-venv).' >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Setting up $(VENV), once.'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
