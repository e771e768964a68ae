VENV := .venv
PYTHON ?= python3

.PHONY: test check train

# Installed anew only when a requirements file changed.
$(VENV)/installed: requirements.txt lambda/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet -r requirements.txt
	touch $@

test: $(VENV)/installed
	$(VENV)/bin/python -m pytest

check: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

train: $(VENV)/installed
	PYTHONPATH=lambda $(VENV)/bin/python -m export train --data $(DATA) --out runs/lite0 --resume
