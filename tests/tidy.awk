# SPDX-License-Identifier: Apache-2.0
# The rules that can be seen in one pass over the lines. The first file is docs/architecture.md, for its tables.

function say(message) { printf "%s:%d: %s\n", FILENAME, FNR, message }

# The cell of a table row without blanks and backticks; a dash means empty.
function cell(text) {
  gsub(/`/, "", text)
  gsub(/^[ \t]+|[ \t]+$/, "", text)
  return text == "\342\200\223" ? "" : text
}

function read_row(    c, i, n, names) {
  split($0, c, "|")
  if (table == "modules") {
    allowed[cell(c[2])] = cell(c[3])
    forbidden[cell(c[2])] = cell(c[5])
  } else if (table == "exceptions") {
    excused[cell(c[2]) " " cell(c[3])] = 1
  } else {
    n = split(cell(c[2]), names, / +/)
    for (i = 1; i <= n; i++) wall[names[i]] = cell(c[3])
  }
}

# The module that a path under src/ belongs to: the longest row that is a prefix.
function module_of(path,    best, m) {
  for (m in allowed) if (index(path, m "/") == 1 && length(m) > length(best)) best = m
  return best
}

function in_list(list, word) { return index(", " list ",", ", " word ",") > 0 }

# "torch/" stands for every header below it.
function same_header(pattern, name) { return pattern == name || (pattern ~ /\/$/ && index(name, pattern) == 1) }

function check_own(name,    to, may) {
  if (name ~ /^tardigrad\//) return
  to = module_of(name)
  may = allowed[module]
  if (module != "contract") may = may == "" ? "core" : "core, " may
  if (to == "") say("include \"" name "\": write it from src/ (\"core/hash.hpp\") or as \"tardigrad/...\"")
  else if (to != module && allowed[module] != "all" && !in_list(may, to))
    say(module " may not include " to "; it may include: the contract" (may == "" ? "" : ", " may) \
        " (docs/architecture.md)")
}

function check_foreign(name,    i, n, names, h) {
  n = split(forbidden[module], names, / +/)
  for (i = 1; i <= n; i++)
    if (same_header(names[i], name)) say(module " may not include <" name "> (docs/architecture.md)")
  for (h in wall)
    if (same_header(h, name) && !in_list(wall[h], module))
      say("<" name "> belongs to " wall[h] ", not to " module " (docs/architecture.md)")
}

function check_include(    quote, name) {
  if (module == "" || !match($0, /^[ \t]*#[ \t]*include[ \t]*["<]/)) return
  quote = substr($0, RLENGTH, 1)
  name = substr($0, RLENGTH + 1)
  sub(/[">].*/, "", name)
  if (quote == "<") check_foreign(name)
  else check_own(name)
}

function ban(pattern, why,    word) {
  if (!match(code, pattern)) return
  word = substr(code, RSTART, RLENGTH)
  if (!((FILENAME " " word) in excused)) say(word ": " why)
}

function check_words() {
  code = $0
  sub(/\/\/.*/, "", code)
  ban("std::s?rand[(;]|random_device", "tardigrad::Stream is the only source of randomness")
  ban("std::[a-z_]+_distribution", "its numbers are not specified; use tardigrad::Stream")
  ban("using namespace std;", "name what you use")
  if (module != "" && module != "cli")
    ban("\"([^\"]*[ (`])?--[a-z]", "options are words of the command line; an Error has remedies (tardigrad/error.hpp)")
  if (module ~ /^(methods|engines|timing)/)
    ban("unordered_(multi)?(map|set)", "its order is not specified; use a vector or std::map")
  if (module ~ /^(methods|engines\/sim|timing)$/)
    ban("(steady|system|high_resolution)_clock", "time comes with the event")
}

FNR == 1 { ++files }

files == 1 {
  if (/<!-- tidy:/) { table = $2; sub("tidy:", "", table); rows = 0 }
  if (/<!-- \/tidy:/) table = ""
  if (table != "" && /^\|/ && ++rows > 2) read_row()  # after the head and the rule
  next
}

FNR == 1 {
  cpp = FILENAME ~ /\.[ch]pp$/
  prose = FILENAME ~ /\.md$/
  data = FILENAME ~ /\.toml$/
  own = FILENAME ~ /^tests\/tidy/  # these files must name what they ban
  module = ""
  if (FILENAME ~ /^src\//) module = module_of(substr(FILENAME, 5))
  if (FILENAME ~ /^include\/tardigrad\//) module = "contract"
  if (cpp && FILENAME ~ /^src\// && module == "") say("its module has no row in docs/architecture.md")
  has_licence = /SPDX-License-Identifier: Apache-2.0/
}

!prose && !data && FNR == 2 && !has_licence && !/SPDX-License-Identifier: Apache-2.0/ {
  say("no licence on top; write: SPDX-License-Identifier: Apache-2.0")
}

{
  visible = $0
  gsub(/[\200-\277]/, "", visible)  # bytes that continue a character
  if (!prose && length(visible) > 120) say("a line of " length(visible) " characters; at most 120")
  if (!prose && !own && /(^|[^A-Z])(TODO|FIXME|XXX)([^A-Z]|$)/) say("unfinished work: do it, or leave it out")
  if (!own && /\/work\/(main|shared)|\/root\/[a-z]/) say("a path of one machine")
}

cpp {
  if (FNR == 501) say("more than 500 lines: look for the second idea inside")
  check_include()
  check_words()
}
