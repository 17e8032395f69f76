# Needs Python 3.11 or newer with pip, and make. Everything else is fetched by app/ops/bootstrap.py.
PYTHON ?= python3

.DEFAULT_GOAL := run
.PHONY: run test check bench texts setup lock clean

run: ## everything from nothing: environment, front-end files, database, demo data, web server and scheduler
	@exec $(PYTHON) app/ops/bootstrap.py -- -m app.ops.run

test: ## everything from nothing, then all checks and all tests; ARGS="-k words" chooses some
	@exec $(PYTHON) app/ops/bootstrap.py --tests -- -m app.ops.verify all $(ARGS)

check: ## the static checks alone: ruff, mypy, lint-imports, alembic check
	@exec $(PYTHON) app/ops/bootstrap.py --tests -- -m app.ops.verify static

bench: ## the benchmarks; the last line is one JSON object
	@exec $(PYTHON) app/ops/bootstrap.py --tests -- -m app.ops.bench

texts: ## bring the catalogues up to date with code, diagrams and forms; names what is not translated yet
	@exec $(PYTHON) app/ops/bootstrap.py --tests -- -m app.ops.catalogues

setup: ## what `make test` needs, without running anything
	@exec $(PYTHON) app/ops/bootstrap.py --tests -- -m tests.support.chromium

lock: ## write requirements.lock anew from setup.cfg
	@test -x .uv/bin/uv || $(PYTHON) app/ops/bootstrap.py
	@.uv/bin/uv pip compile setup.cfg --all-extras --generate-hashes --universal --python-version 3.11 \
		--custom-compile-command "make lock" --quiet --output-file requirements.lock

clean: ## what was installed and made, but not var/ with its database
	rm -rf .venv .uv node_modules app/static/vendor var/stamps var/node
