# make demo   lint the example
# make test   everything that has to pass: ruff, mypy, import contracts, pytest
# make fuzz   the claims of rules, tried on many more drawn networks than make test draws
# make clean  remove what these made

PYTHON ?= python3

venv := .venv
bin := $(venv)/bin
install = $(PYTHON) -m venv $(venv) && $(bin)/pip install -q -c constraints.txt

# What .venv is made from: when one of these changes, pip brings .venv up to date.
sources := pyproject.toml setup.py constraints.txt

.PHONY: demo test fuzz clean

# The example has findings, so rflint ends with status 1 here; anything else is a failure.
demo: $(venv)/demo.stamp
	$(bin)/rflint examples/cifar_resnet.py:build --res 32 || [ $$? -eq 1 ]

test: $(venv)/test.stamp
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy
	$(bin)/lint-imports --no-logo --no-cache
	$(bin)/pytest

fuzz: $(venv)/test.stamp
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-1000} $(bin)/pytest tests/oracles/test_position_claims.py \
		tests/oracles/test_zoo_parameters.py tests/oracles/test_wiring_of_real_networks.py \
		tests/oracles/test_every_size.py tests/oracles/test_forecast.py
	$(bin)/python -m tests.helpers.parameter_claims $${FUZZ_EXAMPLES:-1000}
	$(bin)/python -m tests.helpers.kernel_claims $${FUZZ_EXAMPLES:-1000}

clean:
	rm -rf $(venv) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(venv)/demo.stamp: $(sources)
	$(install) -e .
	touch $@

# The environment for the tests serves the demo as well.
$(venv)/test.stamp: $(sources)
	$(install) -e '.[dev]'
	touch $@ $(venv)/demo.stamp
