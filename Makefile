# SPDX-License-Identifier: GPL-2.0-or-later
#
# make                the userland for this machine, the modules for the running kernel or KDIR=
# make demo, check    everything they need is set up first; check AREA=kernel or TEST=daemon-stop for some of it
# make check-all      what takes minutes: the guest tests on all kernels; check-debug: with KASAN and lockdep
# make soak           what takes hours: the tests of module and daemon in a loop, for SOAK=60 minutes
# make check-host     what needs no guest; style: the first part of it
# make mutants        small wrong changes, each of which a test must notice; MUTANT="name name" or AREA=daemon for some
# make bench          the figures, BENCH=NAME for one
# make lab-shell      a root shell in a guest; lab-migrate, from another terminal, moves it
# make install        userland and modules; uninstall: away with them; install-userland, install-modules: one half
# Variables: KDIR= headers of the kernel; ARCH= CROSS_COMPILE= SYSROOT= to cross; O= where things are
# built; DESTDIR= PREFIX= where they are installed (/usr); KERNEL= the guest's; BENCH= one figure; AREA= TEST=
# names, with spaces: nothing else is built or run; SAN=1 sanitizers; WERROR=1 a warning is an error.

$(foreach v,O DESTDIR PREFIX KDIR,$(if $(word 2,$($(v))),$(error $(v)= has a space in it, which make cannot handle)))
O ?= build
override O := $(abspath $(O))
PREFIX ?= /usr
KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.1
SOAK ?= 60
# The tests are told in the environment: as a make's variable kbuild would take it for its own.
LAB := O=$(O) selftests/lab/lab
CHECK := O=$(O) selftests/check $(if $(AREA),"AREA=$(AREA)") $(if $(TEST),"TEST=$(TEST)")
export CROSS_COMPILE SYSROOT PREFIX SAN WERROR
# Said again to each make of another directory: a relative path is relative to this one.
ROOT := $(patsubst %/,%,$(abspath $(DESTDIR)))
PATHS := O=$(O) DESTDIR=$(ROOT)
# Debian's headers have no System.map, and kbuild then leaves this out. Where the kernel's own modules are not
# (a package's directory), a list of ours alone would do harm.
DEPMOD = if [ -e $(ROOT)/lib/modules/$$r/modules.builtin ]; then \
	PATH=$$PATH:/usr/sbin:/sbin depmod -b "$(ROOT)/" $$r; fi

# kbuild takes O= for the directory that the kernel was built in, and an empty one for no directory at all.
KBUILD_ARGS = O=$(realpath $(KDIR)) $(if $(ARCH),ARCH=$(ARCH)) $(if $(CROSS_COMPILE),CROSS_COMPILE=$(CROSS_COMPILE)) \
	$(if $(SELFTESTS),SELFTESTS=$(SELFTESTS)) $(if $(W),W=$(W)) $(if $(C),C=$(C))

.PHONY: all userland modules install install-userland install-modules uninstall uninstall-userland \
	uninstall-modules selftests-guest setup packages demo check \
	check-all check-debug soak check-host style mutants bench lab-shell lab-migrate clean help

all: userland modules

help:
	@sed -n '/^# make/,/^$$/s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

userland:
	$(MAKE) -C drmgr $(PATHS)

modules:
	@test -e $(KDIR)/Makefile || { echo "no kernel headers at $(KDIR): apt-get install" \
		"linux-headers-$$(uname -r), or name others with KDIR=" >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(KBUILD_ARGS) modules

install: install-userland install-modules

install-userland: userland
	$(MAKE) -C drmgr $(PATHS) install

install-modules: modules
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(KBUILD_ARGS) INSTALL_MOD_PATH=$(ROOT) modules_install
	# not kernel.release: in a distribution's headers it is another name
	r=$$(sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h) && $(DEPMOD)

uninstall: uninstall-userland uninstall-modules

uninstall-userland:
	$(MAKE) -C drmgr $(PATHS) uninstall

uninstall-modules:
	for r in $$(ls $(ROOT)/lib/modules 2>/dev/null); do cd $(ROOT)/lib/modules/$$r && \
		[ -z "$$(find extra updates \( -name 'pmig.ko*' -o -name 'pmig_sim.ko*' \) -print -delete \
		2>/dev/null)" ] || $(DEPMOD) || exit 1; done

selftests-guest: userland
	$(MAKE) -C selftests $(PATHS) guest

setup:
	selftests/lab/setup.sh

# The host's half of the tests: no guest, no kernel module is loaded here.
check-host: setup
	$(CHECK) host

check: setup
	$(CHECK) host guest:$(KERNEL)

check-all: setup
	$(CHECK) host old-userland guest:6.1 guest:6.12 guest:6.12-64k guest:newest guest:x86-6.1 guest:x86-6.12

# The guest tests on a kernel with KASAN and lockdep, which is built first (12 minutes, once).
check-debug: setup
	$(CHECK) guest:debug

soak: setup
	O=$(O) selftests/soak $(SOAK) $(KERNEL)

style: setup
	O=$(O) selftests/check style

# These set up what they need and no more, beside each other; the checks need it all.
# First the packages: the lab itself is a program of Python's.
packages:
	selftests/lab/setup.sh packages

demo: packages
	$(LAB) run --kernel $(KERNEL) --only demo --verbose

mutants: setup
	selftests/lab/setup.sh x86-6.1 $(KERNEL)
	O=$(O) selftests/mutants/mutants $(if $(AREA),--area $(AREA)) $(if $(MUTANT),--mutant $(MUTANT))

bench: setup
	O=$(O) selftests/bench/bench --kernel $(KERNEL) $(BENCH)

lab-shell: packages
	$(LAB) shell --kernel $(KERNEL)

lab-migrate:
	$(LAB) migrate

clean:
	rm -rf $(O)
	[ ! -e $(KDIR)/Makefile ] || $(MAKE) -C $(KDIR) M=$(CURDIR) $(KBUILD_ARGS) clean
