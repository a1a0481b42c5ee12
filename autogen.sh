#!/bin/sh
# Makes ./configure in a fresh checkout.
cd "$(dirname "$0")" || exit 1
mkdir -p build-aux m4
exec autoreconf --install --warnings=all,no-portability
