# Two commands do all set-up: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test lint clean help

help:
	@echo "make demo   install, then discover designs for about nine minutes; again: go on"
	@echo "make test   install with development tools, then lint, type-check and test"
	@echo "make clean  remove the virtual environment (runs/ stays)"

demo: $(VENV)/.installed
	$(BIN)/genesys evolve experiment=demo

test: lint
	$(BIN)/pytest

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
	  "Genesys needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Name another one: " \
	  "make $(or $(MAKECMDGOALS),demo) PYTHON=/path/to/python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV)
