# Two commands matter: `make demo` and `make test`. Both set up what they need.
PYTHON ?= python3
MUSTER = .venv/bin/muster

.PHONY: setup setup-tests demo test check bench bench-radio fuzz

setup:
	@$(PYTHON) bootstrap.py

setup-tests:
	@$(PYTHON) bootstrap.py --tests

demo: setup
	@$(MUSTER) demo $(if $(PORT),--port $(PORT))

test: setup-tests
	.venv/bin/pytest

check: setup-tests
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/codespell

bench: setup-tests
	.venv/bin/python -m tests.bench

bench-radio: setup-tests
	.venv/bin/python -m tests.bench radio radio_size

fuzz: setup-tests
	.venv/bin/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS))
