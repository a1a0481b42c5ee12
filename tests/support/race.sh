#!/bin/sh
# The race tests of the ThreadSanitizer build in $1: plain programs that end
# with 0 when all went well.
build=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
for source in tests/race/race_*.c; do
	name=$(basename "$source" .c)
	make -C "$build" -s "tests/race/$name" >"$dir/make" 2>&1 ||
	    cat "$dir/make"
	set -- "$build/tests/race/$name"
	[ "$name" = race_store ] &&
	    set -- "$@" "$build/install/lib/postern/maildir.so" path="$dir/mail"
	mkdir -p "$dir/mail"
	if timeout 300 "$@" >"$dir/out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: $*"
		tail -n 80 "$dir/out"
	fi
done
# The same over a database, when there is one.
module=$build/install/lib/postern/postgresql.so
if [ -e "$module" ] && python3 tests/support/cluster.py true; then
	# shellcheck disable=SC2016
	if timeout 300 python3 tests/support/cluster.py sh -c '
	    conninfo=$(python3 tests/support/cluster.py --database race) &&
	    exec "$0" "$1" seconds=5 init=open conninfo="$conninfo"' \
	    "$build/tests/race/race_store" "$module" >"$dir/out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED: race_store over PostgreSQL"
		tail -n 80 "$dir/out"
	fi
fi
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
