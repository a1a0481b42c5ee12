#!/bin/sh
# Each fuzz target of the libFuzzer build in $1: its corpus, then $2 seconds of
# new inputs. As many run at once as there are processors.
#
# The inputs are made from FUZZ_SEED, which is the same each time unless one
# gives another, so that a change is judged by what it does. To hunt:
#
#	FUZZ_SEED=$(date +%s) FUZZ_SECONDS=600 ./runtests fuzz
#
# With --build as $2 they are only built. With a name as $3: this one alone, its
# results go into the directory $4.
build=$1
seconds=$2

if [ -n "$3" ]; then
	name=$3
	dir=$4/$name
	corpus=tests/fuzz/corpus/${name#fuzz_}
	mkdir -p "$dir/found" "$dir/none"
	[ -d "$corpus" ] || corpus=$dir/none
	if "$build/tests/fuzz/$name" -max_total_time="$seconds" -timeout=20 \
	    -rss_limit_mb=2048 -print_final_stats=1 -seed="${FUZZ_SEED:-1}" \
	    -artifact_prefix="$dir/" "$dir/found" "$corpus" \
	    >"$dir/out" 2>&1; then
		: >"$dir/passed"
		echo "$name: $(grep -o 'Done [0-9]* runs' "$dir/out")"
		exit 0
	fi
	{
		echo "FAILED: $name"
		tail -n 40 "$dir/out"
		for f in "$dir"/crash-* "$dir"/timeout-* "$dir"/oom-*; do
			[ -e "$f" ] && od -An -tx1 "$f" | head -n 40
		done
	} >"$dir/failure"
	cat "$dir/failure"
	exit 0
fi

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
names=$(for source in tests/fuzz/fuzz_*.c; do basename "$source" .c; done)
# shellcheck disable=SC2046
make -C "$build" -s -k -j"$(nproc)" \
    $(echo "$names" | sed 's,^,tests/fuzz/,') >"$dir/make" 2>&1 ||
    cat "$dir/make"
[ "$seconds" != --build ] || exit 0
echo "$names" |
    xargs -P "$(nproc)" -I NAME sh "$0" "$build" "$seconds" NAME "$dir"
all=$(echo "$names" | wc -l)
passed=$(find "$dir" -name passed | wc -l)
echo "$passed passed, $((all - passed)) failed, 0 skipped"
[ "$passed" = "$all" ]
