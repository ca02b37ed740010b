# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Begins a proof: reads its arguments and installs missing packages. Source it with the text for --help and the proof's arguments. Sets
# SOURCE, and `release` if the proof has that option and it was given. The text names each option that the proof has.
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=deploy/steps.sh
. "$SOURCE/deploy/steps.sh"

begin() {
  local usage=$1 option install=yes
  shift
  for option in "$@"; do
    [[ $usage == *"$option"* ]] || { echo "$usage" >&2; exit 64; }
    case $option in
      --no-install) install= ;;
      --release) release=yes ;;
      --help) echo "$usage"; exit 0 ;;
      *) echo "$usage" >&2; exit 64 ;;
    esac
  done
  [ -z "$install" ] || ensure_packages build postgresql tests proof
}
