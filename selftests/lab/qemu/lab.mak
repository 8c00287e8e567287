# SPDX-License-Identifier: GPL-2.0-only
#
# The devices of the lab's QEMU, and the pseries machine that they are for: no other board, to save compile time.
# A device that a test wants beside these goes here (names: hw/*/Kconfig in QEMU's source).

CONFIG_PSERIES=y

# virtio, which most guests use
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_BLK=y
CONFIG_VIRTIO_NET=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_VIRTIO_RNG=y

# what a partition has on PowerVM: ibmvscsi, and ibmveth, which comes with the machine
CONFIG_SPAPR_VSCSI=y
CONFIG_SPAPR_RNG=y

# hw/ppc/spapr.c does not link without these
CONFIG_USB_OHCI_PCI=y
CONFIG_NVDIMM=y
