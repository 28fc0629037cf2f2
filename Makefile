# SPDX-License-Identifier: GPL-2.0
# uplinkd: everything that is generated goes under build/. 'make help' lists the targets; V=1 shows commands.

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

PKGS      := libbpf libelf libsystemd libmnl yaml-0.1 jansson
# tool or pkg-config module, and the oldest version that was seen working
NEED_TOOLS := $(CLANG):14.0 $(BPFTOOL):7.1
NEED_PKGS  := libbpf:1.1 libelf:0.188 libsystemd:252 libmnl:1.0 yaml-0.1:0.2 jansson:2.14

APT_BUILD := build-essential clang llvm libbpf-dev bpftool libelf-dev libsystemd-dev libmnl-dev libyaml-dev \
	libjansson-dev pkg-config scdoc
APT_DEMO  := iproute2 iputils-ping util-linux procps
APT_CHECK := $(APT_DEMO) libcriterion-dev python3 python3-pytest openvswitch-switch iperf3 tshark ethtool jq
APT_LINT  := clang-format clang-tidy cppcheck shellcheck
APT_VM    := qemu-system-x86 udev kmod file xz-utils libteam-utils
APT_BENCH := gnuplot-nox linux-perf
# the two newest of this distribution
APT_CLANGS = $(shell apt-cache search --names-only '^clang-[0-9]+$$' 2>/dev/null | sed 's/ .*//' | sort -V | tail -n 2)

WARN      := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wno-unused-parameter
HARDEN    := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS    ?= -O2 -g
ALL_CFLAGS := -std=gnu11 $(WARN) $(HARDEN) -D_GNU_SOURCE -DUL_VERSION='"$(VERSION)"' -I. -Iheaders -Iuser -I$(B) \
	$(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CFLAGS)
ALL_LDFLAGS := -pie -Wl,-z,relro,-z,now $(LDFLAGS)
LIBS      := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

BPF_TRIPLET := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_ARCH  := $(subst x86_64,x86,$(subst aarch64,arm64,$(firstword $(subst -, ,$(shell uname -m)))))
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-declarations \
	-D__TARGET_ARCH_$(BPF_ARCH) -I. -Iheaders -Ibpf $(if $(BPF_TRIPLET),-I/usr/include/$(BPF_TRIPLET))

