# make serve   page and API on http://127.0.0.1:8000 (PORT=8001 for another port); brings its own node; no torch, no AWS
# make test    sets up everything, then runs the tests
# make check   formatting, lint, types, of Python and of the page's scripts
# make train   DATA=folder: images + metadata.csv -> runs/lite2/checkpoint.pt, resumable
# make export  DATA=folder [CHECKPOINT=file READ=options VERSION=x.y.z SIZE=pixels STRANGERS=folders COPIES=folder]: checkpoint -> models/lesion.onnx, figures, plots, card, golden values
#              READ='--arch resnet50 --classes nevus melanoma': what other people's checkpoints do not say of themselves
# make reproduce  the same DATA, CHECKPOINT, READ, STRANGERS, COPIES: every figure of the model card once more; fails where the card says otherwise
# make synth   the CloudFormation templates, in cdk.out and cdk.out/all (every option on), checked by cdk-nag and cfn-lint
# make sbom    what function and page consist of, under which licences -> build/sbom (CycloneDX)
# make deploy  / make destroy   the service in the AWS account of the environment (docs/operations.md); CDK='-c lesion:waf=true'

PYTHON ?= python3
VENV := .venv
SERVE_VENV := .venv-serve
PORT ?= 8000
CHECKPOINT ?= runs/lite2/checkpoint.pt
VERSION ?= 1.0.0

export PYTHONPATH := lambda
export ORT_DISABLE_TELEMETRY := 1

# Debian's packages, where they can be had: as root, or with a sudo that asks nothing.
APT := sh -c 'test $$(id -u) = 0 || S="sudo -n"; $$S apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$S apt-get install -y -qq --no-install-recommends "$$@"' apt

# Debian's Python comes without venv; a half-made environment of an earlier try is cleared.
define environment
$(PYTHON) -m venv --clear $(1) || { $(APT) python3-venv && $(PYTHON) -m venv --clear $(1); }
$(1)/bin/pip install --quiet --disable-pip-version-check -r infra/serve-requirements.txt
endef

# $(1)'s own node, whatever the machine has, installs what $(2)/package-lock.json says. npm's record of what it installed is
# newer than the lock file once it is done. No package runs anything at its installation.
define packages
test $(2)/node_modules/.package-lock.json -nt $(2)/package-lock.json || { \
	PATH="$(CURDIR)/$(1)/bin:$$PATH" npm ci --prefix $(2) --ignore-scripts --no-audit --no-fund --loglevel=error && \
	touch $(2)/node_modules/.package-lock.json; }
endef

# CDK's command line runs on the node of the requirements, not on the machine's.
NODE = $(shell $(VENV)/bin/python -c 'import infra, os; print(os.path.dirname(os.environ["JSII_NODE"]))')
CDK_RUN = PATH="$(NODE):$$PATH" CDK_DISABLE_CLI_TELEMETRY=1 infra/node_modules/.bin/cdk
# An account and a domain that nobody has: only for looking at the templates.
EVERY_OPTION := region=eu-central-1 waf=true tracing=true provisioned_concurrency=1 domain_name=moles.example.org \
	hosted_zone_id=Z0123456789 alarm_email=you@example.org origin_secret=2 url_hosts=images.example.org \
	batch_bucket=my-photographs batch_prefix=clinic/2025/

.PHONY: serve packages setup test tools check train export reproduce synth sbom bootstrap deploy destroy

serve: $(SERVE_VENV)/installed
	@$(call packages,$(SERVE_VENV),infra/vendor)
	PORT=$(PORT) $(SERVE_VENV)/bin/python -m infra.dev.serve

# Installed anew only when a requirements file changed.
$(SERVE_VENV)/installed: infra/serve-requirements.txt lambda/requirements.txt
	$(call environment,$(SERVE_VENV))
	touch $@

$(VENV)/installed: requirements.txt infra/serve-requirements.txt lambda/requirements.txt
	$(call environment,$(VENV))
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

# The tests of the page drive a real browser; without one they are skipped, except with CI=true.
$(VENV)/browser: $(VENV)/installed
	command -v chromium >/dev/null || $(APT) chromium || echo "Chromium cannot be installed here: the tests of the page are skipped."
	touch $@

# One test runs the model on another processor, emulated; where that cannot be had it is skipped, except with CI=true.
$(VENV)/emulator: $(VENV)/installed
	command -v qemu-x86_64 >/dev/null || $(APT) qemu-user || echo "QEMU cannot be installed here: one test is skipped."
	touch $@

