# Completes maelstrom in fish.
function __maelstrom_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l found ($words[1] __complete -- $words[2..-1] "$current" 2>/dev/null)
    if test "$found" = :files
        set -l kept (string match -r -- '^--[^=]*=' "$current")
        printf '%s\n' "$kept"(__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current"))
    else
        printf '%s\n' $found
    end
end
complete -c maelstrom -f -a '(__maelstrom_complete)'
