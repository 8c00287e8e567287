# SPDX-License-Identifier: GPL-2.0-only
def shell(*a):
    pass


def migrate(*a):
    pass
