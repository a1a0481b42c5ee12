#!/bin/sh
# The tests of the web client: types, weight, what is pure, and the client in Chromium. runtests calls it with the build
# tree; the last line is "N passed, N failed, N skipped".
build=$(cd "$1" && pwd)
passed=0 failed=0 skipped=0

if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || ! command -v npm >/dev/null; then
	echo "skipped: Node 20 and npm are not there"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi

# check WHAT COMMAND...: the command is one test.
check() {
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		echo "FAILED: $what"
		failed=$((failed + 1))
	fi
}

# tap WORD: the number of tests that the last run of a suite tells so.
tap() {
	sed -n "s/^# $1 \([0-9]*\)\$/\1/p" "$build/webmail/suite.tap" | tail -n 1
}

# suite COMMAND...: the command is a run of node --test that speaks TAP.
suite() {
	"$@" >"$build/webmail/suite.tap" 2>&1
	cat "$build/webmail/suite.tap"
	ok=$(tap pass) bad=$(tap fail) not_run=$(tap skipped)
	passed=$((passed + ${ok:-0}))
	failed=$((failed + ${bad:-1}))
	skipped=$((skipped + ${not_run:-0}))
}

# The tests in Chromium. Pages wait for much at once, so what fails beside
# others, if that is in three files at most, is tried once more alone; it is
# said so.
browser_suite() {
	before=$failed
	suite node --test --test-reporter=tap --test-concurrency=2 tests/browser/*.test.mjs
	bad=$((failed - before))
	files=$(sed -n "s/^ *location: '\(.*\.test\.mjs\):[0-9]*:[0-9]*'\$/\1/p" "$build/webmail/suite.tap" | sort -u)
	if [ $bad = 0 ] || [ -z "$files" ] || [ "$(echo "$files" | wc -l)" -gt 3 ]; then
		return
	fi
	# shellcheck disable=SC2086
	node --test --test-reporter=tap --test-concurrency=1 $files >"$build/webmail/suite.tap" 2>&1
	again=$?
	cat "$build/webmail/suite.tap"
	if [ $again = 0 ]; then
		echo "FAILED ONCE, and passed alone: $bad in" $files
		failed=$before
		passed=$((passed + bad))
	fi
}

mkdir -p "$build/webmail"
sh webmail/build.sh webmail "$build/webmail/built" --tests
case $? in
0) passed=$((passed + 1)) ;;
3)
	echo "skipped: the packages of the client cannot be had"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
	;;
*)
	echo "FAILED: the build, or its weight"
	failed=$((failed + 1))
	;;
esac
check "types" sh -c "cd '$build/webmail/built' && node_modules/.bin/tsc --noEmit"
check "no package names a registry" sh -c "! grep -q resolved webmail/package-lock.json"
suite node "$build/webmail/built/test/run.mjs"
if command -v "${CHROMIUM:-/usr/bin/chromium}" >/dev/null; then
	WEBMAIL_BUILD=$build/webmail/built
	export WEBMAIL_BUILD
	browser_suite
else
	echo "skipped: chromium is not there"
	skipped=$((skipped + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
