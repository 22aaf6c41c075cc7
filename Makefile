# Two commands do all they need on a fresh Linux or macOS: `make demo`, `make test`.
# Everything is installed into .venv; nothing outside this folder but the user's caches is touched.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TORCH := $(VENV)/.torch

DEMO_RECIPES := conf/recipes/reviews_zh.yaml conf/recipes/python_docs.yaml

EXTREMES := "SELECT view, scorer, end, value, text FROM score_extremes WHERE dataset = 'reviews_zh' ORDER BY view, scorer, value DESC"

# The long lanes have targets of their own, so `make test` leaves them out.
KILL_TESTS := tests/pipeline/test_kill.py
EQUAL_TESTS := $(addprefix tests/pipeline/,test_equal.py test_growth.py test_run_again.py test_catalog.py test_older_lake.py test_models.py)
STORY_TESTS := tests/pipeline/test_story.py
DEMO_TESTS := tests/pipeline/test_demo.py
SUBMIT_TESTS := $(addprefix tests/packaging/,test_submit.py test_connect.py)
LANES_IGNORED := $(addprefix --ignore=,$(KILL_TESTS) $(EQUAL_TESTS) $(STORY_TESTS) $(DEMO_TESTS))
KILL_OPTIONS := -s
EQUAL_OPTIONS :=
KILL_CI_OPTIONS := -m "not by_hand" -s
EQUAL_CI_OPTIONS := -m "not by_hand"

# The first Python that is new enough and can make virtual environments; PYTHON=/path/to/python names another.
SUPPORTED := -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	$$python $(SUPPORTED) >/dev/null 2>&1 && echo $$python && break; done)
CONSTRAINTS := -c conf/constraints.txt
PACKAGES := -e ".[local,connect,models,test,notebooks]" $(CONSTRAINTS)
TORCH_PACKAGES := -e ".[torch]" $(CONSTRAINTS)

define install
index="$${PIP_INDEX_URL:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}"; \
	if [ -n "$$index" ]; then UV_DEFAULT_INDEX="$$index"; export UV_DEFAULT_INDEX; fi; \
	{ [ -x $(BIN)/uv ] && $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python $(1); } || \
	{ echo "Installing with pip: a few minutes"; $(BIN)/python -m pip install --quiet $(1); }
endef

.DEFAULT_GOAL := help
.PHONY: help setup test demo lint types wheel zip check-submit check-kill check-equal check-story check-demo check-kill-ci check-equal-ci constraints clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## install everything into .venv (the other targets do so when it is due)

# uv takes a third of pip's time but reads none of its settings: it is told the index, and pip stands by. Left to the
# first run, compiling costs a minute, and every run pays it where Python may not write beside its packages.
$(INSTALLED): pyproject.toml conf/constraints.txt
	@python="$(PYTHON)"; "$${python:-false}" $(SUPPORTED) 2>/dev/null || { echo "make: found no Python 3.11, 3.12 or 3.13" \
		"that can make virtual environments (PYTHON is '$$python'). Install one (Debian: python3-venv;" \
		"macOS: brew install python@3.12), or name yours: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }; \
	$(BIN)/python $(SUPPORTED) 2>/dev/null || "$$python" -m venv --clear $(VENV)
	@echo "Installing into $(VENV): a minute or two, 1.4 GB"
	@$(BIN)/python -m pip install --quiet uv || echo "uv cannot be installed; pip takes its place"
	@$(call install,$(PACKAGES))
	@touch $@

# torch and what comes with it is four times all else together: only the tests want it here.
$(TORCH): $(INSTALLED)
	@echo "Installing torch and transformers for the tests: another minute or two, up to 6 GB on Linux"
	@$(call install,$(TORCH_PACKAGES))
	@touch $@

demo: $(INSTALLED) ## build datasets from real text and print where they are
	$(BIN)/sluice run $(DEMO_RECIPES)
	@echo "What the models find most and least, of some documents:"
	@$(BIN)/sluice sql conf/recipes/reviews_zh.yaml $(EXTREMES)

# Two at a time: those that need Spark share one session and leave a core idle.
test: $(TORCH) ## run the tests
	@$(BIN)/pytest -m "not by_hand and not spark" $(LANES_IGNORED) >.tests.log 2>&1 & without_spark="$$!"; \
	$(BIN)/pytest -m "spark and not by_hand" $(LANES_IGNORED); status="$$?"; \
	wait "$$without_spark" || status="$$?"; cat .tests.log; rm .tests.log; exit "$$status"

lint: $(INSTALLED) ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## check the types
	$(BIN)/mypy

wheel: $(INSTALLED) ## build the wheel into dist; nothing is fetched
	$(BIN)/python -m hatchling build -t wheel

zip: wheel ## the wheel's bytes as a zip, the form that `spark-submit --py-files` gives to every machine
	for wheel in dist/*.whl; do cp "$$wheel" "$${wheel%-py3-none-any.whl}.zip"; done

check-submit: $(INSTALLED) ## run wheel and zip by spark-submit on two executors, and through Spark Connect (long)
	$(BIN)/pytest $(SUBMIT_TESTS)

check-kill: $(INSTALLED) ## kill runs at many points and compare what they leave (long)
	$(BIN)/pytest $(KILL_TESTS) $(KILL_OPTIONS)

check-equal: $(INSTALLED) ## compare runs that must give the same tables (long)
	$(BIN)/pytest $(EQUAL_TESTS) $(EQUAL_OPTIONS)

check-story: $(INSTALLED) ## change sources, recipes and tables of one lake in many ways and look at every rule (long)
	$(BIN)/pytest $(STORY_TESTS)

check-demo: $(INSTALLED) ## compare the lake that `make demo` has left with README, explain a hundred records
	$(BIN)/pytest $(DEMO_TESTS)

check-kill-ci: $(INSTALLED)
	$(BIN)/pytest $(KILL_TESTS) $(KILL_CI_OPTIONS)

check-equal-ci: $(INSTALLED)
	$(BIN)/pytest $(EQUAL_TESTS) $(EQUAL_CI_OPTIONS)

constraints: $(INSTALLED) ## pin the dependencies anew, after pyproject.toml has changed
	$(BIN)/uv pip compile --quiet pyproject.toml $(addprefix --extra ,local connect models torch test notebooks) \
		--universal --python-version 3.11 --fork-strategy fewest \
		--no-emit-index-url --no-header --no-annotate --output-file conf/constraints.txt

clean: ## remove .venv and what tools left behind; the lake and the asset cache stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
