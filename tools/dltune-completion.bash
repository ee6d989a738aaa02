# Completion of dltune's command line for bash: commands and operators, then what --help lists.
_dltune() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words
    COMPREPLY=()
    case $before in
    --db | --list | --baseline | --table | --out | --repair | --replay) mapfile -t COMPREPLY < <(compgen -f -- "$word") && return ;;
    --target) words="native $(dltune targets 2>/dev/null | awk 'NR > 1 { print $1 }')" ;;
    --strategy) words="model annealing genetic random grid" ;;
    --show) words="expression schedule space loops vectors bound c assembly roofline" ;;
    db) words="list show check merge import export prune failures" ;;
    *)
        if [ "$COMP_CWORD" -eq 1 ]; then
            words="$(dltune --help 2>/dev/null | awk '/^  [a-z]/ { print $1 }') --help --version"
        elif [[ $word == -* ]]; then
            words=$(dltune "${COMP_WORDS[1]}" --help 2>/dev/null |
                awk '/^  --/ { print $1 } /^  [a-z]/ { print "--" $1 }')
        else
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
        fi
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o filenames -F _dltune dltune
