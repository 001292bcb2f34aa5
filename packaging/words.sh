#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Writes what knows the words of the command line beside the program, from the program's own help texts and catalogues:
# tardigrad.bash, _tardigrad (zsh), tardigrad.fish, tardigrad.1; and scenario.schema.json, for editors. The build does
# it, so that they are never older.
# Usage: packaging/words.sh PROGRAM FOLDER
set -euo pipefail
export LC_ALL=C
program=$(realpath "$1")
mkdir -p "$2"
cd "$2"

# rows [COMMAND...]: one for each thing that the help of a command, and of the commands below it, names:
#   COMMAND | option, command, operand or footer | names, comma-separated | what follows, or nothing | what it says
rows() {
  local text below
  text=$("$program" "$@" --help)
  awk -v at="$*" '
    function flush() { if (kind != "") print at "|" kind "|" name "|" value "|" says; kind = "" }
    NR == 1 { print at "|about|||" $0; next }
    /^Usage: / { print at "|usage|||" substr($0, 8); next }
    /^(Positionals|Options|Subcommands):$/ {
      flush(); part = $1 == "Options:" ? "option" : $1 == "Subcommands:" ? "command" : "operand"; next
    }
    /^Examples:$/ { flush(); part = "footer" }
    part == "footer" { gsub(/\|/, "/"); print at "|footer|||" $0; next }
    /^  [^ ]/ {
      flush(); kind = part; line = substr($0, 3); says = ""
      if (match(line, /  +/)) { says = substr(line, RSTART + RLENGTH); line = substr(line, 1, RSTART - 1) }
      name = line; value = ""
      if (match(line, / /)) { name = substr(line, 1, RSTART - 1); value = substr(line, RSTART + 1) }
      sub(/^UINT.*/, "N", value); sub(/^TEXT/, "TEXT", value); sub(/ REQUIRED/, "", value)
      next
    }
    /^      / { sub(/^ +/, ""); says = says (says == "" ? "" : " ") $0 }
    END { flush() }' <<<"$text"
  for below in $(sed -n '/^Subcommands:$/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$text"); do rows "$@" "$below"; done
}
all=$(rows)

# words PART KEY: the names in a catalogue.
words() { "$program" list "$1" --json | sed -n "s/^ *\"$2\": \"\([^\"]*\)\",*\$/\1/p" | tr '\n' ' '; }
methods=$(words methods name) datasets=$(words datasets name) runtimes=$(words runtimes name)
parts="methods problems datasets timing runtimes"

# What may follow an option or, for a command, stands for its operands.
values() {
  case $1 in
    --runtime) echo "$runtimes" ;;
    --method) echo "$methods" ;;
    list) echo "$parts" ;;
    "data get" | "data import" | "data verify" | "data split") echo "$datasets" ;;
  esac
}
commands=$(cut -d'|' -f1 <<<"$all" | uniq)
options() { awk -F'|' -v at="$1" '$1 == at && $2 == "option" { gsub(",", " ", $3); print $3 }' <<<"$all"; }
below() { awk -F'|' -v at="$1" '$1 == at && $2 == "command" { print $3 }' <<<"$all"; }

{
  echo '# bash completion for tardigrad; written by packaging/words.sh'
  echo '_tardigrad() {'
  echo '  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} at= i words='
  echo '  for ((i = 1; i < COMP_CWORD; i++)); do'
  echo '    case "$at ${COMP_WORDS[i]}" in'
  while read -r at; do
    for command in $(below "$at"); do echo "      '$at $command') at='${at:+$at }$command' ;;"; done
  done <<<"$commands"
  echo '    esac'
  echo '  done'
  echo '  case $before in'
  for option in --runtime --method; do echo "    $option) words='$(values $option)' ;;"; done
  echo '    --out | --data-root) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;'
  echo '    *) case "$at/$current" in'
  while read -r at; do
    echo "      '$at/-'*) words='$(options "$at" | tr '\n' ' ')' ;;"
    more="$(below "$at" | tr '\n' ' ')$(values "$at")"
    [[ -z $more ]] || echo "      '$at/'*) words='$more' ;;"
  done <<<"$commands"
  echo '      esac ;;'
  echo '  esac'
  echo '  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")'
  echo '  ((${#COMPREPLY[@]})) || mapfile -t COMPREPLY < <(compgen -f -- "$current")'
  echo '}'
  echo 'complete -o filenames -F _tardigrad tardigrad'
} >tardigrad.bash

