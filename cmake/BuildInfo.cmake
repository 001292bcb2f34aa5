# SPDX-License-Identifier: Apache-2.0
# Writes what is being built into a header, at every build, and leaves the header alone where nothing has changed:
#   cmake -DSOURCE_DIR=... -DHEADER=... -P BuildInfo.cmake
# commit   of git, where SOURCE_DIR is the root of a working copy; else "unknown"
# dirty    what is compiled differs from that commit; files that are not compiled do not count
# sources  hash of what is compiled, with git or without
cmake_minimum_required(VERSION 3.25)
set(compiled src include cmake CMakeLists.txt)

set(commit unknown)
set(dirty false)
find_program(GIT git)
function(git output)
  execute_process(COMMAND ${GIT} --no-optional-locks -C ${SOURCE_DIR} ${ARGN}
    RESULT_VARIABLE code OUTPUT_VARIABLE text ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(code EQUAL 0)
    set(${output} "${text}" PARENT_SCOPE)
  else()
    set(${output} NOTFOUND PARENT_SCOPE)
  endif()
endfunction()
if(GIT)
  git(inside rev-parse --show-prefix)  # "" at the root: a copy without git inside another project is not that project
  if("${inside}" STREQUAL "")
    git(head rev-parse HEAD)
    if(head)
      set(commit ${head})
      git(changes status --porcelain -- ${compiled})
      if(changes)
        set(dirty true)
      endif()
    endif()
  endif()
endif()

set(files)
foreach(folder src include cmake)
  file(GLOB_RECURSE found RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/${folder}/*.cpp ${SOURCE_DIR}/${folder}/*.hpp
    ${SOURCE_DIR}/${folder}/*.cmake ${SOURCE_DIR}/${folder}/CMakeLists.txt)
  list(APPEND files ${found})
endforeach()
list(APPEND files CMakeLists.txt)
list(SORT files)
set(hashes)
foreach(name ${files})
  file(SHA256 ${SOURCE_DIR}/${name} hash)
  string(APPEND hashes "${hash} ${name}\n")
endforeach()
string(SHA256 sources "${hashes}")
string(SUBSTRING ${sources} 0 32 sources)

file(CONFIGURE OUTPUT ${HEADER} @ONLY CONTENT [[
// Written by cmake/BuildInfo.cmake.
#pragma once
namespace tardigrad {
inline constexpr const char* kCommit = "@commit@";
inline constexpr bool kDirty = @dirty@;
inline constexpr const char* kSources = "@sources@";
}  // namespace tardigrad
]])
