#!/bin/sh
# Each fuzz target of the libFuzzer build in $1: its corpus, then $2 seconds of
# new inputs.
build=$1
seconds=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0
for source in tests/fuzz/fuzz_*.c; do
	name=$(basename "$source" .c)
	corpus=tests/fuzz/corpus/${name#fuzz_}
	make -C "$build" -s "tests/fuzz/$name" >"$dir/make" 2>&1 ||
	    cat "$dir/make"
	mkdir -p "$dir/$name"
	[ -d "$corpus" ] || mkdir -p "$dir/none"
	[ -d "$corpus" ] || corpus=$dir/none
	if "$build/tests/fuzz/$name" -max_total_time="$seconds" -timeout=20 \
	    -rss_limit_mb=2048 -print_final_stats=1 \
	    -artifact_prefix="$dir/" "$dir/$name" "$corpus" \
	    >"$dir/out" 2>&1; then
		passed=$((passed + 1))
		echo "$name: $(grep -o 'Done [0-9]* runs' "$dir/out")"
	else
		failed=$((failed + 1))
		echo "FAILED: $name"
		tail -n 40 "$dir/out"
		for f in "$dir"/crash-* "$dir"/timeout-* "$dir"/oom-*; do
			[ -e "$f" ] && od -An -tx1 "$f" | head -n 40
		done
	fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
