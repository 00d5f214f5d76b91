# make demo   set up and run the main job once on the example site
# make test   set up and run the checks: lint, types, and the tests that find most in little time
# make thorough  the same with all tests: services that are killed, PostgreSQL beside SQLite, browsers and office programs
# make up     set up and run the service in the foreground
# make bench  set up and print what the parts cost, as ratios to baselines
# make prove  set up and kill it everywhere over 600 runs (SEEDS=300 on each database): nothing lost, nothing twice;
#             and run the tests that have a longer form in it
# make soak   set up and let a site with five sources, of which three misbehave, work for weeks (SOAK_MINUTES=60 in all):
#             mail server and database go away and come back, runs are killed; prints figures, memory and open files
# make faults set up and put 60 small faults into the code one at a time; counts those the tests find
# make install  set up .venv, and say what to do next
# make reference  write docs/configuration.md and docs/konfigurasi.md from the models in settings/, and docs/cli.md and docs/perintah.md from the commands in cli/
# make holidays  write sla/indonesian_holidays.py from the installed version of the package holidays
# make audit  ask with pip-audit whether a dependency is known to be vulnerable; says so where it cannot ask
PYTHON ?= python3
SEEDS ?= 300
SOAK_MINUTES ?= 60
SPREAD := -n 4 --dist loadfile --no-loadscope-reorder --durations=25
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPILED := $(VENV)/.compiled
COLLECTED := $(VENV)/.collected

.PHONY: install demo test thorough up lint style bench prove soak faults audit samples reference holidays clean

install: $(COMPILED)
	@echo "Terpasang / installed: $(CURDIR)/$(BIN)/tenggat"
	@echo "Berikutnya / next: $(BIN)/tenggat init FOLDER   (docs/jam-pertama.md, docs/first-hour.md)"

demo: $(READY)
	$(BIN)/python scripts/demo.py

up: $(COMPILED)
	$(BIN)/tenggat up --site examples/kabupaten-contoh --as-root

# mypy is a test (tests/repository/test_types.py): it runs beside the others.
test: $(COLLECTED) style
	$(BIN)/python -m pytest $(SPREAD) -m "not thorough"

thorough: $(COLLECTED) style
	$(BIN)/python -m pytest $(SPREAD)

lint: style
	$(BIN)/mypy --no-error-summary

style: $(READY)
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .

bench: $(READY)
	$(BIN)/python -m bench.deadlines
	$(BIN)/python -m bench.intake
	$(BIN)/python -m bench.delivery
	$(BIN)/python -m bench.simulate
	$(BIN)/python -m bench.metrics
	$(BIN)/python -m bench.sweep
	$(BIN)/python -m bench.backlog
	$(BIN)/python -m bench.idle
	$(BIN)/python -m bench.reports
	$(BIN)/python -m bench.growth

prove: $(READY)
	$(BIN)/python tests/prove.py --seeds $(SEEDS)
	$(BIN)/python -m pytest -n 4 -m long --hypothesis-profile=long

soak: $(READY)
	$(BIN)/python tests/soak.py --minutes $(SOAK_MINUTES)

faults: $(READY)
	$(BIN)/python tests/faults.py

audit: $(READY)
	$(BIN)/python scripts/audit_dependencies.py

reference: $(READY)
	$(BIN)/python scripts/make_reference.py
	$(BIN)/python scripts/make_cli_reference.py

holidays: $(READY)
	$(BIN)/python scripts/make_holidays.py

samples: $(READY)
	$(BIN)/python scripts/make_samples.py

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Tenggat needs Python 3.11 or newer; name one with PYTHON=..."; exit 1; }
	@echo "1/3 .venv (satu sampai tiga menit / one to three minutes)"
	$(PYTHON) -m venv $(VENV)
	@echo "2/3 $$(wc -l < requirements.lock) paket / packages"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	$(BIN)/python -m pip check
	@touch $(READY)

# Python compiles a package when it is first imported. A service may not write to .venv, so `make install` compiles all of them.
$(COMPILED): $(READY)
	@echo "3/3 menyusun / compiling"
	$(BIN)/python -m compileall -qq -j 0 $(VENV) || true
	@touch $(COMPILED)

# In a new .venv one process compiles what the tests import. Otherwise each of the four would do it, at the same time.
$(COLLECTED): $(READY)
	@echo "3/3 menyusun untuk pengujian / compiling for the tests"
	@$(BIN)/python -m pytest --collect-only -qq >/dev/null || true
	@touch $(COLLECTED)

clean:
	rm -rf $(VENV) .venv-audit var
