# make            lists the targets
# make demo       a small sweep on data that comes with scikit-learn
# make test       the tests

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
SCALE ?= small
NAME ?= demo_neurons

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast test-faults test-guides test-triton test-interchange test-engines lint docs sweep report bench results reproduce clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(BIN)/.installed ## create .venv with snnx and what it needs

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[dev]'
	@touch $@

demo: install ## sweep four neuron models over real digits; ends in a table, a picture and a page
	$(BIN)/snnx -m sweep=demo_neurons

test: install ## run the tests, except those of test-faults, test-triton and test-guides, one file at a time, in one process more than there are cores
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder   # reordered, slow files come last

test-fast: install ## run only the fast tests
	$(BIN)/python -m pytest -m 'not slow and not faults and not triton and not guides'

test-faults: install ## cause every fault on purpose (kill processes, fill the disk, damage files), and run all of snnx bench; takes minutes
	$(BIN)/python -m pytest tests/faults tests/bench tests/logger tests/sweep tests/engines tests/command/test_bench.py tests/run/test_several_machines.py -m 'slow or faults'

test-guides: install ## follow every guide from its first line to its last, in an empty folder; takes minutes
	$(BIN)/python -m pytest tests/guides tests/dashboard/test_guide.py -m 'slow or guides'

test-triton: install ## compile every neuron's GPU kernels, and run them in Triton's interpreter, or on a GPU if there is one
	$(BIN)/python -m pytest tests/neuron/test_triton.py -m 'triton or not triton'

test-interchange: install ## install NIR, NeuroBench and other simulators, and compare with each; test pages if Chromium is installed
	$(BIN)/pip install --quiet --editable '.[dev,export,neurobench,bench]'
	$(BIN)/python -m pytest tests/export tests/energy tests/report/test_browser.py tests/dashboard

test-engines: install ## install joblib, Slurm, Ray and Optuna for Hydra, and run sweeps through each
	$(BIN)/pip install --quiet --editable '.[dev,joblib,slurm,ray,optuna]'
	$(BIN)/python -m pytest tests/engines tests/run/test_ddp.py

lint: install ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: install ## build the website of README, guides, results and API into site/; a broken link is an error
	$(BIN)/pip install --quiet --editable '.[dev,docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

sweep: install ## run one sweep: make sweep NAME=dtst_fig10_neurons SCALE=small
	$(BIN)/snnx -m sweep=$(NAME) scale=$(SCALE)

report: install ## print one sweep's report: make report NAME=dtst_fig10_neurons
	$(BIN)/snnx report $(NAME)

bench: install ## measure layers, training steps, encoders and sweeps, and compare with lower bounds and other libraries
	$(BIN)/snnx bench all

results: install ## write docs/results/README.md, the page that lists all records
	$(BIN)/snnx results

reproduce: install ## run what docs/results lacks, at SCALE, and record it
	@for file in sweeps/*_*.yaml; do name=$$(basename $$file .yaml); \
	  $(BIN)/snnx -m sweep=$$name scale=$(SCALE) recorded=true && $(BIN)/snnx report $$name --record || exit $$?; done
	$(BIN)/snnx results

clean: ## remove the environment and caches; results in outputs/ stay
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
