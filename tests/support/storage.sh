#!/bin/sh
# The conformance suite over each module of the build in $1, and the crash test
# of the modules. The example module is built against the installed headers.
build=$1
# All databases are in one throw-away cluster.
if [ -z "$POSTERN_CLUSTER" ] && [ -e "$build/install/lib/postern/postgresql.so" ] &&
    python3 -c 'import sys; sys.path.append("tests/support")
import cluster; sys.exit(not cluster.programs())'; then
	exec python3 tests/support/cluster.py sh "$0" "$@"
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0

run() {
	"$@" >"$dir/out" 2>&1
	status=$?
	tail -n 1 "$dir/out" | sed -n \
	    's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' \
	    >"$dir/sum"
	if ! read -r p f s <"$dir/sum"; then
		p=0 f=1 s=0
	fi
	[ $status = 0 ] || [ "$f" != 0 ] || f=1
	echo "$*: $p passed, $f failed, $s skipped"
	[ "$f" = 0 ] || tail -n 60 "$dir/out"
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# run_pg DATABASE HOST PROGRAM...: with the database's module and an empty one.
run_pg() {
	database=$1 host=$2
	shift 2
	python3 tests/support/cluster.py --database "$database" >"$dir/conninfo"
	conninfo="host=$host $(sed 's/^host=[^ ]* //' "$dir/conninfo")"
	program=$1
	shift
	run "$program" "$build/install/lib/postern/postgresql.so" "$@" \
	    conninfo="$conninfo" init=open
}

make -C "$build" -s tests/storage/conformance tests/storage/maildir_disk \
    tests/storage/mbox_disk \
    tests/storage/postgresql_cuts tests/storage/postgresql_nodes \
    tests/storage/postgresql_rows \
    tests/crash/crash_store >"$dir/make" 2>&1 || cat "$dir/make"
cflags=
case $build in
*asan) cflags="-fsanitize=address,undefined" ;;
esac
PKG_CONFIG_PATH=$build/install/lib/pkgconfig
export PKG_CONFIG_PATH
# shellcheck disable=SC2046
cc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fPIC -shared -pthread \
    $cflags $(pkg-config --cflags postern) -o "$dir/memory.so" \
    tests/storage/memory.c || exit 1

mkdir "$dir/mail" "$dir/mbox" "$dir/crash" "$dir/mbox-crash" "$dir/disk"
run "$build/tests/storage/conformance" \
    "$build/install/lib/postern/maildir.so" path="$dir/mail"
run "$build/tests/storage/conformance" \
    "$build/install/lib/postern/mbox.so" path="$dir/mbox"
run "$build/tests/storage/conformance" "$dir/memory.so"
run "$build/tests/storage/maildir_disk" \
    "$build/install/lib/postern/maildir.so" path="$dir/disk"
run "$build/tests/storage/mbox_disk" "$build/install/lib/postern/mbox.so" \
    path="$dir/mbox-disk" fsync=false lock_wait=1
run "$build/tests/crash/crash_store" \
    "$build/install/lib/postern/maildir.so" 20 path="$dir/crash"
run "$build/tests/crash/crash_store" \
    "$build/install/lib/postern/mbox.so" 20 path="$dir/mbox-crash"
if [ -n "$POSTERN_CLUSTER" ]; then
	mkdir "$dir/proxy"
	run_pg conformance "$POSTERN_CLUSTER" "$build/tests/storage/conformance"
	run_pg nodes "$POSTERN_CLUSTER" \
	    "$build/tests/storage/postgresql_nodes" sweep_after=0
	run_pg cuts "$dir/proxy" "$build/tests/storage/postgresql_cuts" \
	    socket="$POSTERN_CLUSTER/.s.PGSQL.5432" dir="$dir/proxy"
	# Texts without the index for them.
	run_pg texts "$POSTERN_CLUSTER" "$build/tests/storage/conformance" \
	    only=text
	psql -X -q -d "host=$POSTERN_CLUSTER user=admin dbname=texts" \
	    -c 'DROP INDEX postern.message_text_words'
	run "$build/tests/storage/conformance" \
	    "$build/install/lib/postern/postgresql.so" only=text \
	    conninfo="host=$POSTERN_CLUSTER user=postern dbname=texts"
	# Rows of others, as the owner of the tables and as another role.
	psql -X -q -d "host=$POSTERN_CLUSTER user=admin dbname=postgres" \
	    -c 'CREATE ROLE served LOGIN'
	run_pg rows "$POSTERN_CLUSTER" "$build/tests/storage/postgresql_rows"
	python3 tests/support/cluster.py --database rows2 >"$dir/conninfo"
	run "$build/tests/storage/postgresql_rows" \
	    "$build/install/lib/postern/postgresql.so" init=open \
	    conninfo="host=$POSTERN_CLUSTER user=served dbname=rows2" \
	    init_conninfo="$(cat "$dir/conninfo")"
	run_pg crash "$POSTERN_CLUSTER" "$build/tests/crash/crash_store" 8 \
	    life=400
else
	echo "no PostgreSQL: its module is left out"
	skipped=$((skipped + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
