#!/bin/sh
# Builds the web client into OUT (build.sh SOURCE OUT [--tests]): called by make and by runtests.
#
# SOURCE is webmail/ in the source tree and stays as it is: everything is copied to OUT, packages are installed there
# (or taken from SOURCE/node_modules if somebody works there), and OUT/dist is what is served. --tests installs what the
# tests need as well. Without a network, and without packages, it ends with status 3.
set -e
source=$(cd "$1" && pwd)
mkdir -p "$2"
out=$(cd "$2" && pwd)
packages="npm ci --ignore-scripts --no-audit --no-fund --prefer-offline --loglevel=error"
[ "$3" = --tests ] || packages="$packages --omit=dev"

# complete DIR: are the packages that are asked for there, in the versions of the lock?
complete() {
	[ -d "$1/node_modules/esbuild" ] || return 1
	[ "$packages" != "${packages% --omit=dev}" ] || [ -d "$1/node_modules/typescript" ] || return 1
	[ "$1" = "$source" ] || cmp -s "$source/package-lock.json" "$1/node_modules/.postern-lock"
}

rm -rf "$out/src" "$out/test"
cp -R "$source/src" "$source/test" "$out/"
cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$source/tsconfig.json" "$source/build.mjs" "$out/"
if ! complete "$out"; then
	if complete "$source"; then
		rm -rf "$out/node_modules"
		ln -s "$source/node_modules" "$out/node_modules"
	else
		rm -rf "$out/node_modules"
		(cd "$out" && $packages) || exit 3
		cp "$source/package-lock.json" "$out/node_modules/.postern-lock"
	fi
fi
cd "$out"
exec node build.mjs
