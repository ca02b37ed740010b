# SPDX-License-Identifier: GPL-3.0-or-later
# Completion of smsctl in bash. smsctl itself knows its commands, options and keys, and the names that they take on this host.

_smsctl() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  local current=${COMP_WORDS[COMP_CWORD]} candidates=()
  [ "$current" = = ] && current=
  mapfile -t candidates < <("${1/#\~/$HOME}" complete "${words[@]}" 2>/dev/null)
  if [ "${candidates[*]}" = :files ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    COMPREPLY=("${candidates[@]}")
  fi
}

complete -F _smsctl smsctl
