#compdef maelstrom
# Completes maelstrom in zsh.
_maelstrom() {
  local line
  local -a candidates
  for line in "${(@f)$("${(Q)words[1]}" __complete -- "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}"; do
    if [[ $line == :files ]]; then
      compset -P '--*='
      _files
      return
    fi
    [[ -n $line ]] && candidates+=("${line/$'\t'/:}")
  done
  _describe maelstrom candidates
}
if [[ $funcstack[1] == _maelstrom ]]; then
  _maelstrom "$@"
else
  compdef _maelstrom maelstrom
fi
