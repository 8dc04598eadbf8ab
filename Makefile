.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# Three for each core: many tests wait for another process.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 3)
SLOW_WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) \* 2)
UV_VERSION := 0.13.9

.PHONY: help demo dev test test-slow walls check format lint types imports api openapi lock bench clean publish-api fuzz

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

.venv/.ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

demo: .venv/.ready ## Run everything on this machine with example data; ARGS="--port 8100" passes options on
	@$(BIN)/noren demo $(ARGS)

dev: .venv/.ready ## Serve with reload on an embedded database
	@NOREN_LOG_LEVEL=debug $(BIN)/granian --interface asgi --factory --reload --port 8000 app.main:create_app

test: .venv/.ready ## Run the tests: parallel, random order, real Postgres
	@$(BIN)/pytest -m "not slow" -n $(WORKERS) --dist worksteal $(ARGS)

test-slow: .venv/.ready ## Run the others: processes killed and kept under load, all that is stored searched, the tour
	@$(BIN)/pytest $$(grep -rl "mark.slow" tests --include="test_*.py") -m slow -n $(SLOW_WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

walls: .venv/.ready ## Prove the walls: every operation, place for an id and kind of credential; every policy broken once
	@WALLS=all $(BIN)/pytest tests/walls tests/isolation -n $(WORKERS) --dist worksteal -q $(ARGS)

check: .venv/.ready lint types imports openapi ## All that must hold before a commit, but for the tests

lint: .venv/.ready
	@$(BIN)/ruff format --check --quiet . || { echo 'Run: make format'; exit 1; }
	@$(BIN)/ruff check --quiet .

types: .venv/.ready
	@$(BIN)/mypy

imports: .venv/.ready
	@$(BIN)/lint-imports --no-cache > .venv/imports.log || { cat .venv/imports.log; exit 1; }

openapi: .venv/.ready
	@$(BIN)/noren openapi | diff -u openapi/openapi.json - > .venv/openapi.diff || \
	  { head -40 .venv/openapi.diff; echo 'The API differs from openapi/openapi.json. Run: make api, and say so in CHANGELOG.md'; exit 1; }
	@$(BIN)/noren openapi --against openapi/published.json

api: .venv/.ready ## Write openapi/openapi.json anew
	@$(BIN)/noren openapi > openapi/openapi.json

publish-api: .venv/.ready api ## Promise the API as it is now: from here on, nothing of it may break
	@cp openapi/openapi.json openapi/published.json

format: .venv/.ready ## Format the code
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --quiet --fix .

bench: .venv/.ready ## Run the benchmarks; ARGS="--size full P1 P2"
	@$(BIN)/noren bench $(ARGS)

fuzz: .venv/.ready ## Poison and Schemathesis against a running service; ARGS=--sample for what a commit gets
	@$(BIN)/python -W ignore -m tests.fuzz $(ARGS)

lock: .venv/.ready ## Resolve the dependencies anew, with hashes
	@$(BIN)/uv pip compile --quiet pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url \
	  --no-header --output-file requirements.lock

clean: ## Remove the virtual environment and the demo's data
	rm -rf .venv .noren
