# The one entrance. It needs Node.js 20 or later, npm and make; everything else comes with `make setup`.

BUN := node_modules/.bin/bun
BIOME := node_modules/.bin/biome
SETUP := node_modules/.setup
# The folders count too: they are newer when a file has gone.
SOURCES := $(shell find actors src) package.json package-lock.json
PYTHON_SOURCES := $(shell find python -name '*.py') python/pyproject.toml python/README.md
# Those of test/ that need nothing but what `make setup` installs.
TESTS := test/unit/ test/properties/ test/integration/
# A test that takes longer hangs: on a busy machine any takes many times as long as it needs.
TEST := $(BUN) test --timeout=240000
# Further options of `bun test`, as in: make test FLAGS="--test-name-pattern lease"
FLAGS ?=

.PHONY: help setup build lib wheel dist demo demo-frames test test-chaos test-python test-camera test-kernel test-kernel-qemu test-arm64 coverage lint format docs bench bench-cameras bench-kernel clean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## /\1\t/p' Makefile | while IFS='	' read -r name what; do printf '  make %-16s %s\n' "$$name" "$$what"; done

setup: $(SETUP) ## install what the project needs, in node_modules
build: dist/holdfast ## the executable for this machine: dist/holdfast
lib: dist/lib/package.json ## the library for Node and Bun: dist/lib
wheel: setup ## the Python package as a wheel: dist/holdfast-*.whl
	$(BUN) scripts/wheel.ts

dist: dist/SHA256SUMS ## all that is released: executables for x64 and arm64, the library, the Python package, check sums

demo: build ## see it work, on simulated pins
	$(BUN) scripts/demo.ts

demo-frames: build ## see what becomes of frames in three kinds of pools
	$(BUN) scripts/demo-frames.ts

test: build lib ## run the tests that need no hardware and no kernel of their own
	$(TEST) $(FLAGS) $(TESTS)

test-chaos: build ## kill and stop processes that exchange frames: CHAOS_SECONDS=60, CHAOS_SEED
	$(TEST) $(FLAGS) test/chaos/

test-python: build wheel ## run the tests of the Python package, with the Python and the libraries of Debian, which it installs
	$(BUN) scripts/test-python.ts $(FLAGS)

test-camera: build ## run the tests of cameras, with Debian's ffmpeg and OpenCV, which it installs
	$(BUN) scripts/test-camera.ts $(FLAGS)

test-kernel: build lib ## run the executable on a real kernel with simulated chips, as a program of this machine (x86_64)
	$(BUN) scripts/test-kernel.ts uml $(FLAGS)

test-kernel-qemu: build lib ## the same in an emulated machine, with Debian's own kernel
	$(BUN) scripts/test-kernel.ts x86_64 $(FLAGS)

test-arm64: dist/holdfast-linux-arm64 ## the arm64 executable on emulated boards: pages of 4 and of 16 KiB, and a Raspberry Pi 3B
	$(BUN) scripts/test-kernel.ts virt $(FLAGS)
	$(BUN) scripts/test-kernel.ts virt16k $(FLAGS)
	$(BUN) scripts/test-kernel.ts raspi3b $(FLAGS)

coverage: build lib ## the same, with the share of lines that they reach: coverage/lcov.info
	$(TEST) --coverage $(FLAGS) $(TESTS)

lint: setup ## check the style and the types
	$(BIOME) check --error-on-warnings
	node_modules/.bin/tsc --noEmit
	node_modules/.bin/tsc --noEmit --project examples

format: setup ## put the sources in shape
	$(BIOME) check --write

docs: setup ## write the messages of docs/protocol.md and docs/holdfast.schema.json from their schemas
	$(BUN) scripts/protocol-doc.ts
	$(BUN) scripts/config-schema.ts

bench: build ## measure, beside what others do
	$(BUN) bench/main.ts

bench-cameras: build ## measure cameras, beside a program in Python that copies the same frames; needs Debian's Python
	$(BUN) bench/cameras/main.ts

bench-kernel: setup ## measure the GPIO of a real kernel in an emulated machine, beside a program in C (x86_64)
	$(BUN) bench/toggles/main.ts

clean: ## remove what was made, but node_modules
	rm -rf dist coverage

# npm may leave Bun's own install script aside; without it, node_modules/.bin/bun is a stub.
$(SETUP): package.json package-lock.json
	npm ci --no-audit --no-fund
	$(BUN) --version >/dev/null 2>&1 || node node_modules/bun/install.js
	$(BUN) --version >/dev/null
	touch $@

dist/holdfast: $(SETUP) $(SOURCES) scripts/build.ts scripts/bun-runtime.ts
	$(BUN) scripts/build.ts

dist/holdfast-linux-arm64: $(SETUP) $(SOURCES) scripts/build.ts scripts/bun-runtime.ts
	$(BUN) scripts/build.ts arm64

dist/lib/package.json: $(SETUP) $(SOURCES) scripts/lib.ts tsconfig.json tsconfig.lib.json LICENSE
	$(BUN) scripts/lib.ts

dist/SHA256SUMS: $(SETUP) $(SOURCES) $(PYTHON_SOURCES) scripts/build.ts scripts/wheel.ts scripts/stored-zip.ts dist/lib/package.json
	$(BUN) scripts/build.ts x64 arm64
	$(BUN) scripts/wheel.ts
	rm -f dist/holdfast-*.tgz
	npm pack ./dist/lib --pack-destination dist --silent
	cd dist && sha256sum holdfast-linux-x64 holdfast-linux-arm64 holdfast-*.tgz holdfast-*.whl >SHA256SUMS
