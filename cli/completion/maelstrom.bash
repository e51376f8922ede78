# Completes maelstrom in bash 4.4 and later.
_maelstrom() {
  local word line kept= words=()
  # Bash cuts words at "=", maelstrom does not.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ${words[-1]-} == --* && ( $word == "=" || ${words[-1]-} == *= ) ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  [[ ${words[-1]} == --*=* ]] && kept="${words[-1]%%=*}="
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
