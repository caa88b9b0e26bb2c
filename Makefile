# Everything sets itself up: Python 3.11 or newer, make and git are all that must be there.
# `make` alone says what there is to make.
# PYTHON names another interpreter; PORT, DATA_DIR and DATABASE_URL say where `make run` serves.

PYTHON ?= python3
UV_VERSION = 0.13.9

VENV = .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

# PYTEST_ARGS chooses tests: make test PYTEST_ARGS="tests/rules -k norm"
PYTEST_ARGS ?=
# CONTRACT_ARGS chooses checks: make contract CONTRACT_ARGS="--only lms owasp"; --help names them
CONTRACT_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: fire help setup run test lint contract pages openapi audit planted rules bench profile keep backup restore format clean

help:  ## Say what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(READY)  ## Install what the lock names, into .venv

$(READY): pyproject.toml uv.lock Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Leerruimte needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; \
	  exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) ..."; $(PYTHON) -m venv $(VENV); } || { \
	  rm -rf $(VENV); \
	  echo "Python's venv module is incomplete here; on Debian and Ubuntu: apt install python3-venv"; \
	  exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@echo "Installing what uv.lock names ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv sync --frozen --inexact --no-python-downloads --quiet
	@touch $@

run: $(READY)  ## Serve the demo organisation on http://127.0.0.1:8000
	@exec $(BIN)/leerruimte run

test: $(READY)  ## Run the whole suite against a real PostgreSQL
	$(BIN)/pytest -n 2 --durations=10 $(PYTEST_ARGS)

lint: $(READY)  ## Check style, types, imports, dependencies and migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/pyright
	$(BIN)/deptry .
	$(BIN)/alembic upgrade head --sql > $(VENV)/migrations.sql
	$(BIN)/squawk --config .squawk.toml $(VENV)/migrations.sql

contract: $(READY)  ## Hold a running demo to others' suites of its contract
	@$(BIN)/python -m tests.contract $(CONTRACT_ARGS)

pages: $(READY)  ## Look at the pages in Chromium: sign-in, examples, axe's findings
	$(BIN)/pytest -m apart -rs --durations=5 tests/pages

# Without the settings of whoever runs it: the same document on every machine.
openapi: $(READY)  ## Write the contract of the code into openapi.json
	@env -i PATH="$$PATH" $(BIN)/leerruimte openapi > $(VENV)/openapi.json
	@mv $(VENV)/openapi.json openapi.json

audit: $(READY)  ## Tell what the service is made of, and what is known against it
	@$(BIN)/python -m tests.security.audit

# BUGS names some of them.
planted: $(READY)  ## Plant known bugs in a copy, one at a time, and see the tests turn red
	@$(BIN)/python -m tests.planted $(BUGS)

rules: $(READY)  ## Print which rules of the book have code and tests
	@$(BIN)/python -m tests.support.rules_report

bench: $(READY)  ## Measure this machine, next to pgbench
	@$(BIN)/python -m benchmarks

profile: $(READY)  ## Tell where the CPU of one request goes
	@$(BIN)/python -m benchmarks --profile

keep: $(READY)  ## Kill backups half-way, migrate under load, verify a million, replace workers, try the bench
	$(BIN)/pytest -m apart --durations=10 tests/api tests/database tests/scenarios tests/security

backup: $(READY)  ## Back up the data of `make run`, also while it runs
	@exec $(BIN)/leerruimte backup

restore: $(READY)  ## Put it back, as late as is known or AT=2026-11-22T10:00:00Z
	@exec $(BIN)/leerruimte restore $(if $(AT),--at $(AT))

# SECONDS, SEED, CLIENTS and FAULTS choose a run; FIRE_ARGS="--keep DIR" keeps its history.
# Faults that are named all come, also when that takes longer than SECONDS.
# make sets SECONDS for nobody, but bash may export its own: so it is taken from the command line.
fire: $(READY)  ## Load the service while it is killed, paused and cut off; judge what it kept
	@$(BIN)/python -m tests.fire $(if $(filter command%,$(origin SECONDS)),--seconds $(SECONDS)) \
	  --seed "$(SEED)" --faults "$(FAULTS)" $(if $(CLIENTS),--clients $(CLIENTS)) $(FIRE_ARGS)

format: $(READY)  ## Put the code in the house style
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

clean:  ## Remove what was installed and cached; the data in .data stays
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage*
