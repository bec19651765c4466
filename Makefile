# `make demo`, `make check`, `make test` and `make fuzz`. Each installs what it needs into .venv first.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses auto --maxprocesses 8 --dist worksteal
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/'

.venv/.installed: pyproject.toml
	@echo "Installing tcon into .venv (torch alone is about 5 GB; a few minutes) ..."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

demo: .venv/.installed  ## install, then run the whole pipeline on synthetic clips (75 seconds on 2 cores once installed)
	$(BIN)/tcon demo

lint: .venv/.installed  ## install, then look for mistakes in style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@mkdir -p .venv/src && ln -sfn ../.. .venv/src/tcon
	$(BIN)/mypy

check: lint  ## lint, then run the quick tests: before each commit (under 90 seconds on 2 cores)
	$(PYTEST) -m 'not slow and not hypothesis'

test: lint  ## lint, then run all tests (under 10 minutes on 2 cores)
	$(PYTEST) --durations=5
	@echo "All tests passed. To look at a result, run: make demo"

fuzz: .venv/.installed  ## try 10,000 damaged variants of every kind of input (an hour on one core)
	$(PYTEST) -m hypothesis --hypothesis-profile=fuzz --durations=0

.PHONY: help demo lint check test fuzz
