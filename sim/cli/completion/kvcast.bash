# Completion of kvcast's commands, options and settings for bash. What there is is asked of the program
# itself: its help lists commands and options, 'kvcast list' names and settings.
_kvcast() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} program=${COMP_WORDS[0]}
    local command=${COMP_WORDS[1]}
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W "$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  *.*/\1/p') --help --version" -- "$current"))
        return
    fi
    case $previous in
    --set)
        COMPREPLY=($(compgen -S = -W "$("$program" list settings 2>/dev/null | sed -n '/^[a-z_.]*$/p')" -- "$current"))
        compopt -o nospace
        return
        ;;
    --cost)
        COMPREPLY=($(compgen -W "calibrated profiled roofline" -- "$current"))
        return
        ;;
    --time-unit)
        COMPREPLY=($(compgen -W "s ms us ns" -- "$current"))
        return
        ;;
    --format)
        COMPREPLY=($(compgen -W "png svg pdf tikz" -- "$current"))
        return
        ;;
    --style)
        COMPREPLY=($(compgen -W "screen ieee acm slides" -- "$current"))
        return
        ;;
    --legend)
        COMPREPLY=($(compgen -W "top right inside none" -- "$current"))
        return
        ;;
    esac
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "$("$program" "$command" --help 2>/dev/null | sed -n 's/^  \(--[a-z-]*\).*/\1/p') --help" -- "$current"))
    elif [[ $command == list ]]; then
        COMPREPLY=($(compgen -W "models gpus engines policies precisions datasets calibrations profiles settings" -- "$current"))
    elif [[ $command == import ]] && ((COMP_CWORD == 2)); then
        COMPREPLY=($(compgen -W "$("$program" import 2>&1 | sed -n 's/^  \([a-z-]*\)  *.*/\1/p')" -- "$current"))
    else
        COMPREPLY=($(compgen -f -- "$current"))
        compopt -o filenames
    fi
}
complete -F _kvcast kvcast
