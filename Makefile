# Everything a fresh machine needs: `make demo` shows the main job, `make test` passes the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PHOTOS ?= ../shared/data/eval/photos
export OMP_WAIT_POLICY = PASSIVE

.PHONY: weights paper demo test test-all test-train test-scale lint bench clean

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e ".[demo,test]"
	touch $@

$(VENV)/trainable: $(VENV)/installed
	$(BIN)/python -m pip install --quiet "torch==2.13.0" -e ".[demo,test,train]"
	touch $@

demo: $(VENV)/installed  ## protect and recover a real portrait, print figures, write demo-out/
	$(BIN)/python tools/demo.py demo-out

test: $(VENV)/installed  ## the default suite, without torch
	$(BIN)/python -m pytest -q -m "not slow and not gpu"

test-train: $(VENV)/trainable  ## what needs torch: model, training loop, export
	$(BIN)/python -m pytest -q tests/training

$(VENV)/scalable: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[demo,test,scale]"
	touch $@

test-scale: $(VENV)/scalable  ## runs on engines: a two-worker dask cluster, workers killed half-way
	$(BIN)/python -m pytest -q tests/scale

test-all: $(VENV)/trainable $(VENV)/scalable  ## everything, slow tests included
	$(BIN)/python -m pytest -q

lint: $(VENV)/trainable
	$(BIN)/python -m pip install --quiet ruff mypy
	$(BIN)/ruff check src tests tools bench
	$(BIN)/mypy

bench: $(VENV)/trainable  ## speed and memory as ratios against peers: writes docs/performance.md
	$(BIN)/python tools/performance.py

clean:
	rm -rf $(VENV) demo-out build dist

FACES ?=
STICKERS ?=
RUN ?= runs/secure-2
MODEL ?= src/proface_s/flow/weights/secure-2
weights: $(VENV)/trainable  ## retrain the shipped weights: make weights FACES="DIR DIR"
	$(BIN)/proface train --config configs/secure-2.json $(addprefix --data ,$(FACES)) --out $(RUN)
	$(BIN)/proface export $(RUN)/checkpoint.pt $(addprefix --data ,$(FACES)) -o $(MODEL) --card configs/secure-2.card.json

paper: $(VENV)/trainable  ## train the published system, both recovery modes, for comparison
	for mode in randwr randwr-float obfswr; do $(BIN)/proface train --config configs/paper-$$mode.json \
	  $(addprefix --data ,$(FACES)) $(if $(STICKERS),--stickers $(STICKERS)) --out runs/paper-$$mode || exit 1; done
