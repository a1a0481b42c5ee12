#!/bin/sh
# The conformance suite over each module of the build in $1, and the crash test
# of the modules. The example module is built against the installed headers.
build=$1
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

make -C "$build" -s tests/storage/conformance tests/storage/maildir_disk \
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
run "$build/tests/crash/crash_store" \
    "$build/install/lib/postern/maildir.so" 20 path="$dir/crash"
run "$build/tests/crash/crash_store" \
    "$build/install/lib/postern/mbox.so" 20 path="$dir/mbox-crash"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
