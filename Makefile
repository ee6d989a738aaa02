# The everyday commands; CMakeLists.txt does the work. `make check` is what has to pass.
BUILD          ?= build
BUILD_SANITIZE ?= build-sanitize
JOBS           ?= 2
PREFIX         ?= /usr/local
CTEST           = ctest --output-on-failure -j$(JOBS)

.PHONY: all check demo format clean install packages

all: packages
	cmake -S . -B $(BUILD) -G Ninja
	cmake --build $(BUILD) -j $(JOBS)

packages:
	@tools/install-packages.sh

# All tests twice: as shipped, and under AddressSanitizer and UndefinedBehaviorSanitizer. Only the
# first treats warnings as errors: instrumented code makes gcc warn of what cannot happen.
check: packages
	cmake -S . -B $(BUILD) -G Ninja -DDLTUNE_WERROR=ON
	cmake --build $(BUILD) -j $(JOBS)
	cd $(BUILD) && $(CTEST)
	cmake -S . -B $(BUILD_SANITIZE) -G Ninja -DDLTUNE_SANITIZE=ON
	cmake --build $(BUILD_SANITIZE) -j $(JOBS)
	cd $(BUILD_SANITIZE) && $(CTEST)

demo: packages
	@BUILD=$(BUILD) JOBS=$(JOBS) tools/demo.sh

format:
	git ls-files '*.c' '*.h' | xargs -r clang-format -i

install: all
	cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf $(BUILD) $(BUILD_SANITIZE)
