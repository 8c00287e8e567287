# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where the userland lands, and how it goes away again. PREFIX= moves the programs; unit, bus policy and bus
# activation are where systemd and the bus look, whatever the prefix. DESTDIR= is another root: a guest's, a package's.

PKG_CONFIG ?= pkg-config
# A cross build asks the sysroot, not this machine; the answers are paths inside it.
ifneq ($(SYSROOT),)
empty :=
PKG_CONFIG_DIRS := $(addsuffix /pkgconfig,$(addprefix $(SYSROOT)/usr/,lib/$(MULTIARCH) lib64 lib share))
ASK_SYSROOT := PKG_CONFIG_LIBDIR=$(subst $(empty) $(empty),:,$(PKG_CONFIG_DIRS))
endif
ASK := env -u PKG_CONFIG_SYSROOT_DIR $(ASK_SYSROOT) $(PKG_CONFIG)
# $(call distribution,PACKAGE,VARIABLE,FALLBACK)
distribution = $(or $(shell $(ASK) --variable=$(2) $(1) 2>/dev/null),$(3))

SBINDIR := $(PREFIX)/sbin
LIBDIR := $(PREFIX)/lib$(if $(MULTIARCH),/$(MULTIARCH),$(if $(filter %lib64,$(MULTIOS)),64))
INCLUDEDIR := $(PREFIX)/include
EXAMPLEDIR := $(PREFIX)/libexec/pmig/examples
SCRIPTDIR := $(PREFIX)/share/drmgr/scripts.d
# systemd looks into /usr/lib wherever else it looks; in a DESTDIR, /lib may not be the link to it that it is here.
UNITDIR = $(patsubst /lib/%,/usr/lib/%,$(call distribution,systemd,systemdsystemunitdir,/usr/lib/systemd/system))
TMPFILESDIR = $(call distribution,systemd,tmpfilesdir,/usr/lib/tmpfiles.d)
BUSDIR = $(call distribution,dbus-1,datadir,/usr/share)/dbus-1
# The admin's, and the directories that drmgr.conf names
CONFDIR := /etc/drmgr
HOOKDIR := /etc/drmgr.d/pmig
AIXSCRIPTDIR := /usr/lib/dr/scripts/all

D := $(patsubst %/,%,$(DESTDIR))
DIVERT := sh $(TOP)/drmgr/divert.sh
UDEV_RULES := $(TOP)/Documentation/examples/90-machine-changed.rules
READY_SCRIPTS := $(shell cd $(TOP)/scripts.d && find . -type f -printf '%P ')
INSTALLED = $(addprefix $(SBINDIR)/,drmgrd) $(addprefix $(LIBDIR)/,libdr.so libdr.so.1 libdr.a pkgconfig/libdr.pc) \
	$(INCLUDEDIR)/dr.h $(addprefix $(EXAMPLEDIR)/,$(notdir $(EXAMPLES) $(UDEV_RULES))) $(UNITDIR)/drmgrd.service \
	$(UNITDIR)/drmgrd.socket \
	$(TMPFILESDIR)/drmgr.conf $(BUSDIR)/system.d/org.drmgr.conf $(BUSDIR)/system-services/org.drmgr.service \
	$(addprefix $(SCRIPTDIR)/,$(READY_SCRIPTS))

# On the running system: what has read the old files reads the new ones. The bus looks by itself.
ON_SYSTEMD := [ ! -d /run/systemd/system ] ||
SETTLE := $(if $(D),,PATH=$$PATH:/usr/sbin:/sbin ldconfig && { $(ON_SYSTEMD) systemctl daemon-reload; })

.PHONY: install uninstall
install: all
	# not install -d, which sets the mode of a directory that is there
	umask 022 && mkdir -p $(addprefix $(D),$(sort $(dir $(INSTALLED))) $(CONFDIR) $(HOOKDIR) $(AIXSCRIPTDIR))
	install -m 755 $(O)/drmgrd $(D)$(SBINDIR)
	$(DIVERT) install "$(D)" $(SBINDIR)/drmgr $(O)/drmgr
	install -m 644 $(O)/libdr.so.1 $(O)/libdr.a $(D)$(LIBDIR)
	ln -sf libdr.so.1 $(D)$(LIBDIR)/libdr.so
	install -m 644 $(O)/libdr.pc $(D)$(LIBDIR)/pkgconfig
	install -m 644 $(TOP)/include/dr.h $(D)$(INCLUDEDIR)
	install -m 755 $(EXAMPLES) $(D)$(EXAMPLEDIR)
	install -m 644 $(UDEV_RULES) $(D)$(EXAMPLEDIR)
	install -m 644 $(O)/drmgrd.service $(TOP)/drmgr/data/drmgrd.socket $(D)$(UNITDIR)
	install -m 644 $(TOP)/drmgr/data/tmpfiles.conf $(D)$(TMPFILESDIR)/drmgr.conf
	install -m 644 $(TOP)/drmgr/data/org.drmgr.conf $(D)$(BUSDIR)/system.d
	install -m 644 $(TOP)/drmgr/data/org.drmgr.service $(D)$(BUSDIR)/system-services
	[ -e $(D)$(CONFDIR)/drmgr.conf ] || install -m 644 $(TOP)/drmgr/data/drmgr.conf $(D)$(CONFDIR)
	cd $(TOP)/scripts.d && for f in $(READY_SCRIPTS); do \
		if [ -x $$f ]; then m=755; else m=644; fi; install -m $$m $$f $(D)$(SCRIPTDIR)/$$f || exit 1; done
	$(SETTLE)
	$(if $(D),,$(ON_SYSTEMD) systemd-tmpfiles --create $(TMPFILESDIR)/drmgr.conf)
	# the old daemon may not know what the new drmgr asks of it
	$(if $(D),,$(ON_SYSTEMD) systemctl try-restart drmgrd.service)

# What an admin has changed or added stays: settings that differ from ours, and the directories of scripts. The
# bus may start the daemon again as long as its unit is known, for an application or the HMC, so it is stopped twice.
uninstall:
	@command -v $(CC) > /dev/null || { echo "make uninstall: $(CC) is not here to say in which directory" \
		"libraries are: name the one where libdr.so is with LIBDIR=" >&2; [ "$(origin LIBDIR)" != file ]; }
	$(if $(D),,$(ON_SYSTEMD) systemctl disable --now drmgrd.socket drmgrd.service || true)
	$(DIVERT) uninstall "$(D)" $(SBINDIR)/drmgr
	rm -f $(addprefix $(D),$(INSTALLED))
	! cmp -s $(TOP)/drmgr/data/drmgr.conf $(D)$(CONFDIR)/drmgr.conf || rm $(D)$(CONFDIR)/drmgr.conf
	for d in $(addprefix $(D),$(SCRIPTDIR)/hooks $(SCRIPTDIR) $(PREFIX)/share/drmgr $(EXAMPLEDIR) \
		$(PREFIX)/libexec/pmig $(CONFDIR)); do \
		[ ! -d $$d ] || rmdir --ignore-fail-on-non-empty $$d || exit 1; done
	$(SETTLE)
	$(if $(D),,$(ON_SYSTEMD) systemctl stop drmgrd.socket drmgrd.service 2> /dev/null || true)
