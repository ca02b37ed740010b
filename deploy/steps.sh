# SPDX-License-Identifier: GPL-3.0-or-later
# Functions of deploy/quickstart and tests/run: progress messages, packages, the build. Source this file in bash.

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }
die() { printf '\033[1m%s\033[0m\n' "$*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else
    die "this needs root once, to install Debian packages: run it as root, or install sudo"
  fi
}

# packages GROUP... : prints the packages of these groups of deploy/packages, where `# GROUP` or `# GROUP: reason` begins a group
packages() {
  local group found
  for group; do
    found=$(awk -v wanted="$group" '/^#/ { sub(/:$/, "", $2); on = $2 == wanted; next } on' "$SOURCE/deploy/packages" | xargs)
    [ -n "$found" ] || die "deploy/packages has no group '$group'"
    echo "$found"
  done
}

# ensure_packages GROUP... : installs the missing packages of these groups
ensure_packages() {
  local wanted missing=() package
  wanted=$(packages "$@") || exit 1
  for package in $wanted; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  as_root apt-get update -qq
  # Keep a freshly installed PostgreSQL or nginx from starting its service on this host: only the programs are needed.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    made=yes
  fi
  local status=0
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" || status=$?
  [ -z "$made" ] || as_root rm -f $policy
  [ $status = 0 ] || die "apt-get could not install them; see above"
}

# build PRESET FOLDER WITH-TESTS TARGET... : configures and builds, and shows the progress. WITH-TESTS is ON or KEEP. KEEP leaves an
# existing folder as it is configured, and configures a new folder without tests, because tests need more packages. With tests, several
# files of the tests, of smsctl and of the clients are compiled at once (unity), because headers take most of the time. smsd and its workers
# are compiled file by file, as they are shipped: in a unity, g++ decides otherwise what to inline. The Debug build has no unities, because
# they hide a missing include and a shadowed name. The other builds have everything in unities.
build() {
  local preset=$1 folder=$2 tests=$3 log=$2/cmake.log
  shift 3
  mkdir -p "$folder"
  local options=()
  [ "$tests" = ON ] && options=(-DSMSD_TESTS=ON -DSMSD_UNITY=all)
  [ "$tests $preset" = "ON release" ] && options+=(-DSMSD_UNITY=tests -DSMSD_WERROR=ON)
  [ "$tests $preset" = "ON asan" ] && options+=(-DSMSD_WERROR=ON)
  [ "$tests $preset" = "ON debug" ] && options+=(-DSMSD_UNITY=none -DSMSD_WERROR=ON)
  [ "$tests" = ON ] || [ -e "$folder/CMakeCache.txt" ] || options=(-DSMSD_TESTS=OFF)
  # The headers of an upgraded package may be older than a precompiled header that was made of their predecessors, so ninja takes that for new.
  local made
  for made in $(find "$folder" -name 'cmake_pch.hxx.[gp]ch'); do
    [ -z "$(find /var/lib/dpkg/info -name '*-dev*.list' -newer "$made" -print -quit)" ] || rm "$made"
  done
  (cd "$SOURCE" && cmake --preset "$preset" "${options[@]}") >"$log" 2>&1 || { cat "$log" >&2; die "cmake failed; see above"; }
  NINJA_STATUS="[%f/%t %es] " cmake --build "$folder" --target "$@" || die "the build failed; see the first error above"
}
