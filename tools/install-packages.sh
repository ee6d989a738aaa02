#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, when one is missing.
#
# It asks dpkg first, which takes milliseconds, and touches nothing when all are there. As another
# user than root it needs sudo. With --peers it also gets the libraries that benchmarks compare with
# (docs/benchmarks.md).
set -euo pipefail

packages=(
    gcc g++ cmake ninja-build pkg-config binutils
    libtcc-dev tcc                            # outer loops to native code; the second compiler of tests
    libzydis-dev                              # encoding of machine code
    libsqlite3-dev libcjson-dev               # records
    libpapi-dev libdlpack-dev libxgboost-dev
    zlib1g-dev                                # tables for replay
    libcmocka-dev sqlite3 clang-format        # tests (sqlite3 damages databases), formatting
    locales                                   # sources of a locale that tests make for themselves
)
case "${1-}" in
"") ;;
--peers) packages+=(libdnnl-dev libopenblas-dev libxsmm-dev libxnnpack-dev libpthreadpool-dev) ;;
*)
    echo "install-packages: '$1' is no option; it may be --peers" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "install-packages: not a Debian system; needed are the equivalents of: ${packages[*]}" >&2
    exit 0
fi

missing=()
for package in "${packages[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-packages: missing: ${missing[*]}; install them as root (there is no sudo)" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "installing: ${missing[*]}" >&2
install=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install)
# The lists may be absent or stale: refresh them only when the first try fails.
"${as_root[@]}" "${install[@]}" "${missing[@]}" >/dev/null 2>&1 || {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update >/dev/null
    "${as_root[@]}" "${install[@]}" "${missing[@]}" >/dev/null
}
