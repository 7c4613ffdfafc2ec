# Everything a fresh machine needs: `make demo` shows the main job, `make test` passes the tests.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PHOTOS ?= ../shared/data/eval/photos
export OMP_WAIT_POLICY = PASSIVE

.PHONY: weights demo test test-all test-train lint bench clean

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

test-all: $(VENV)/trainable  ## everything, slow tests included
	$(BIN)/python -m pytest -q

lint: $(VENV)/trainable
	$(BIN)/python -m pip install --quiet ruff mypy
	$(BIN)/ruff check src tests tools bench
	$(BIN)/mypy

bench: $(VENV)/installed  ## whole photos through files: quality, equality, time
	$(BIN)/python bench/photos.py $(PHOTOS)
	$(BIN)/python bench/big_photo.py

clean:
	rm -rf $(VENV) demo-out build dist

FACES ?=
STICKERS ?=
RUN ?= runs/secure
weights: $(VENV)/trainable  ## retrain the shipped weights: make weights FACES="DIR DIR" STICKERS=DIR
	mkdir -p $(RUN)
	$(BIN)/python tools/make_profiles.py $(RUN)/profiles.npy $(FACES)
	$(BIN)/python -m proface_s.training --config configs/secure-1.json $(addprefix --data ,$(FACES)) --stickers $(STICKERS) --out $(RUN)
	$(BIN)/python tools/export_model.py $(RUN)/checkpoint.pt $(RUN)/profiles.npy src/proface_s/flow/weights/secure-1 --card configs/secure-1.card.json
