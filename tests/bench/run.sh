#!/bin/sh
# What `make bench` does once everything is built: installs the peers, puts the
# server where it can run, and measures. BENCH_BUILD is the build tree,
# BENCH_DRIVER and BENCH_PROGRAM what measures: `make bench-queue` has others.
cd "$(dirname "$0")/../.." || exit 1
. tests/support/build.sh

# Debian starts servers when they are installed, unless policy-rc.d says no
# (101, "action not allowed"). An administrator's own file stays as it is.
policy=/usr/sbin/policy-rc.d
made_policy=no
install_peer() {
	for p in $bench_packages; do
		is_installed "$p" || missing_peer=yes
	done
	[ "${missing_peer:-no}" = yes ] || return 0
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
		as_root chmod 755 $policy
		made_policy=yes
		trap remove_policy EXIT INT TERM
	fi
	# shellcheck disable=SC2086
	install_packages $bench_packages
	remove_policy
	# Neither now nor after the next boot.
	if command -v systemctl >/dev/null 2>&1; then
		as_root systemctl disable dovecot.service dovecot.socket \
		    postfix.service >/dev/null 2>&1
	fi
}
remove_policy() {
	[ $made_policy = yes ] && as_root rm -f $policy
	made_policy=no
	trap - EXIT INT TERM
}

case " $BENCH_CFLAGS " in
*-fsanitize*) die "built with a sanitizer: its times mean nothing" ;;
*" -O"[123]*) ;;
*) die "built without optimisation: configure with CFLAGS=-O2" ;;
esac
case ${BENCH_PEER:-all} in
none | opensmtpd) ;;
*) install_peer ;;
esac
case ${BENCH_DRIVER:-},${BENCH_PEER:-opensmtpd} in
bench_queue.py,*opensmtpd*)
	# shellcheck disable=SC2086
	unpack_packages build/foreign $bench_foreign_packages
	;;
esac

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
make -C "$BENCH_BUILD" -s install DESTDIR="$stage" >"$stage/out" 2>&1 || {
	cat "$stage/out"
	die "make install failed"
}
trap : INT TERM
mkdir -p "$stage/run/lib"
ln -s "$stage$BENCH_SBIN" "$stage/run/sbin"
ln -s "$stage$BENCH_MODULES" "$stage/run/lib/postern"
python3 "tests/bench/${BENCH_DRIVER:-bench.py}" \
    "$BENCH_BUILD/tests/bench/${BENCH_PROGRAM:-bench_load}" "$stage/run"
