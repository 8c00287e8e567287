#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's powerpc-utils, which the figure quiesced-powerpc-utils is measured with. Prints
# "DIRECTORY:/opt/powerpc-utils", for LAB_EXTRA=.

# shellcheck source=selftests/lab/setup/all.sh
. "$(dirname "$0")/../lab/setup/all.sh"

dir=$(setup_utils) || exit 1
echo "$dir/root:/opt/powerpc-utils"
