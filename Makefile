# `make help` lists the targets. Needs make and Python 3.11 with its venv module, nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
UV_COMPILE := $(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links
PYTEST := $(BIN)/pytest

RUNTIME := $(VENV)/.runtime-installed
SIMULATOR := $(VENV)/.simulator-installed
STREAM := $(VENV)/.stream-installed
RDS := $(VENV)/.rds-installed
DEV := $(VENV)/.dev-installed

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Environment -------------------------------------------------------------------------------
.PHONY: venv
venv: $(DEV) ## Make the virtual environment with everything for development

$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo "Python 3.11 is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Install Python's venv module (Debian: apt install python3.11-venv)." >&2; exit 1; }

$(RUNTIME): requirements.txt $(VENV)/pyvenv.cfg
	@echo "Installing the packages of the portal ..."
	@$(PIP_INSTALL) --requirement requirements.txt
	@touch $@

$(SIMULATOR): requirements-simulator.txt $(RUNTIME)
	@$(PIP_INSTALL) --requirement requirements-simulator.txt
	@touch $@

$(STREAM): requirements-stream.txt $(RUNTIME)
	@$(PIP_INSTALL) --requirement requirements-stream.txt
	@touch $@

$(RDS): requirements-rds.txt $(RUNTIME)
	@$(PIP_INSTALL) --requirement requirements-rds.txt
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@echo "Installing the packages for development ..."
	@$(PIP_INSTALL) --requirement requirements-dev.txt
	@touch $@

# --- Run ---------------------------------------------------------------------------------------
.PHONY: demo portal
demo: $(SIMULATOR) ## Play the whole story with a simulated DingTalk (ARGS=--once: play and end)
	@$(MANAGE) demo $(ARGS)

portal: $(STREAM) $(RDS) ## Run the portal without any service: web, worker, dispatcher, beat, Stream, RDS
	@$(MANAGE) portal $(ARGS)

# --- Test --------------------------------------------------------------------------------------
.PHONY: test test-postgresql test-sqlite test-faults bench faults
test: test-postgresql test-sqlite ## Run the quick tests on PostgreSQL, then all tests and journeys

test-postgresql: $(DEV) ## Run the quick tests on PostgreSQL
	TEST_DATABASE=postgresql $(PYTEST) -n 2 -m "not journey and not faults" $(ARGS)

test-sqlite: $(DEV) ## Run the quick tests on SQLite, and the journeys on both
	$(PYTEST) -n 2 -m "not faults" $(ARGS)

test-faults: $(DEV) ## Play faults in small: they judge times, so nothing else should run meanwhile
	$(PYTEST) -m faults $(ARGS) tests/faults

bench: $(DEV) ## Measure the callback and token endpoints against bare twins
	$(BIN)/python -m tests.bench $(ARGS)

faults: $(DEV) ## Kill and hang what the portal stands on while events come (ARGS="--scenario F7 --seed 5")
	$(BIN)/python -m tests.faults $(ARGS)

.PHONY: growth
growth: $(DEV) ## Measure whether what is stored makes anything slower (ARGS=--tenants …, --events …)
	$(BIN)/python -m tests.growth $(ARGS)

.PHONY: load
load: $(DEV) ## Play a scaled hour of many companies, and reckon what a million need (ARGS=--companies …)
	$(BIN)/python -m tests.load $(ARGS)

# --- Check -------------------------------------------------------------------------------------
.PHONY: check format format-check lint types contract migrations-check deploy-check
check: format-check lint types contract migrations-check deploy-check test ## All that a reviewer would run

format: $(DEV) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

format-check: $(DEV) ## Is the code formatted?
	$(BIN)/ruff format --check .

lint: $(DEV) ## Lint the code
	$(BIN)/ruff check .

types: $(DEV) ## Check the types
	$(BIN)/mypy isv_portal tenants dingtalk

contract: $(DEV) ## Do imports point one way?
	$(BIN)/lint-imports

migrations-check: $(DEV) ## Is a migration missing?
	ENV_FILE=.env.example $(MANAGE) makemigrations --check --dry-run

deploy-check: $(DEV) ## Would a production setup pass Django's checks?
	ENV_FILE=tests/fixtures/production.env \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
	FIELD_ENCRYPTION_KEYS="check:$$($(BIN)/python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())')" \
	$(MANAGE) check --deploy --fail-level WARNING

# --- Maintain ----------------------------------------------------------------------------------
.PHONY: lock lock-check audit messages schema clean
lock: $(DEV) ## Pin what requirements*.in ask for, with hashes
	$(UV_COMPILE) requirements.in -o requirements.txt
	$(UV_COMPILE) requirements-simulator.in -o requirements-simulator.txt
	$(UV_COMPILE) requirements-stream.in -o requirements-stream.txt
	$(UV_COMPILE) requirements-rds.in -o requirements-rds.txt
	$(UV_COMPILE) requirements-dev.in -o requirements-dev.txt

lock-check: lock ## Are the locks what `make lock` would write? (asks the package index)
	git diff --exit-code -- requirements.txt requirements-simulator.txt requirements-stream.txt \
		requirements-rds.txt requirements-dev.txt

audit: $(DEV) ## Ask for known vulnerabilities of the pinned packages (asks the package index)
	$(BIN)/uv tool run pip-audit --disable-pip --require-hashes --requirement requirements.txt

messages: $(DEV) ## Collect and compile translations (needs gettext)
	$(MANAGE) makemessages --locale zh_Hans --ignore .venv --no-location --no-wrap
	$(MANAGE) compilemessages --ignore .venv

schema: $(DEV) ## Write the OpenAPI document, and fail on any warning
	$(MANAGE) spectacular --lang en --validate --fail-on-warn --file docs/openapi.yaml

clean: ## Remove what tools left, but neither data nor environment
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache staticfiles
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +
