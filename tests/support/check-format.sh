#!/bin/sh
# Every C file is as clang-format would write it.
find include src modules tests -name '*.[ch]' -print |
    xargs clang-format --dry-run --Werror