{
  echo '#compdef tardigrad'
  echo '# zsh completion for tardigrad; written by packaging/words.sh'
  echo 'local at= word'
  echo 'for word in ${words[2,CURRENT-1]}; do'
  echo '  case "$at $word" in'
  while read -r at; do
    for command in $(below "$at"); do echo "    '$at $command') at='${at:+$at }$command' ;;"; done
  done <<<"$commands"
  echo '  esac'
  echo 'done'
  echo 'case ${words[CURRENT-1]} in'
  for option in --runtime --method; do echo "  $option) compadd -- $(values $option); return ;;"; done
  echo '  --out|--data-root) _files -/; return ;;'
  echo 'esac'
  echo 'local -a found'
  echo 'case "$at/${words[CURRENT]}" in'
  while read -r at; do
    echo "  '$at/-'*) found=("
    awk -F'|' -v at="$at" -v q="'" '$1 == at && $2 == "option" {
      gsub(q, "", $5); gsub(":", "\\:", $5); n = split($3, names, ",")
      for (i = 1; i <= n; i++) print "    " q names[i] ":" $5 q }' <<<"$all"
    echo '  ); _describe option found; return ;;'
    if [[ -n $(below "$at") ]]; then
      echo "  '$at/'*) found=("
      awk -F'|' -v at="$at" -v q="'" '$1 == at && $2 == "command" {
        gsub(q, "", $5); gsub(":", "\\:", $5); print "    " q $3 ":" $5 q }' <<<"$all"
      echo '  ); _describe command found; return ;;'
    elif [[ -n $(values "$at") ]]; then
      echo "  '$at/'*) compadd -- $(values "$at"); _files; return ;;"
    fi
  done <<<"$commands"
  echo 'esac'
  echo '_files'
} >_tardigrad

{
  echo '# fish completion for tardigrad; written by packaging/words.sh'
  echo 'function __tardigrad_at'
  echo '    set -l at'
  echo '    for word in (commandline -opc)[2..]'
  echo '        switch "$at $word"'
  while read -r at; do
    for command in $(below "$at"); do
      echo "            case '$at $command'"
      echo "                set at '${at:+$at }$command'"
    done
  done <<<"$commands"
  echo '        end'
  echo '    end'
  echo '    test "$at" = "$argv[1]"'
  echo 'end'
  awk -F'|' -v q="'" '
    { gsub(q, "\\" q, $5) }
    $2 == "command" { print "complete -c tardigrad -f -n \"__tardigrad_at " q $1 q "\" -a " $3 " -d " q $5 q }
    $2 == "option" {
      line = "complete -c tardigrad -n \"__tardigrad_at " q $1 q "\""
      n = split($3, names, ",")
      for (i = 1; i <= n; i++) line = line (names[i] ~ /^--/ ? " -l " substr(names[i], 3) : " -s " substr(names[i], 2))
      print line ($4 == "" ? "" : " -r") " -d " q $5 q
    }' <<<"$all"
  for command in list "data get" "data import" "data verify" "data split"; do
    echo "complete -c tardigrad -n \"__tardigrad_at '$command'\" -a '$(values "$command")'"
  done
  echo "complete -c tardigrad -n \"__tardigrad_at 'run'\" -x -l runtime -a '$runtimes'"
  echo "complete -c tardigrad -n \"__tardigrad_at 'what-if'\" -x -l method -a '$methods'"
} >tardigrad.fish

# A manual page of all help texts.
awk -F'|' -v version="$("$program" --version | sed 's/,.*//; s/ (.*//')" '
  function plain(text) {
    gsub(/\\/, "\\e", text); gsub(/-/, "\\-", text); sub(/^[.'"'"']/, "\\\\\\&&", text)
    return text
  }
  BEGIN { print ".\\\" written by packaging/words.sh"; print ".TH TARDIGRAD 1 \"\" \"" version "\" \"User Commands\"" }
  $2 == "about" && $1 == "" {
    text = $5; sub(/^Tardigrad: /, "", text)
    print ".SH NAME\ntardigrad \\- " plain(text) "\n.SH SYNOPSIS"; next
  }
  $2 == "usage" && $1 == "" { print plain($5) "\n.SH OPTIONS"; next }
  $2 == "about" { if (open) print ".fi"; open = 0; print ".SH " toupper(plain("tardigrad " $1)) "\n" plain($5); next }
  $2 == "usage" { print ".PP\n.B " plain($5); next }
  $2 == "option" || $2 == "operand" || $2 == "command" {
    gsub(/,/, ", ", $3)
    if (open) print ".fi"; open = 0
    print ".TP\n.B " plain($3) ($4 == "" ? "" : " " plain($4)) "\n" plain($5); next
  }
  $2 == "footer" { if (!open) print ".PP\n.nf"; open = 1; print plain($5) }
  END { if (open) print ".fi" }' <<<"$all" >tardigrad.1

"$program" schema >scenario.schema.json
