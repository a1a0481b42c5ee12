#!/bin/sh
# Runs one Criterion test program for `make check`. A leak or a finding of a
# sanitizer fails the test: Criterion itself lets leaks pass.
log=$(mktemp -d) || exit 1
trap 'rm -rf "$log"' EXIT
ASAN_OPTIONS="log_path=$log/asan:detect_leaks=1:$ASAN_OPTIONS"
UBSAN_OPTIONS="print_stacktrace=1:log_path=$log/ubsan:$UBSAN_OPTIONS"
POSTERN_TEST_MODULE=$top_builddir/.libs/maildir.so
export ASAN_OPTIONS UBSAN_OPTIONS POSTERN_TEST_MODULE
timeout -k 5 240 "$@" --jobs="${UNIT_JOBS:-2}"
status=$?
for f in "$log"/*; do
	[ -e "$f" ] || continue
	cat "$f"
	status=1
done
exit $status
