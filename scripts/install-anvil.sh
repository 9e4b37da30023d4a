#!/usr/bin/env bash
# Puts anvil, a development chain that can be reorganised at any depth, into a directory: install-anvil.sh DIR
# It comes as a binary in an npm package. Where npm is missing it is installed from Debian's packages.
set -euo pipefail

version=1.7.1
dir=$1

case $(uname -sm) in
"Linux x86_64") platform=linux-amd64 ;;
"Linux aarch64") platform=linux-arm64 ;;
"Darwin x86_64") platform=darwin-amd64 ;;
"Darwin arm64") platform=darwin-arm64 ;;
*)
	echo "there is no anvil for $(uname -sm): the tests that need it are skipped" >&2
	exit 0
	;;
esac

installed() { "$dir/anvil" --version 2>/dev/null | grep -q "Version: $version"; }

installed && exit 0

if ! command -v npm >/dev/null; then
	echo "no npm: installing it, which anvil is packaged with"
	as_root=()
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null; then
			echo "npm is missing, and there is no sudo to install it with. As root: apt-get install npm" >&2
			exit 1
		fi
		as_root=(sudo)
	fi
	if ! command -v apt-get >/dev/null; then
		echo "npm is missing, and there is no apt-get to install it with. Install Node.js with npm" >&2
		exit 1
	fi
	"${as_root[@]}" apt-get update -q
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends npm
fi

echo "installing anvil $version into $dir"
unpacked=$(mktemp -d)
trap 'rm -rf "$unpacked"' EXIT
(cd "$unpacked" && npm pack --silent "@foundry-rs/anvil-$platform@$version" >/dev/null && tar xzf ./*.tgz)
mkdir -p "$dir"
install -m 755 "$unpacked/package/bin/anvil" "$dir/anvil"
if ! installed; then
	echo "anvil was installed, and does not run: $("$dir/anvil" --version 2>&1 || true)" >&2
	exit 1
fi
