# SPDX-License-Identifier: GPL-2.0
# Copyright (C) The uplinkd authors
# Everything that is generated goes under build/. `make help` lists the targets; V=1 shows commands.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DELETE_ON_ERROR:
.SECONDEXPANSION:
.DEFAULT_GOAL := all

VERSION   := 0.1.0
B         := build
PREFIX    ?= /usr
SYSCONF   ?= /etc
DESTDIR   ?=
V         ?= 0
Q         := $(if $(filter 1,$(V)),,@)
say        = $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' '$(1)' '$(2)')

CC        ?= cc
ifeq ($(origin CC),default)
CC        := cc
endif
CLANG     ?= clang
BPFTOOL   ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PYTHON    ?= /usr/bin/python3

PKGS      := libbpf libelf libsystemd libmnl yaml-0.1 jansson libseccomp zlib
# of uplinkctl, uplinkd-exporter and libvirt's hook only
CTL_PKGS  := smartcols libarchive ncursesw
EXPORTER_PKGS := libmicrohttpd
HOOK_PKGS := libxml-2.0
# tool or pkg-config module, and the oldest version that works
NEED_TOOLS := $(CLANG):14.0 $(BPFTOOL):7.1
NEED_PKGS  := libbpf:1.1 libelf:0.188 libsystemd:252 libmnl:1.0 yaml-0.1:0.2 jansson:2.14 \
	libseccomp:2.5 zlib:1.2 smartcols:2.38 libmicrohttpd:0.9.75 libarchive:3.6 ncursesw:6.2 \
	libxml-2.0:2.9

APT_BUILD := build-essential clang llvm libbpf-dev bpftool libelf-dev libsystemd-dev libmnl-dev \
	libyaml-dev libjansson-dev libseccomp-dev zlib1g-dev libsmartcols-dev \
	libmicrohttpd-dev libarchive-dev libncurses-dev libxml2-dev pkg-config scdoc
APT_DEMO  := iproute2 iputils-ping util-linux procps
APT_DEMO_VM := qemu-system-x86 cpio kmod xz-utils
APT_CHECK := $(APT_DEMO) libcriterion-dev python3 python3-pytest python3-pytest-xdist \
	python3-jsonschema python3-yaml iperf3 tshark ethtool jq nftables strace zsh fish tmux
APT_LINT  := clang-format clang-tidy cppcheck shellcheck black python3-pytest
APT_FUZZ  := libclang-rt-14-dev
APT_DEB   := debhelper
# of tests/integration; packages that start services belong into $(UNPACKED) or a root of the test
APT_INTEGRATION := $(APT_DEB) lintian piuparts rpm golang-go golang-github-appc-cni-dev \
	busybox-static mmdebstrap python3-prometheus-client curl cpio kmod qemu-system-x86 \
	dnsmasq-base
APT_VM    := qemu-system-x86 udev kmod file xz-utils cpio libteam-utils
APT_BENCH := gnuplot-nox linux-perf
# the two newest clangs of this distribution
APT_CLANGS = $(shell apt-cache search --names-only '^clang-[0-9]+$$' 2>/dev/null | sed 's/ .*//' | \
	sort -V | tail -n 2)