# ---- sources: a new file in one of these folders is picked up by itself ----------------------------------------------
LIB_SRC   := $(sort $(wildcard $(addsuffix /*.c,$(addprefix user/,common config dataplane link lacp team control))))
DAEMON_SRC := $(sort $(wildcard user/daemon/*.c))
CTL_SRC   := $(sort $(wildcard user/ctl/*.c))
UNIT_SRC  := $(sort $(wildcard tests/unit/*.c))
BPFTEST_SRC := $(sort $(wildcard tests/bpf/*.c))
TOOL_SRC  := $(sort $(wildcard tests/netns/tools/*.c))
DEMO_SRC  := $(sort $(wildcard tests/demo/*.c))
BENCH_SRC := $(sort $(filter-out %.bpf.c,$(wildcard tests/bench/*.c)))
BENCH_BPF_SRC := $(sort $(wildcard tests/bench/*.bpf.c))
BPF_SRC   := $(sort $(wildcard bpf/*.bpf.c))
HDRS      := $(sort $(wildcard headers/*.h bpf/*.h user/*/*.h tests/*/*.h))

obj        = $(patsubst %.c,$(B)/obj/%.o,$(1))
SKEL      := $(B)/uplinkd.skel.h

all: $(B)/uplinkd $(B)/uplinkctl $(B)/compile_commands.json ## build uplinkd and uplinkctl

# ---- dependency check: names the tool, the version needed and the version found --------------------------------------
$(B)/.deps-ok: Makefile
	$(Q)mkdir -p $(B); bad=0; \
	older() { [ "$$(printf '%s\n%s\n' "$$1" "$$2" | sort -V | head -n 1)" != "$$1" ]; }; \
	for t in $(NEED_TOOLS); do name=$${t%%:*}; want=$${t##*:}; \
		have=$$($$name --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1); \
		if [ -z "$$have" ] || older "$$want" "$$have"; then \
			echo "missing: $$name, need $$want or newer, found $${have:-none}" >&2; bad=1; fi; done; \
	for t in $(NEED_PKGS); do name=$${t%%:*}; want=$${t##*:}; \
		have=$$(pkg-config --modversion $$name 2>/dev/null); \
		if [ -z "$$have" ] || older "$$want" "$$have"; then \
			echo "missing: library $$name, need $$want or newer, found $${have:-none}" >&2; bad=1; fi; done; \
	if [ $$bad = 1 ]; then echo "remedy: sudo make deps (Debian, Ubuntu)" >&2; exit 1; fi; touch $@

# Installs without questions and without starting the services that some packages bring (Open vSwitch).
define apt_install
	@missing=$$(for p in $(1); do dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	[ -z "$$missing" ] && exit 0; \
	if [ "$$(id -u)" != 0 ]; then echo "missing packages:" $$missing "- run: sudo make deps" >&2; exit 1; fi; \
	echo "installing:" $$missing; guard=/usr/sbin/policy-rc.d; \
	if [ ! -e $$guard ]; then printf '#!/bin/sh\nexit 101\n' > $$guard; chmod 755 $$guard; trap "rm -f $$guard" EXIT INT TERM; fi; \
	export DEBIAN_FRONTEND=noninteractive; apt="apt-get -o Acquire::Retries=3"; \
	$$apt install -y -q --no-install-recommends $$missing >$(B)/apt.log 2>&1 || \
	{ $$apt update -q >>$(B)/apt.log 2>&1; $$apt install -y -q --no-install-recommends $$missing >>$(B)/apt.log 2>&1; } || \
	{ tail -n 20 $(B)/apt.log >&2; exit 1; }
endef

$(B):
	@mkdir -p $@

.PHONY: deps deps-build deps-demo deps-check deps-vm deps-lint deps-bench
deps: deps-build deps-check ## install what building and testing need (Debian, Ubuntu)
deps-build: | $(B)
	$(call apt_install,$(APT_BUILD))
deps-demo: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_DEMO))
deps-check: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_CHECK) $(APT_CLANGS))
deps-vm: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_CHECK) $(APT_CLANGS) $(APT_VM))
deps-lint: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_LINT))
deps-bench: | $(B)
	$(call apt_install,$(APT_BUILD) $(APT_CHECK) $(APT_BENCH))

# ---- kernel side: each .bpf.c apart, linked by bpftool, one skeleton -------------------------------------------------
$(B)/bpf/%.bpf.o: bpf/%.bpf.c $(HDRS) $(B)/.deps-ok
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/uplinkd.bpf.o: $(BPF_SRC:bpf/%.bpf.c=$(B)/bpf/%.bpf.o)
	$(call say,LINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKEL): $(B)/uplinkd.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name uplinkd_bpf > $@

# ---- user side -------------------------------------------------------------------------------------------------------
# only these include the skeleton
$(call obj,$(filter user/dataplane/% tests/bpf/%,$(LIB_SRC) $(BPFTEST_SRC))): $(SKEL)

$(B)/obj/%.o: %.c $(HDRS) $(B)/.deps-ok
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -c $< -o $@

$(B)/libuplink.a: $(call obj,$(LIB_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/uplinkd: $(call obj,$(DAEMON_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

$(B)/uplinkctl: $(call obj,$(CTL_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

# all of uplinkctl but its main()
$(B)/tests/unit: $(call obj,$(UNIT_SRC)) $(call obj,$(filter-out user/ctl/main.c,$(CTL_SRC))) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) $^ $(LIBS) -lcriterion -lm -o $@

$(B)/tests/bpf: $(call obj,$(BPFTEST_SRC)) $(B)/libuplink.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_LDFLAGS) $^ $(LIBS) -lcriterion -lm -o $@

$(B)/tests/tools/%: tests/netns/tools/%.c $(HDRS)
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $< $(LIBS) -o $@

$(B)/demo/%: tests/demo/%.c $(HDRS) $(B)/.deps-ok
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $< $(LIBS) -o $@

$(B)/bench/bin/%: tests/bench/%.c $(B)/libuplink.a $(HDRS)
	$(call say,TOOL,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $< $(B)/libuplink.a $(LIBS) -lm -o $@

$(B)/bench/bpf/%.bpf.o: tests/bench/%.bpf.c $(HDRS) $(B)/.deps-ok
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -c $< -o $@

BENCH_TOOLS := $(BENCH_SRC:tests/bench/%.c=$(B)/bench/bin/%) $(BENCH_BPF_SRC:tests/bench/%.bpf.c=$(B)/bench/bpf/%.bpf.o)
TOOLS := $(TOOL_SRC:tests/netns/tools/%.c=$(B)/tests/tools/%)
DEMO_TOOLS := $(DEMO_SRC:tests/demo/%.c=$(B)/demo/%)

.PHONY: tests
tests: all $(B)/tests/unit $(B)/tests/bpf $(TOOLS) $(patsubst /usr/bin/%,$(B)/compilers/%/uplinkd.bpf.o,$(wildcard /usr/bin/clang-[1-9][0-9]))

# The same programs by each other clang that is installed: what a verifier takes of one compiler it need not take of another (tests/netns/test_compilers.py).
$(B)/compilers/%/uplinkd.bpf.o: $(BPF_SRC) $(HDRS)
	$(Q)$(MAKE) B=$(B)/compilers/$* CLANG=$* $@

# ---- running ---------------------------------------------------------------------------------------------------------
# Each of these installs what is missing first and then starts make anew, because pkg-config may have been missing till now.
.PHONY: demo check check-built unit vmtest bench fuzz lint
demo: deps-demo ## two hypervisors in namespaces: steering, isolation, a cut cable (root, under a minute)
	@$(MAKE) demo-built

.PHONY: demo-built
demo-built: all $(DEMO_TOOLS)
	@tests/demo/demo $(B)

check: deps-check ## every test that needs no virtual machine (root)
	@$(MAKE) check-built

check-built: tests
	@tests/check $(B)

unit: $(B)/tests/unit ## the unit tests alone (any user)
	@tests/check $(B) unit

check-sanitize: ## the unit tests under ASan and UBSan, leaks included (any user)
	@$(MAKE) B=$(B)/sanitize CFLAGS="-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all" \
		LDFLAGS="-fsanitize=address,undefined" unit-sanitized

.PHONY: check-sanitize unit-sanitized
unit-sanitized: $(B)/tests/unit
	@LSAN_OPTIONS=suppressions=tests/unit/lsan.supp:print_suppressions=0 tests/check $(B) unit
	@! grep -A 20 'LeakSanitizer' $(B)/unit.log

vmtest: deps-vm ## the tests and the peers on other kernels; KERNEL=6.1 for one (root)
	@$(MAKE) tests
	@vmtest/run $(if $(KERNEL),--kernel $(KERNEL)) $(if $(DEBUG),--debug)

check-on: | $(B) ## `make check` in another Debian, SUITE=trixie, on this kernel (root)
	$(call apt_install,debootstrap)
	@tests/distribution $(SUITE)

.PHONY: check-on
bench: deps-bench ## how fast, next to whom, how it grows; QUICK=1: the marks in under five minutes; PROFILE=1: only perf's profile (root)
	@$(MAKE) all $(TOOLS)
	@$(MAKE) bench-built

.PHONY: bench-tools bench-built
bench-tools: all $(TOOLS) $(BENCH_TOOLS)

bench-built: bench-tools
	@QUICK=$(QUICK) tests/bench/run $(B) $(if $(filter-out 0,$(PROFILE)),--profile)

lint: deps-lint ## clang-tidy, cppcheck and shellcheck; warnings are errors
	@$(MAKE) $(B)/compile_commands.json $(SKEL)
	$(Q)cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 --enable=warning,performance,portability \
		--suppress=missingIncludeSystem --suppress=unknownMacro --suppress=memleak --suppress=resourceLeak -Iheaders -Iuser $(LIB_SRC) $(DAEMON_SRC) $(CTL_SRC)
	$(Q)clang-tidy --quiet --warnings-as-errors='*' -p $(B) $(LIB_SRC) $(DAEMON_SRC) $(CTL_SRC) 2>/dev/null
	$(Q)shellcheck -x tests/check tests/distribution .ci/run $(shell grep -lIE '^.!.*(bash|sh)$$' tests/demo/demo vmtest/* vmtest/guest/* 2>/dev/null)

# ---- fuzzing: one target per parser, with its corpus and the inputs that once broke it ------------------------------------
FUZZ_SECONDS ?= 60
FUZZ_SRC  := $(sort $(wildcard tests/fuzz/*_fuzz.c))
$(B)/fuzz/%: tests/fuzz/%.c $(LIB_SRC) $(HDRS) $(SKEL)
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D) && $(CLANG) -std=gnu11 -g -O1 -D_GNU_SOURCE -DUL_VERSION='"$(VERSION)"' -I. -Iheaders -Iuser -I$(B) \
		-fsanitize=fuzzer,address,undefined $< $(LIB_SRC) $(LIBS) -o $@

fuzz: $(FUZZ_SRC:tests/fuzz/%.c=$(B)/fuzz/%) ## libFuzzer with ASan on each parser; FUZZ_SECONDS=60 each
	@for f in $^; do name=$$(basename $$f); mkdir -p $(B)/fuzz/corpus/$$name; \
		echo "== $$name"; $$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 \
		-artifact_prefix=$(B)/fuzz/ $(B)/fuzz/corpus/$$name $$(ls -d tests/fuzz/corpus/$$name tests/fuzz/regressions/$$name 2>/dev/null) || exit 1; done

# ---- installing ------------------------------------------------------------------------------------------------------
MAN_SRC := $(sort $(wildcard docs/*.scd))
$(B)/man/%: docs/%.scd
	$(call say,MAN,$@)
	$(Q)command -v scdoc >/dev/null || { echo "missing: scdoc, for the manual pages; found none" >&2; \
		echo "remedy: sudo make deps-build (Debian, Ubuntu)" >&2; exit 1; }
	$(Q)mkdir -p $(@D) && scdoc < $< > $@

# The unit names the programs where they are installed.
$(B)/uplinkd.service: docs/uplinkd.service FORCE | $(B)
	$(Q)sed 's|/usr/sbin/|$(PREFIX)/sbin/|' $< > $@

.PHONY: FORCE
FORCE:

.PHONY: install
install: all $(B)/uplinkd.service $(MAN_SRC:docs/%.scd=$(B)/man/%) ## install into DESTDIR and PREFIX
	install -D -m 755 $(B)/uplinkd $(DESTDIR)$(PREFIX)/sbin/uplinkd
	install -D -m 755 $(B)/uplinkctl $(DESTDIR)$(PREFIX)/sbin/uplinkctl
	install -D -m 644 $(B)/uplinkd.service $(DESTDIR)$(PREFIX)/lib/systemd/system/uplinkd.service
	install -D -m 644 docs/uplinkd.yaml.example $(DESTDIR)$(PREFIX)/share/doc/uplinkd/uplinkd.yaml.example
	for page in $(MAN_SRC:docs/%.scd=$(B)/man/%); do \
		install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$$(basename $$page); done

comma := ,
compile_entry = {"directory": "$(CURDIR)", "file": "$(1)", "command": "$(subst ",\",$(2)) -c $(1)"}
$(B)/compile_commands.json: Makefile $(LIB_SRC) $(DAEMON_SRC) $(CTL_SRC) $(UNIT_SRC) $(BPFTEST_SRC) $(BPF_SRC) | $(B)
	$(file >$@,[$(subst } {,}$(comma) {,$(foreach f,$(LIB_SRC) $(DAEMON_SRC) $(CTL_SRC) $(UNIT_SRC) $(BPFTEST_SRC),$(call \
		compile_entry,$f,cc $(ALL_CFLAGS))) $(foreach f,$(BPF_SRC),$(call compile_entry,$f,clang $(BPF_CFLAGS))))])
	@:

clean: ## remove build/
	rm -rf $(B)

help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: all clean help
