# Completes maelstrom in bash 4.4 and later.
_maelstrom() {
  local word last= line kept= words=()
  # Bash cuts words at "=", maelstrom does not.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ $last == --* && ($word == "=" || $last == *=) ]]; then
      last+=$word
      words[-1]=$last
    else
      last=$word
      words+=("$last")
    fi
  done
  [[ $last == --*=* ]] && kept=${last%%=*}=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o default
      return
    fi
    line=${line%%$'\t'*}
    COMPREPLY+=("${line#"$kept"}")
  done < <("${COMP_WORDS[0]}" __complete -- "${words[@]}" 2>/dev/null)
}
complete -F _maelstrom maelstrom
