#!/bin/sh
# The builds with sanitizers and for fuzzing that the parts of runtests named
# after the first argument need; no names: all of them. The first argument is
# the directory of the logs.
. tests/support/build.sh
# To the kernel a session is a group of its own, in which nice counts, and has
# an equal share beside others. This one is to have little, too.
[ ! -w /proc/self/autogroup ] || echo 19 >/proc/self/autogroup 2>/dev/null
logs=$1
shift
wanted=$*

if needs asan-unit asan-storage asan-session asan-stress; then
	build_tree build/asan --prefix="$PWD/build/asan/install" \
	    --enable-asan CFLAGS="-O1 -g"
	install_tree build/asan
	# What does not build is told when it is to be run.
	if needs asan-unit; then
		make -C build/asan -s -k -j"$(nproc)" check TESTS= \
		    >"$logs/asan-check" 2>&1
	fi
fi
if needs race tsan-session tsan-stress; then
	build_tree build/tsan --prefix="$PWD/build/tsan/install" \
	    --enable-tsan CFLAGS="-O1 -g"
	install_tree build/tsan
fi
if needs fuzz; then
	build_tree build/fuzz --prefix="$PWD/build/fuzz/install" \
	    --enable-fuzzers --disable-tests CC=clang CFLAGS="-O1 -g"
	sh tests/support/fuzz.sh build/fuzz --build
fi
