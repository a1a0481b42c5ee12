# What quickstart and runtests share: messages, packages, the build.
# Sourced with the checkout as working directory.

. tests/support/packages.sh

say() {
	printf '%s\n' "== $*"
}

die() {
	printf '%s\n' "$0: $*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		die "needs root or sudo for: $*"
	fi
}

# libclang-rt-dev is called libclang-rt-N-dev in older releases.
package_name() {
	if [ "$1" = libclang-rt-dev ] && ! apt-cache show "$1" >/dev/null 2>&1; then
		version=$(apt-cache depends clang 2>/dev/null |
		    sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
		echo "libclang-rt-$version-dev"
	else
		echo "$1"
	fi
}

is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Debian makes and starts a cluster when PostgreSQL is installed, which nobody
# here needs: tests have their own. A file that is there is somebody's choice.
without_main_cluster() {
	conf=/etc/postgresql-common/createcluster.conf
	[ ! -e $conf ] || return 0
	as_root mkdir -p /etc/postgresql-common
	echo "create_main_cluster = false" | as_root tee $conf >/dev/null
}

# install_packages NAME...: installs those that are missing.
install_packages() {
	command -v apt-get >/dev/null 2>&1 ||
	    die "this is neither Debian nor Ubuntu: install by hand: $*"
	missing=
	for p in "$@"; do
		is_installed "$p" || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	say "updating the list of packages"
	as_root apt-get update -qq || die "apt-get update failed"
	real=
	for p in $missing; do
		name=$(package_name "$p")
		is_installed "$name" || real="$real $name"
	done
	[ -n "$real" ] || return 0
	say "installing:$real"
	case "$real " in
	*" postgresql "*) without_main_cluster ;;
	esac
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get install -y -qq \
	    --no-install-recommends $real >/dev/null ||
	    die "apt-get install failed"
	# What configure has missed may be there now.
	rm -f build/config.status build/*/config.status
}

# unpack_packages DIR NAME...: each with what it needs and is not installed, in
# a directory of its own, DIR/NAME. Nothing is installed. What is installed
# itself needs none.
unpack_packages() {
	to=$1
	shift
	for p in "$@"; do
		if is_installed "$p" || [ -d "$to/$p" ]; then
			continue
		fi
		needed=$(apt-get install -s -y --no-install-recommends "$p" \
		    2>/dev/null | sed -n 's/^Inst \([^ ]*\).*/\1/p')
		[ -n "$needed" ] || {
			say "there is no package $p: its tests are skipped"
			continue
		}
		say "unpacking:" $needed
		rm -rf "$to/.new"
		mkdir -p "$to/.new"
		(
			cd "$to/.new" || exit 1
			# shellcheck disable=SC2086
			apt-get download -qq $needed >/dev/null 2>&1 || exit 1
			for deb in *.deb; do
				dpkg -x "$deb" . || exit 1
			done
			rm -f -- *.deb
		) && mv "$to/.new" "$to/$p" ||
		    say "cannot get $p: its tests are skipped"
	done
}

# build_tree DIR [CONFIGURE OPTION...]: configures (when needed) and makes.
build_tree() {
	dir=$1
	source=$PWD
	shift
	if [ ! -x configure ] || [ configure.ac -nt configure ] ||
	    find . -path './build*' -prune -o -name 'local*.mk' -newer configure \
		-print -o -name Makefile.am -newer configure -print |
	    grep -q .; then
		say "making ./configure"
		./autogen.sh >autogen.log 2>&1 || {
			cat autogen.log
			die "autogen.sh failed"
		}
		rm -f autogen.log
	fi
	mkdir -p "$dir"
	(
		cd "$dir" || exit 1
		if [ ! -f config.status ] || [ "$source/configure" -nt config.status ]; then
			say "configuring in $dir"
			"$source/configure" "$@" >configure.out 2>&1 || {
				tail -n 40 configure.out
				exit 1
			}
		fi
		say "building in $dir"
		make -j"$(nproc)" -s all >make.out 2>&1 || {
			tail -n 60 make.out
			exit 1
		}
	) || die "the build in $dir failed"
}

install_tree() {
	make -C "$1" -s install >"$1/install.out" 2>&1 || {
		tail -n 40 "$1/install.out"
		die "make install failed in $1"
	}
}

# needs NAME...: is one of these parts of runtests to be run? $wanted names them.
needs() {
	[ -n "$wanted" ] || return 0
	for name in "$@"; do
		case " $wanted " in
		*" $name "*) return 0 ;;
		esac
	done
	return 1
}
