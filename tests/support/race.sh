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
	for name in store account; do
		seconds=
		[ "$name" = store ] && seconds=seconds=5
		# shellcheck disable=SC2016,SC2086
		if timeout 300 python3 tests/support/cluster.py sh -c '
		    conninfo=$(python3 tests/support/cluster.py \
			--database race) &&
		    exec "$@" init=open conninfo="$conninfo"' sh \
		    "$build/tests/race/race_$name" "$module" $seconds \
		    >"$dir/out" 2>&1; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "FAILED: race_$name over PostgreSQL"
			tail -n 80 "$dir/out"
		fi
	done
fi
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
