#!/bin/sh
# maelstrom @VERSION@: this text, then the program and its runtime, both packed with gzip. The first
# run unpacks them into a cache. Every run becomes the runtime by exec, so that signals, exit code
# and process id are its own. Needs sh, gzip, and head tail ls mkdir mv rm chmod; tar is not asked
# for, because the list of files below does its work.
set -u
umask 077

runtime_size=@RUNTIME_SIZE@
runtime_packed=@RUNTIME_PACKED@
program_packed=@PROGRAM_PACKED@
# Name and size of each file of the program, in the order in which they lie in the packed part.
files='@FILES@'
new=
line_feed='
'

# Says $1 on one line.
fail() {
  set -f
  IFS=$line_feed
  set -- $1
  IFS=' '
  printf 'maelstrom: Cannot %s\n' "$*" >&2
  exit 1
}

find_root() {
  if [ -n "${MAELSTROM_CACHE:-}" ]; then
    case $MAELSTROM_CACHE in
      /*) root=$MAELSTROM_CACHE ;;
      *) root=$PWD/$MAELSTROM_CACHE ;;
    esac
    return
  fi
  # A relative XDG_CACHE_HOME counts as none: XDG Base Directory Specification.
  case ${XDG_CACHE_HOME:-} in /*) root=$XDG_CACHE_HOME/maelstrom && return ;; esac
  case ${HOME:-} in /?*) root=$HOME/.cache/maelstrom && return ;; esac
  root=/var/cache/maelstrom
}

# True when every file is in folder $1 with its full size: a cleaner may have taken one away, a loss
# of power may have cut one short. Fails when somebody else could have put them there.
is_complete() {
  listing=$(ls -lan "$1" 2>/dev/null)
  wanted="
maelstrom $runtime_size
$files
"
  missing=@FILE_COUNT@
  while read -r mode _ owner _ size _ _ _ name; do
    [ "$name" = . ] && check_owner "$1" "$mode" "$owner"
    case $wanted in *"
$name $size
"*) missing=$((missing - 1)) ;; esac
  done <<END
$listing
END
  [ "$missing" -eq 0 ]
}

check_owner() {
  [ -O "$1" ] || [ "$3" = 0 ] ||
    fail "trust \"$1\": it belongs to another user; set MAELSTROM_CACHE to a folder of your own"
  case $2 in
    d????-??-*) ;;
    *) fail "trust \"$1\": others may write to it ($2); remove it and try again" ;;
  esac
}

# Fills folder $dir. Each file is moved into its place when it is whole, so that others who unpack
# at the same time, or run already, see whole files only.
unpack() {
  reason=$(mkdir -p "$dir" 2>&1) || fail_to_write
  read -r mode _ owner _ <<END
$(ls -ldn "$dir")
END
  check_owner "$dir" "$mode" "$owner"
  trap '[ -z "$new" ] || rm -rf "$new"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  number=0
  until reason=$(mkdir "$root/new.$$.$number" 2>&1); do
    number=$((number + 1))
    [ "$number" -lt 10 ] || fail_to_write
  done
  new=$root/new.$$.$number
  unpack_files
  reason=$("$new/maelstrom" --version 2>&1) ||
    fail "run from the cache \"$dir\": ${reason:-no reason given}; where programs may not be run \
(mount option noexec), set MAELSTROM_CACHE to another folder; the runtime needs glibc"
  # Best effort: without it a loss of power now costs another unpacking later.
  sync "$new"/* 2>/dev/null
  reason=$(mv -f "$new"/* "$dir" 2>&1) || fail "fill the cache \"$dir\": $reason"
  rm -rf "$new"
  new=
  trap - EXIT HUP INT TERM
}

unpack_files() {
  # The packed parts are counted from the end of this file: program, then runtime.
  reason=$(tail -c "$runtime_packed" "$self" 2>/dev/null | gzip -dc 2>&1 >"$new/maelstrom") ||
    fail_to_unpack
  reason=$(tail -c "$((program_packed + runtime_packed))" "$self" 2>/dev/null |
    head -c "$program_packed" | gzip -dc 2>&1 >"$new/program") || fail_to_unpack
  at=1
  while read -r name size; do
    reason=$(tail -c "+$at" "$new/program" 2>/dev/null | head -c "$size" 2>&1 >"$new/$name") ||
      fail_to_unpack
    at=$((at + size))
  done <<END
$files
END
  rm -f "$new/program"
  chmod 700 "$new/maelstrom"
  reason="sizes differ"
  is_complete "$new" || fail_to_unpack
}

fail_to_write() {
  fail "write to the cache \"$root\": $reason; set MAELSTROM_CACHE to a folder that is writable"
}

fail_to_unpack() {
  reason=${reason#"$line_feed"}
  fail "unpack \"$self\" into \"$dir\": ${reason:-no reason given}; \
either the disk is full (100 MB are needed) or the file is damaged"
}

main() {
  # A closed standard input would be taken by the first file that is opened.
  true 2>/dev/null <&0 || exec </dev/null
  self=$0
  case $self in
    */*) ;;
    *) [ -f "$self" ] || self=$(command -v -- "$self") || fail "find itself: no \"$0\" in PATH" ;;
  esac
  find_root
  dir=$root/@HASH@
  { [ -x "$dir/maelstrom" ] && is_complete "$dir"; } || unpack
  export DENO_DIR="$dir/deno" DENO_NO_UPDATE_CHECK=1 DENO_NO_PACKAGE_JSON=1
  exec "$dir/maelstrom" run @FLAGS@ "$dir/@ENTRY@" "$@"
}

main "$@"
exit 1
