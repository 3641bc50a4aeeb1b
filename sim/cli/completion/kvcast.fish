# Completion of kvcast's commands, options and settings for fish. What there is is asked of the program
# itself: its help lists commands and options, 'kvcast list' names and settings.
function __kvcast_commands
    kvcast --help 2>/dev/null | string match -rg '^  ([a-z][a-z-]*) +(.*)' | paste - -
end
function __kvcast_options
    set -l words (commandline -opc)
    kvcast $words[2] --help 2>/dev/null | string match -rg '^  (--[a-z-]*)'
end
function __kvcast_settings
    kvcast list settings 2>/dev/null | string match -r '^[a-z_.]+$' | string replace -r '$' =
end
function __kvcast_formats
    kvcast import 2>&1 | string match -rg '^  ([a-z-]*) +(.*)' | paste - -
end
complete -c kvcast -n 'test (count (commandline -opc)) -eq 1' -f -a '(__kvcast_commands)'
complete -c kvcast -n 'test (count (commandline -opc)) -gt 1' -a '(__kvcast_options)'
complete -c kvcast -n 'test (count (commandline -opc)) -eq 2; and contains -- list (commandline -opc)' -f -a 'models gpus engines policies precisions datasets calibrations profiles settings'
complete -c kvcast -n 'test (count (commandline -opc)) -eq 2; and contains -- import (commandline -opc)' -f -a '(__kvcast_formats)'
complete -c kvcast -l set -x -a '(__kvcast_settings)'
complete -c kvcast -l cost -x -a 'calibrated profiled roofline'
complete -c kvcast -l time-unit -x -a 's ms us ns'
complete -c kvcast -l format -x -a 'png svg pdf tikz'
complete -c kvcast -l style -x -a 'screen ieee acm slides'
complete -c kvcast -l legend -x -a 'top right inside none'
