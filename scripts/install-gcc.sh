#!/usr/bin/env bash
# Makes sure that a C compiler works: the race detector needs cgo, and cgo needs a compiler and the C library's headers.
# Installs them from Debian's packages where they are missing.
set -euo pipefail

works() {
	local cc
	cc=$(go env CC)
	printf '#include <stdlib.h>\n#include <pthread.h>\nint main(void) { return 0; }\n' |
		$cc -x c - -o /dev/null -lpthread 2>/dev/null
}

works && exit 0

echo "no working C compiler: installing gcc, which the race detector needs"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "gcc is missing, and there is no sudo to install it with. As root: apt-get install gcc libc6-dev" >&2
		exit 1
	fi
	as_root=(sudo)
fi
if ! command -v apt-get >/dev/null; then
	echo "gcc is missing, and there is no apt-get to install it with. Install gcc and the C library's headers" >&2
	exit 1
fi
"${as_root[@]}" apt-get update -q
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends gcc libc6-dev
if ! works; then
	echo "gcc was installed, and still can not compile: check CC, which is '$(go env CC)'" >&2
	exit 1
fi