# What the page takes from others; infra/packaging/bundle.py publishes parts of it.
packages: $(VENV)/installed
	@$(call packages,$(VENV),infra/vendor)

setup: packages $(VENV)/browser $(VENV)/emulator

test: setup
	$(VENV)/bin/python -m pytest

check: tools
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	cd infra && PATH="$(NODE):$$PATH" node_modules/.bin/eslint --max-warnings 0 site
	PATH="$(NODE):$$PATH" infra/node_modules/.bin/tsc --project infra

train: $(VENV)/installed
	$(VENV)/bin/python -m export train --data $(DATA) --out runs/lite2 --resume

# The command line of CDK and what checks the page's scripts, beside what the page takes from others.
tools: packages
	@$(call packages,$(VENV),infra)

synth: tools
	$(CDK_RUN) synth --quiet
	$(CDK_RUN) synth --quiet --output cdk.out/all $(EVERY_OPTION:%=-c lesion:%)
	$(VENV)/bin/cfn-lint --ignore-checks W3005 -- cdk.out/*.template.json cdk.out/all/*.template.json

sbom: packages
	$(VENV)/bin/python -m infra.packaging.sbom

bootstrap: tools
	$(CDK_RUN) bootstrap $(CDK)

deploy: tools
	$(CDK_RUN) deploy --all $(CDK)

destroy: tools
	$(CDK_RUN) destroy --all $(CDK)

# The model, then its report: `test` is opened here, once.
export: $(VENV)/installed
	$(VENV)/bin/python -m export convert $(CHECKPOINT) --data $(DATA) --version $(VERSION) $(if $(SIZE),--size $(SIZE)) $(READ)
	$(VENV)/bin/python -m export evaluate --data $(DATA) $(if $(STRANGERS),--strangers $(STRANGERS))
	$(VENV)/bin/python -m export cameras --data $(DATA)
	$(VENV)/bin/python -m export stress --data $(DATA) $(if $(COPIES),--copies $(COPIES))
	$(VENV)/bin/python -m export faithful --data $(DATA)
	$(VENV)/bin/python -m export formats $(CHECKPOINT) --data $(DATA) $(READ)
	$(VENV)/bin/python -m tests.golden

reproduce: $(VENV)/installed
	$(VENV)/bin/python -m export reproduce --data $(DATA) --checkpoint $(CHECKPOINT) $(READ) $(if $(STRANGERS),--strangers $(STRANGERS)) $(if $(COPIES),--copies $(COPIES))

# --- the image -------------------------------------------------------------------------------------------------------------
# make image       the function's image in build/image, with Docker or, as root, without
# make test-image  starts it as Lambda does, in all its limits, and looks at what it does; as root
# make rehearse    the whole deployment on this machine, as its template says, visited by a browser; as root
# make bench       one request beside the old app's way and its peers, and stage by stage -> docs/benchmarks.md, docs/stages.md
# make bench-load  ten minutes of mixed traffic, processes killed, memory watched -> docs/load.md
# make bench-memory  duration and cost by Lambda's memory size -> docs/memory-size.md; as root
# make bench-batch  DATA=folder: 10,000 photographs of a bucket and of a folder -> docs/batch.md
# make bench-cold  how long its first answer takes, beside the least possible -> docs/cold-start.md; as root

.PHONY: image test-image rehearse bench bench-load bench-memory bench-batch bench-cold

image:
	$(PYTHON) -m infra.packaging.image

test-image: $(VENV)/installed image
	$(VENV)/bin/python -m pytest -m image tests/runtime

# The templates of `make synth`, where they are newer than the tree; else they are made on the way.
rehearse: setup image
	$(VENV)/bin/python -m pytest -m rehearsal tests/emulation

bench: $(VENV)/installed
	$(VENV)/bin/python -m tests.benchmarks.serving
	$(VENV)/bin/python -m tests.benchmarks.stages

bench-load: $(VENV)/installed
	$(VENV)/bin/python -m tests.benchmarks.load

bench-memory: $(VENV)/installed image
	$(VENV)/bin/python -m tests.benchmarks.memory

bench-batch: $(VENV)/installed
	$(VENV)/bin/python -m tests.benchmarks.at_scale --data $(DATA)

bench-cold: $(VENV)/installed image
	$(VENV)/bin/python -m tests.benchmarks.cold
