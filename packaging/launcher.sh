#!/bin/sh
# maelstrom @VERSION@: this text, then the program and its runtime, packed with gzip. The first run
# unpacks them into a cache; every run then becomes the runtime by exec, so that signals, the exit
# code and the process id are its own. Needs sh, gzip and what a system has to handle files: head,
# tail, ls, mkdir, mv, rm, chmod.
set -u
umask 077

fail() {
  printf 'maelstrom: Cannot %s\n' "$1" >&2
  exit 1
}

# Where the parts lie in this file, as lines: name, size, first byte. The files of the program come
# one after the other in one packed part, for the runtime is the only one worth packing alone.
runtime_size=@RUNTIME_SIZE@
files='@FILES@'
runtime_at=@RUNTIME_AT@
runtime_packed=@RUNTIME_PACKED@
program_at=@PROGRAM_AT@

self=$0
case $self in
  */*) ;;
  *) [ -f "$self" ] || self=$(command -v -- "$self") || fail "find itself: \"$0\" is not in PATH" ;;
esac

cache_root() {
  if [ -n "${MAELSTROM_CACHE:-}" ]; then
    root=$MAELSTROM_CACHE
    case $root in /*) ;; *) root=$PWD/$root ;; esac
    return
  fi
  # A relative XDG_CACHE_HOME is to be ignored, says the XDG Base Directory Specification.
  case ${XDG_CACHE_HOME:-} in /*) root=$XDG_CACHE_HOME/maelstrom && return ;; esac
  case ${HOME:-} in /?*) root=$HOME/.cache/maelstrom && return ;; esac
  root=/var/cache/maelstrom
}

# True when the folder is ours (or root's), only its owner can write to it, and each file has its
# full size: a cleaner may have taken one, and a loss of power may have cut one short.
is_complete() {
  [ -x "$dir/maelstrom" ] || return 1
  listing=$(ls -lan "$dir" 2>&1) || return 1
  missing="
maelstrom $runtime_size
$files
"
  while read -r mode _ owner _ size _ _ _ name; do
    case $name in
      .) check_owner "$mode" "$owner" ;;
      ..) ;;
      *)
        case $missing in
          *"
$name $size
"*) found=$((found + 1)) ;;
        esac ;;
    esac
  done <<EOF
$listing
EOF
  [ "$found" -eq "$count" ]
}

cache_root
