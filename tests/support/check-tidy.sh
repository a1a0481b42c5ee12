#!/bin/sh
# clang-tidy over the tree, two files at a time. $1: a build whose flags count.
flags="-std=c17 -D_GNU_SOURCE -Iinclude -Isrc -DPOSTERN_SYSCONFDIR=\"/etc\"
-DPOSTERN_STATEDIR=\"/var/lib/postern\" -DPOSTERN_RUNDIR=\"/run/postern\"
-DPOSTERN_MODULEDIR=\"/usr/lib/postern\" -DPACKAGE_VERSION=\"0\""
# shellcheck disable=SC2086
find src modules -name '*.c' -print |
    xargs -P 2 -n 6 sh -c 'flags=$1; shift; clang-tidy --quiet "$@" -- $flags 2>/dev/null' sh "$flags"
