# `make run` is all that a newcomer needs. Everything else is for those who work on WhatsFlow.

VENV := .venv
BIN := $(VENV)/bin
PYTHON_RUN := $(BIN)/python

.DEFAULT_GOAL := help
CODE := core whatsflow accounts jobs connections webhooks contacts messaging campaigns analytics
CHECKS := check-types check-style check-layers check-templates check-migrations check-vendored check-security check-shell
.PHONY: help run demo test check $(CHECKS) format bench mutants vendor lock environment environment-dev clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: environment ## start WhatsFlow (PORT=8000, WHATSFLOW_HOME=var); Ctrl-C stops it
	@exec $(PYTHON_RUN) manage.py up

demo: environment ## fill in a demonstration business (ARGS="--contacts 1000")
	@$(PYTHON_RUN) manage.py migrate --verbosity 0
	@$(PYTHON_RUN) manage.py demo $(ARGS)

test: environment-dev ## every test; again on PostgreSQL and Redis where they answer (ARGS="-k inbox")
	@scripts/test.sh $(ARGS)

check: $(CHECKS) ## style, types, layers, templates, migrations, vendored files, security, shell scripts

$(CHECKS): environment-dev

check-types:
	$(BIN)/mypy

check-style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-layers:
	$(BIN)/lint-imports

check-templates:
	git ls-files -z 'templates/*.html' | xargs -0 -r $(BIN)/djade --check --target-version 5.2

check-migrations:
	$(PYTHON_RUN) manage.py makemigrations --check --dry-run

check-vendored:
	$(PYTHON_RUN) scripts/vendor.py --check

check-security:
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive $(CODE)

check-shell:
	git ls-files -z 'scripts/*.sh' 'deploy/*.sh' .ci/run | xargs -0 $(BIN)/shellcheck

format: environment-dev ## let the tools put the style right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files -z 'templates/*.html' | xargs -0 -r $(BIN)/djade --target-version 5.2

bench: environment-dev ## measure each path beside its limit (ARGS="--quick")
	$(PYTHON_RUN) -m tests.benchmarks $(ARGS)

mutants: environment-dev ## change lines of MODULE (tests/mutation/modules.toml) and see whether TESTS notice (SAMPLE=40 SEED=1)
	@$(PYTHON_RUN) -m tests.mutation $(MODULE) $(if $(TESTS),--tests $(TESTS)) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

vendor: environment ## fetch the pages' third-party files anew (needs npm)
	$(PYTHON_RUN) scripts/vendor.py

lock: environment-dev ## pin the newest versions that requirements*.in allow, with hashes
	$(BIN)/uv pip compile $(LOCK) --upgrade requirements.in -o requirements.txt
	$(BIN)/uv pip compile $(LOCK) --upgrade requirements-dev.in -o requirements-dev.txt

LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock"

environment:
	@scripts/environment.sh requirements.txt

environment-dev:
	@scripts/environment.sh requirements.txt requirements-dev.txt

clean: ## remove the environment and caches; data in var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis staticfiles