WARN      := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wno-unused-parameter
HARDEN    := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS    ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(WARN) $(HARDEN) -D_GNU_SOURCE -DUL_VERSION='"$(VERSION)"' \
	-I. -Iheaders -Iuser -I$(B) \
	$(shell pkg-config --cflags $(PKGS) $(CTL_PKGS) $(EXPORTER_PKGS) $(HOOK_PKGS) 2>/dev/null) \
	$(CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now $(LDFLAGS)
LIBS      := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CTL_LIBS  := $(shell pkg-config --libs $(CTL_PKGS) 2>/dev/null)
EXPORTER_LIBS := $(shell pkg-config --libs $(EXPORTER_PKGS) 2>/dev/null)
HOOK_LIBS := $(shell pkg-config --libs $(HOOK_PKGS) 2>/dev/null)
TEST_LIBS := -lcriterion

# each object records the headers that it was made from
DEPFLAGS   = -MMD -MP -MT $@ -MF $(B)/deps/$(subst /,_,$(@:$(B)/%=%)).d

BPF_TRIPLET := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_ARCH  := $(subst x86_64,x86,$(subst aarch64,arm64,$(firstword $(subst -, ,$(shell uname -m)))))
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-missing-declarations -D__TARGET_ARCH_$(BPF_ARCH) -I. -Iheaders -Ibpf \
	$(if $(BPF_TRIPLET),-I/usr/include/$(BPF_TRIPLET))

# ---- sources: a new file in one of these folders needs no edit here ----
LIB_SRC   := $(sort $(filter-out user/daemon/% user/ctl/% user/integration/%, \
	$(wildcard user/*/*.c)))
DAEMON_SRC := $(sort $(wildcard user/daemon/*.c))
CTL_SRC   := $(sort $(wildcard user/ctl/*.c))
EXPORTER_SRC := $(sort $(wildcard user/integration/exporter/*.c))
HOOK_SRC  := $(sort $(wildcard user/integration/libvirt/*.c))
NET_SRC   := $(sort $(wildcard user/integration/net/*.c))
UNIT_SRC  := $(sort $(wildcard tests/unit/*.c))
BPFTEST_SRC := $(sort $(wildcard tests/bpf/*.c))
TOOL_SRC  := $(sort $(wildcard tests/netns/tools/*.c))
DEMO_SRC  := $(sort $(wildcard tests/demo/*.c))
BENCH_SRC := $(sort $(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
BENCH_BPF_SRC := $(sort $(wildcard tests/bench/*.bpf.c))
BPF_SRC   := $(sort $(wildcard bpf/*.bpf.c))

comma     := ,
obj        = $(patsubst %.c,$(B)/obj/%.o,$(1))
SKEL      := $(B)/uplinkd.skel.h

all: $(B)/uplinkd $(B)/uplinkctl $(B)/uplinkd-exporter $(B)/uplinkd-net $(B)/uplinkd-libvirt-hook \
		$(B)/compile_commands.json ## build the programs

# ---- dependency check: names the tool, the required version and the version found ----
$(B)/.deps-ok: Makefile
	$(Q)mkdir -p $(B)/deps; bad=0; \
	older() { [ "$$(printf '%s\n%s\n' "$$1" "$$2" | sort -V | head -n 1)" != "$$1" ]; }; \
	for t in $(NEED_TOOLS); do name=$${t%%:*}; want=$${t##*:}; \
		have=$$($$name --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1); \
		if [ -z "$$have" ] || older "$$want" "$$have"; then \
			echo "missing: $$name, need $$want or newer, found $${have:-none}" >&2; bad=1; fi; done; \
	for t in $(NEED_PKGS); do name=$${t%%:*}; want=$${t##*:}; \
		have=$$(pkg-config --modversion $$name 2>/dev/null); \
		if [ -z "$$have" ] || older "$$want" "$$have"; then \
			echo "missing: library $$name, need $$want or newer, found $${have:-none}" >&2; \
			bad=1; fi; done; \
	if [ $$bad = 1 ]; then echo "remedy: sudo make deps (Debian, Ubuntu)" >&2; exit 1; fi; touch $@

# Installs the missing ones of some packages. None of them starts a service: packages that would are
# unpacked by tests/unpack instead.
define apt_install
	@missing=$$(for p in $(1); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" != 0 ]; then \
		echo "missing packages:" $$missing "- run: sudo make deps" >&2; exit 1; fi; \
	echo "installing:" $$missing; export DEBIAN_FRONTEND=noninteractive; \
	apt="apt-get -q -o Acquire::Retries=3"; install="$$apt install -y --no-install-recommends"; \
	$$install $$missing >$(B)/apt.log 2>&1 || \
	{ $$apt update >>$(B)/apt.log 2>&1; $$install $$missing >>$(B)/apt.log 2>&1; } || \
	{ tail -n 20 $(B)/apt.log >&2; exit 1; }
endef

# Open vSwitch, the physical switch of the tests
UNPACKED  := $(B)/unpacked/openvswitch/.complete
$(UNPACKED): | $(B)
	$(call say,UNPACK,openvswitch)
	$(Q)tests/unpack $(@D) openvswitch-switch openvswitch-common

# container software of the integration tests
PODMAN    := $(B)/unpacked/podman/.complete
$(PODMAN): | $(B)
	$(call say,UNPACK,podman)
	$(Q)tests/unpack $(@D) podman conmon crun containernetworking-plugins

# Prometheus and promtool, for tests/integration
PROMETHEUS := $(B)/unpacked/prometheus/.complete
$(PROMETHEUS): | $(B)
	$(call say,UNPACK,prometheus)
	$(Q)tests/unpack $(@D) prometheus

# a consumer of what uplinkd-metrics.timer writes
NODE_EXPORTER := $(B)/unpacked/node-exporter/.complete
$(NODE_EXPORTER): | $(B)
	$(call say,UNPACK,prometheus-node-exporter)
	$(Q)tests/unpack $(@D) prometheus-node-exporter

# libvirt and what its guests boot, of tests/integration and demo-vm
UNPACKED_LIBVIRT := $(B)/unpacked/libvirt/.complete
CLOUD_KERNEL = $(shell apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: //p')
$(UNPACKED_LIBVIRT): | $(B)
	$(call say,UNPACK,libvirt)
	$(Q)tests/unpack $(@D) libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients busybox-static \
		$(CLOUD_KERNEL)

$(B):
	@mkdir -p $@/deps

.PHONY: deps deps-build deps-demo deps-demo-vm deps-check deps-integration deps-vm deps-lint deps-fuzz deps-bench
deps: deps-build deps-check ## install the packages for building and testing (Debian, Ubuntu)
deps-build: | $(B)
	$(call apt_install,$(APT_BUILD))
deps-demo: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_DEMO))
deps-demo-vm: deps-demo
	$(call apt_install,$(APT_DEMO_VM))
	@$(MAKE) $(UNPACKED_LIBVIRT)
deps-check: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_CHECK) $(APT_CLANGS))
	@$(MAKE) $(UNPACKED)
deps-integration: deps-check
	$(call apt_install,$(APT_INTEGRATION))
	@$(MAKE) $(PODMAN)
	@$(MAKE) $(PROMETHEUS)
	@$(MAKE) $(NODE_EXPORTER)
	@$(MAKE) $(UNPACKED_LIBVIRT)
deps-vm: deps-check
	$(call apt_install,$(APT_VM))
deps-lint: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_LINT))
deps-fuzz: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_FUZZ))
deps-bench: deps-check
	$(call apt_install,$(APT_BENCH))

# ---- kernel side: one object per .bpf.c, linked by bpftool into one skeleton ----
$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(B)/.deps-ok
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) $(DEPFLAGS) -c $< -o $@

$(B)/uplinkd.bpf.o: $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
	$(call say,LINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKEL): $(B)/uplinkd.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name uplinkd_bpf > $@

# The observers of `uplinkctl capture` are no part of the data plane.
CAPTURE_SKEL := $(B)/capture.skel.h
$(CAPTURE_SKEL): $(B)/bpf/capture/capture.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name capture_bpf > $@
$(call obj,user/dataplane/observer.c): $(CAPTURE_SKEL)

# ---- user side ----
# Only these include the skeleton.
$(call obj,$(filter user/dataplane/% tests/bpf/%,$(LIB_SRC) $(BPFTEST_SRC))): $(SKEL)

$(B)/obj/%.o: %.c $(B)/.deps-ok
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(DEPFLAGS) -c $< -o $@

$(B)/libuplink.a: $(call obj,$(LIB_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/uplinkd: $(call obj,$(DAEMON_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(B)/uplinkctl: $(call obj,$(CTL_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) $(CTL_LIBS) -o $@

$(B)/uplinkd-exporter: $(call obj,$(EXPORTER_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) $(EXPORTER_LIBS) -o $@

$(B)/uplinkd-net: $(call obj,$(NET_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -Wl,--as-needed $(LIBS) -o $@

$(B)/uplinkd-libvirt-hook: $(call obj,$(HOOK_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ -Wl,--as-needed $(LIBS) $(HOOK_LIBS) -o $@

# The unit tests contain the programs except their main().
$(B)/tests/unit: $(call obj,$(UNIT_SRC) $(filter-out user/%/main.c,$(CTL_SRC) $(DAEMON_SRC) \
		$(NET_SRC) $(HOOK_SRC))) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) $^ $(LIBS) $(CTL_LIBS) $(HOOK_LIBS) $(TEST_LIBS) \
		-lm -o $@

$(B)/tests/bpf: $(call obj,$(BPFTEST_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) $^ $(LIBS) $(TEST_LIBS) -lm -o $@

$(B)/tests/tools/%: tests/netns/tools/%.c
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(DEPFLAGS) $(ALL_LDFLAGS) $< $(LIBS) -o $@

$(B)/demo/%: tests/demo/%.c $(B)/.deps-ok
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(DEPFLAGS) $(ALL_LDFLAGS) $< $(LIBS) -o $@

$(B)/bench/bin/%: tests/bench/%.c $(B)/libuplink.a
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(DEPFLAGS) $(ALL_LDFLAGS) $< \
		$(B)/libuplink.a $(LIBS) -lm -o $@

$(B)/bench/bpf/%.bpf.o: tests/bench/%.bpf.c $(B)/.deps-ok
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) $(DEPFLAGS) -c $< -o $@

BENCH_TOOLS := $(BENCH_SRC:tests/bench/%.c=$(B)/bench/bin/%) \
	$(BENCH_BPF_SRC:tests/bench/%.bpf.c=$(B)/bench/bpf/%.bpf.o)
TOOLS := $(TOOL_SRC:tests/netns/tools/%.c=$(B)/tests/tools/%)
DEMO_TOOLS := $(DEMO_SRC:tests/demo/%.c=$(B)/demo/%)

.PHONY: tests tools
tools: all $(TOOLS) # what tests/netns needs
tests: all $(B)/tests/unit $(B)/tests/bpf $(TOOLS) $(UNPACKED) \
	$(patsubst /usr/bin/%,$(B)/compilers/%/uplinkd.bpf.o,$(wildcard /usr/bin/clang-[1-9][0-9]))

# The same programs compiled by every other installed clang. A verifier may accept the output of one
# compiler and reject that of another (tests/netns/test_compilers.py).
$(B)/compilers/%/uplinkd.bpf.o: FORCE
	$(Q)$(MAKE) B=$(B)/compilers/$* CLANG=$* $@

# ---- running ----
# These install missing packages and then run make again, because pkg-config may have been missing.
# The packages are installed one after the other, the rest is built on all CPUs.
PARALLEL = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))
.PHONY: demo check check-built check-full unit vmtest bench fuzz fuzz-built lint format
demo: deps-demo ## two hypervisors in namespaces: steering, isolation, a cut cable (root)
	@$(MAKE) $(PARALLEL) demo-built

.PHONY: demo-built demo-vm demo-vm-built
demo-built: all $(DEMO_TOOLS)
	@tests/demo/demo $(B)

demo-vm: deps-demo-vm ## the same with libvirt and a virtual machine (QEMU) on each hypervisor (root)
	@$(MAKE) $(PARALLEL) demo-vm-built

demo-vm-built: all $(DEMO_TOOLS) $(UNPACKED_LIBVIRT)
	@tests/demo/demo-vm $(B)

check: deps-check ## all tests that need no virtual machine (root)
	@$(MAKE) $(PARALLEL) check-built

check-built: tests
	@tests/check $(B)

check-integration: deps-integration ## the tests with other software that take at most ten minutes (root)
	@$(MAKE) $(PARALLEL) tests
	@tests/check $(B) integration

.PHONY: check-integration
check-full: check check-sanitize deps-integration ## check and the long runs: other software, VM tests, fuzzing (root, hours)
	@tests/check $(B) netns-slow integration-all faults
	@$(MAKE) lint vmtest fuzz bpf-many

faults: deps-check ## kill and fail each system call of each path; FAULTS=restart:kill JOBS=2 (root)
	@$(MAKE) $(PARALLEL) faults-built

.PHONY: faults faults-built
faults-built: all $(TOOLS)
	@UL_BUILD=$(B) tests/faults/run --jobs $(or $(JOBS),2) --report $(B)/faults.json $(subst $(comma), ,$(FAULTS))

soak: deps-check ## random changes against the complete end state; HOURS=1 SEED=n (root)
	@$(MAKE) $(PARALLEL) soak-built

.PHONY: soak soak-built
soak-built: all $(TOOLS)
	@UL_BUILD=$(B) tests/soak/run --hours $(or $(HOURS),1) $(if $(SEED),--seed $(SEED))

bpf-many: $(B)/tests/bpf ## 10 million random frames through each program and the model; FRAMES=n (root)
	@tests/bpf/many $(B) $(or $(FRAMES),10000000)

.PHONY: bpf-many
unit: $(B)/tests/unit ## the unit tests only (any user)
	@tests/check $(B) unit

check-sanitize: ## the unit tests under ASan, UBSan and LeakSanitizer (any user)
	@$(MAKE) $(PARALLEL) B=$(B)/sanitize CFLAGS="-O1 -g -fno-omit-frame-pointer \
		-fsanitize=address,undefined -fno-sanitize-recover=all" \
		LDFLAGS="-fsanitize=address,undefined" unit-sanitized

.PHONY: check-sanitize unit-sanitized
unit-sanitized: $(B)/tests/unit
	@LSAN_OPTIONS=suppressions=tests/unit/lsan.supp:print_suppressions=0 tests/check $(B) unit
	@! grep -A 20 'LeakSanitizer' $(B)/unit.log

vmtest: deps-vm ## tests and comparison with peers on other kernels; KERNEL=6.1 for one (root)
	@$(MAKE) $(PARALLEL) tests
	@vmtest/run $(if $(KERNEL),--kernel $(KERNEL)) $(if $(DEBUG),--debug)

APT_CROSS := mmdebstrap qemu-user-static gcc-s390x-linux-gnu gcc-aarch64-linux-gnu
check-cross: deps-build ## the unit tests for other architectures: ARCH=arm64 or s390x, else both (root)
	$(call apt_install,$(APT_CROSS))
	@for arch in $(or $(ARCH),arm64 s390x); do tests/cross/run $$arch || exit 1; done

.PHONY: check-cross cross-packages
cross-packages: # for tests/cross/run: what the unit tests are linked with, and C.UTF-8
	@echo libc-bin,libc6-dev,libbpf-dev,libelf-dev,libsystemd-dev,libmnl-dev,libyaml-dev,libjansson-dev,libseccomp-dev,zlib1g-dev,libsmartcols-dev,libarchive-dev,libncurses-dev,libmicrohttpd-dev,libxml2-dev

check-on: | $(B) ## make check in another Debian, SUITE=trixie, on this kernel (root)
	$(call apt_install,debootstrap)
	@tests/distribution $(SUITE)

.PHONY: check-on
bench: deps-bench ## benchmarks; QUICK=1: five minutes; ONLY=timely,growth: these; PROFILE=1: only the profile (root)
	@$(MAKE) all $(TOOLS)
	@$(MAKE) bench-built

.PHONY: bench-tools bench-built
bench-tools: all $(TOOLS) $(BENCH_TOOLS)

bench-built: bench-tools
	@QUICK=$(QUICK) tests/bench/run $(B) $(if $(ONLY),--only $(ONLY)) $(if $(filter-out 0,$(PROFILE)),--profile)

# ---- lint ----
C_FILES   := $(shell git ls-files '*.c' '*.h' 2>/dev/null)
SCRIPTS   := $(shell git grep -lIE '^.!.*(bash|sh)$$' -- docs tests vmtest .ci 2>/dev/null)
PY_FILES  := $(shell git ls-files '*.py' 2>/dev/null; \
	git grep -lIE '^.!.*python3?$$' -- tests vmtest 2>/dev/null | grep -v '\.py$$')
DOC_FILES := $(shell git ls-files '*.md' '*.scd' 2>/dev/null)
BLACK     := black --quiet --line-length 100

format: deps-lint ## apply clang-format and black to all files
	$(Q)clang-format -i $(C_FILES)
	$(Q)$(BLACK) $(PY_FILES)

lint: deps-lint ## format, include rules, prose, clang-tidy, cppcheck, shellcheck
	@$(MAKE) $(B)/compile_commands.json $(SKEL) $(CAPTURE_SKEL)
	$(call say,LINT,format)
	$(Q)clang-format --dry-run --Werror $(C_FILES)
	$(Q)$(BLACK) --check $(PY_FILES)
	$(call say,LINT,includes)
	$(Q)$(PYTHON) -m pytest -q -p no:cacheprovider tests/lint
	$(Q)tests/lint/includes.py
	$(call say,LINT,text)
	$(Q)tests/lint/text.py $(C_FILES) $(PY_FILES) $(SCRIPTS) $(DOC_FILES) Makefile
	$(call say,LINT,shellcheck)
	$(Q)shellcheck -x $(SCRIPTS)
	$(call say,LINT,cppcheck)
	$(Q)cppcheck --quiet -j 2 --error-exitcode=1 --inline-suppr --std=c11 \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		--suppress=unknownMacro --suppress=memleak --suppress=resourceLeak \
		-Iheaders -Iuser \
		$(LIB_SRC) $(DAEMON_SRC) $(CTL_SRC) $(EXPORTER_SRC) $(NET_SRC)
	$(call say,LINT,clang-tidy)
	$(Q)printf '%s\n' $(LIB_SRC) $(DAEMON_SRC) $(CTL_SRC) $(EXPORTER_SRC) $(NET_SRC) \
		$(HOOK_SRC) | \
		xargs -P 2 -n 8 clang-tidy --quiet --warnings-as-errors='*' -p $(B) 2>/dev/null

# ---- fuzzing: one target per kind of input, with its corpus and the inputs that once broke it ----
FUZZ_SECONDS ?= 60
FUZZ_SRC  := $(sort $(wildcard tests/fuzz/*_fuzz.c))
# the fakes of the unit tests, without Criterion
FUZZ_FAKES := tests/fuzz/support.c tests/unit/dataplane_fake.c tests/unit/view_fake.c
# clang does not count the cleanup of a variable as its use; gcc checks the same files
FUZZ_FLAGS := -O1 -g -Itests/cross -Wno-unused-variable -fsanitize=fuzzer-no-link,address,undefined
FUZZERS   := $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%)
FUZZ_OBJ  := $(call obj,$(FUZZ_FAKES) $(filter-out %/main.c,$(DAEMON_SRC) $(CTL_SRC) $(NET_SRC) \
	$(HOOK_SRC) $(EXPORTER_SRC)))
$(B)/fuzz/%: tests/fuzz/%.c $(FUZZ_OBJ) $(B)/libuplink.a
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(DEPFLAGS) -fsanitize=fuzzer,address,undefined $< \
		$(FUZZ_OBJ) $(B)/libuplink.a $(LIBS) $(CTL_LIBS) $(HOOK_LIBS) $(EXPORTER_LIBS) -o $@

fuzz: deps-fuzz ## libFuzzer with ASan on every input; FUZZ_SECONDS=60 each, FUZZ=config,netlink
	@$(MAKE) $(PARALLEL) B=$(B)/fuzzing CC=$(CLANG) HARDEN= CFLAGS="$(FUZZ_FLAGS)" fuzz-built

FUZZ_RUN  := $(if $(FUZZ),$(patsubst %,$(B)/fuzz/%_fuzz,$(subst $(comma), ,$(FUZZ))),$(FUZZERS))
fuzz-built: $(FUZZ_RUN) $(FUZZ_RUN:%=%.run)
%_fuzz.run: %_fuzz
	@mkdir -p $(B)/corpus/$(<F) && echo "== $(<F)" >$<.log && \
		$< -max_total_time=$(FUZZ_SECONDS) $(if $(FUZZ_SEED),-seed=$(FUZZ_SEED)) \
		-print_final_stats=1 -verbosity=0 \
		-artifact_prefix=$(B)/fuzz/ $(B)/corpus/$(<F) \
		$$(ls -d tests/fuzz/corpus/$(<F) tests/fuzz/regressions/$(<F) 2>/dev/null) \
		>>$<.log 2>&1; status=$$?; tail -n 100 $<.log; exit $$status

# ---- installing ----
MAN_SRC   := $(sort $(wildcard docs/*.scd))
MAN_PAGES := $(MAN_SRC:docs/%.scd=$(B)/man/%)
$(B)/man/%: docs/%.scd
	$(call say,MAN,$@)
	$(Q)command -v scdoc >/dev/null || { echo "missing: scdoc, for the manual pages; found none" >&2; \
		echo "remedy: sudo make deps-build (Debian, Ubuntu)" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && scdoc < $< > $@
	$(Q)! grep -q '^\.TS' $@ || sed -i "1i '\\\\\" t" $@ # for man: the page needs tbl

# The units name the programs where they are installed.
UNITS     := $(notdir $(foreach d,docs user/packaging,$(foreach k,service socket timer path, \
	$(wildcard $(d)/uplinkd*.$(k)))))
UNIT_SED   = sed 's|/usr/sbin/|$(PREFIX)/sbin/|; s|/usr/bin/|$(PREFIX)/bin/|' $< > $@
$(B)/units/%: docs/% FORCE
	$(Q)mkdir -p $(@D) && $(UNIT_SED)
$(B)/units/%: user/packaging/% FORCE
	$(Q)mkdir -p $(@D) && $(UNIT_SED)

# uplinkctl makes these from its tables.
$(B)/share/uplinkd.schema.json: $(B)/uplinkctl
	$(Q)mkdir -p $(@D) && $< schema > $@
$(B)/share/completion.%: $(B)/uplinkctl
	$(Q)mkdir -p $(@D) && $< completion $* > $@

# source:target[:mode], targets below DESTDIR
SHARE     := $(PREFIX)/share
INSTALLED := $(B)/uplinkd:$(PREFIX)/sbin/uplinkd:755 $(B)/uplinkctl:$(PREFIX)/bin/uplinkctl:755 \
	$(foreach u,$(UNITS),$(B)/units/$(u):$(PREFIX)/lib/systemd/system/$(u)) \
	$(B)/uplinkd-net:$(PREFIX)/lib/cni/uplinkd-net:755 \
	$(B)/uplinkd-exporter:$(PREFIX)/sbin/uplinkd-exporter:755 \
	docs/prometheus-alerts.yaml:$(SHARE)/uplinkd/prometheus-alerts.yaml \
	docs/grafana-dashboard.json:$(SHARE)/uplinkd/grafana-dashboard.json \
	docs/uplinkd.sysusers:$(PREFIX)/lib/sysusers.d/uplinkd.conf \
	$(B)/uplinkd-libvirt-hook:$(PREFIX)/libexec/uplinkd/libvirt-hook:755 \
	$(B)/share/completion.bash:$(SHARE)/bash-completion/completions/uplinkctl \
	$(B)/share/completion.zsh:$(SHARE)/zsh/vendor-completions/_uplinkctl \
	$(B)/share/completion.fish:$(SHARE)/fish/vendor_completions.d/uplinkctl.fish \
	$(B)/share/uplinkd.schema.json:$(SHARE)/uplinkd/uplinkd.schema.json \
	$(foreach f,README.md CHANGELOG.md LICENSE docs/uplinkd.yaml.example $(wildcard docs/*.md), \
		$(f):$(SHARE)/doc/uplinkd/$(notdir $(f))) \
	$(foreach f,$(filter-out %/install-plugin,$(wildcard docs/kubernetes/*)), \
		$(f):$(SHARE)/doc/uplinkd/kubernetes/$(notdir $(f))) \
	docs/kubernetes/install-plugin:$(SHARE)/doc/uplinkd/kubernetes/install-plugin:755 \
	$(foreach p,$(MAN_PAGES),$(p):$(SHARE)/man/man$(lastword $(subst ., ,$(p)))/$(notdir $(p)))
# podman finds netavark plugins there
NETAVARK_LINK := $(PREFIX)/lib/netavark/uplinkd-net
CONF_DIR  := $(SYSCONF)/uplinkd/conf.d

.PHONY: FORCE
FORCE:

.PHONY: install uninstall
install: all $(foreach i,$(INSTALLED),$(firstword $(subst :, ,$(i)))) ## install into DESTDIR and PREFIX
	$(Q)for i in $(INSTALLED); do rest=$${i#*:}; mode=644; \
		case $$rest in *:*) mode=$${rest#*:};; esac; \
		install -D -m $$mode $${i%%:*} $(DESTDIR)$${rest%%:*}; done
	$(Q)install -d -m 755 $(DESTDIR)$(CONF_DIR) $(DESTDIR)$(dir $(NETAVARK_LINK))
	$(Q)ln -sf ../cni/uplinkd-net $(DESTDIR)$(NETAVARK_LINK)
	$(Q)rm -f $(DESTDIR)$(PREFIX)/sbin/uplinkctl
	$(Q)if [ -z "$(DESTDIR)" ] && [ "$$(id -u)" = 0 ] && ! getent passwd uplinkd >/dev/null; then \
		useradd --system --user-group --no-create-home --home-dir / \
		--shell /usr/sbin/nologin uplinkd; fi
	@echo "installed; the configuration is $(SYSCONF)/uplinkd/uplinkd.yaml"

# The user and its group stay: files may belong to them.
uninstall: ## remove what install installed; the configuration and the running switches stay
	$(Q)rm -f $(foreach i,$(INSTALLED),$(DESTDIR)$(word 2,$(subst :, ,$(i)))) \
		$(DESTDIR)$(NETAVARK_LINK)
	$(Q)for dir in $(SHARE)/doc/uplinkd/kubernetes $(SHARE)/doc/uplinkd $(SHARE)/uplinkd \
		$(dir $(NETAVARK_LINK)); do \
		[ ! -d $(DESTDIR)$$dir ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$$dir; done
	$(Q)for dir in $(CONF_DIR) $(SYSCONF)/uplinkd; do \
		rmdir --ignore-fail-on-non-empty $(DESTDIR)$$dir; done

# ---- packages ----
# A tree with debian/ from user/packaging/, in which dpkg-buildpackage needs no network. Package
# lists and installed files are those of this file.
DEB_VERSION ?= $(VERSION)
DEB_TREE  := $(B)/deb/uplinkd-$(DEB_VERSION)
PACKAGED  := AUTHORS CHANGELOG.md LICENSE Makefile README.md bpf docs headers user
DEB_DATE   = $(shell git log -1 --format=%cD 2>/dev/null || date -R -r CHANGELOG.md)

# The project has no mail address.
DEB_MAINTAINER ?= The uplinkd authors <packages@uplinkd.invalid>

deb: deps-build ## the Debian package, in build/deb/; DEB_VERSION=0.1.0+1 names another version
	$(call apt_install,$(APT_DEB))
	@$(MAKE) deb-built

check-deb: deb ## the Debian packages, checked by lintian
	$(call apt_install,lintian)
	@lintian --display-info --fail-on error,warning,info $(B)/deb/*_$(DEB_VERSION)_*.changes

.PHONY: deb deb-built check-deb
deb-built: $(DEB_TREE).built
	@ls $(B)/deb/*_$(DEB_VERSION)_*.deb

$(DEB_TREE).built: $(B)/.deps-ok $$(shell find $(PACKAGED) -type f)
	$(call say,TREE,$(DEB_TREE))
	$(Q)rm -rf $(DEB_TREE) && mkdir -p $(DEB_TREE) && \
		tar -c --exclude=__pycache__ $(PACKAGED) | tar -x -C $(DEB_TREE)
	$(Q)cp -r user/packaging/debian $(DEB_TREE)/debian && cd $(DEB_TREE)/debian && \
		sed 's/@BUILD_DEPENDS@/$(subst $() ,$(comma) ,$(strip $(filter-out build-essential,$(APT_BUILD))))/' \
			control.in > control && \
		sed 's/@VERSION@/$(DEB_VERSION)/; s/@DATE@/$(DEB_DATE)/' changelog.in > changelog && \
		sed -i 's/@MAINTAINER@/$(DEB_MAINTAINER)/' control changelog && rm control.in changelog.in
	$(call say,DEB,$(B)/deb/build.log)
	$(Q)cd $(DEB_TREE) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL dpkg-buildpackage -b -us -uc \
		> ../build.log 2>&1 || { tail -n 30 ../build.log >&2; exit 1; }
	@touch $@

-include $(wildcard $(B)/deps/*.d)

compile_entry = {"directory": "$(CURDIR)", "file": "$(1)", "command": "$(subst ",\",$(2)) -c $(1)"}
COMPILED  := $(LIB_SRC) $(DAEMON_SRC) $(CTL_SRC) $(EXPORTER_SRC) $(NET_SRC) $(HOOK_SRC) \
	$(UNIT_SRC) $(BPFTEST_SRC)
$(B)/compile_commands.json: Makefile $(COMPILED) $(BPF_SRC) | $(B)
	$(file >$@,[$(subst } {,}$(comma) {, \
		$(foreach f,$(COMPILED),$(call compile_entry,$f,cc $(ALL_CFLAGS))) \
		$(foreach f,$(BPF_SRC),$(call compile_entry,$f,clang $(BPF_CFLAGS))))])
	@:

clean: ## remove build/
	rm -rf $(B)

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-14s  %s\n", $$1, $$2}' \
		$(firstword $(MAKEFILE_LIST))

.PHONY: all clean help
