# SPDX-License-Identifier: Apache-2.0
# What every target of the project has in common.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET default)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# A library that one module finds is seen by all that link the module.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
# All programs and plugins side by side, so that a plugin is found beside the binary.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

# The sloppiness lets ccache take precompiled headers.
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
endif()

# No contraction into fused multiply-add and no -march=native: results do not depend on the compiler's
# mood or on the machine; SIMD comes from Highway, chosen at run time.
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wno-sign-conversion -Wshadow -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 sees ghosts: in std::variant, and in "literal" + std::string.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict)
endif()
if(TARDIGRAD_WERROR)
  add_compile_options(-Werror)
endif()
if(TARDIGRAD_FUZZ)  # libFuzzer steers by the coverage of our own code
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
if(TARDIGRAD_SANITIZE)
  add_compile_options(-fsanitize=${TARDIGRAD_SANITIZE} -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${TARDIGRAD_SANITIZE})
endif()

# tardigrad_sanitizer_options(TARGET): what a program under the address sanitizer sets by itself.
function(tardigrad_sanitizer_options target)
  if(TARDIGRAD_SANITIZE MATCHES "address")
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/sanitizer_options.cpp)
    set_source_files_properties(${CMAKE_SOURCE_DIR}/cmake/sanitizer_options.cpp
      PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# tardigrad_harden(TARGET...): what an attacker has to overcome beside the mistake that he found. Sanitizers and fuzzers
# bring their own; _FORTIFY_SOURCE works in optimised code alone.
include(CheckCXXCompilerFlag)
include(CheckPIESupported)
check_pie_supported()
set(TARDIGRAD_HARDENING)
if(NOT TARDIGRAD_SANITIZE AND NOT TARDIGRAD_FUZZ)
  foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full)
    string(MAKE_C_IDENTIFIER "TARDIGRAD_HAS${flag}" known)
    check_cxx_compiler_flag(${flag} ${known})
    if(${known})
      list(APPEND TARDIGRAD_HARDENING ${flag})
    endif()
  endforeach()
  string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
  if("${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}}" MATCHES "-O([123sz]|fast)")
    list(APPEND TARDIGRAD_HARDENING -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  endif()
endif()
function(tardigrad_harden)
  foreach(target ${ARGN})
    target_compile_options(${target} PRIVATE ${TARDIGRAD_HARDENING})
    get_target_property(type ${target} TYPE)
    if(NOT type MATCHES "^(STATIC|OBJECT)_LIBRARY$")
      target_link_options(${target} PRIVATE -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
    endif()
  endforeach()
endfunction()

# tardigrad_component(NAME package...): sets TARDIGRAD_HAS_<NAME> from the option and from what is found.
macro(tardigrad_component name)
  set(TARDIGRAD_HAS_${name} OFF)
  if(NOT TARDIGRAD_${name} STREQUAL "OFF")
    set(TARDIGRAD_HAS_${name} ON)
    foreach(package ${ARGN})
      find_package(${package} QUIET)
      if(NOT ${package}_FOUND)
        set(TARDIGRAD_HAS_${name} OFF)
        if(TARDIGRAD_${name} STREQUAL "ON")
          message(FATAL_ERROR "TARDIGRAD_${name}=ON, but the package ${package} was not found; ./dev setup installs it")
        endif()
      endif()
    endforeach()
  endif()
endmacro()

# tardigrad_fast_malloc(TARGET): links jemalloc, with our settings. LibTorch takes and frees large blocks all the time:
# an allocator that keeps them is worth a tenth of the time (docs/adr/0048). Sanitizers bring their own.
set(TARDIGRAD_HAS_JEMALLOC OFF)
if(NOT TARDIGRAD_SANITIZE AND NOT TARDIGRAD_JEMALLOC STREQUAL "OFF")
  find_library(JEMALLOC_LIBRARY jemalloc)
  if(JEMALLOC_LIBRARY)
    set(TARDIGRAD_HAS_JEMALLOC ON)
  elseif(TARDIGRAD_JEMALLOC STREQUAL "ON")
    message(FATAL_ERROR "TARDIGRAD_JEMALLOC=ON, but libjemalloc was not found; ./dev setup installs it")
  endif()
endif()
function(tardigrad_fast_malloc target)
  if(TARDIGRAD_HAS_JEMALLOC)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/cmake/malloc_conf.cpp)
    target_link_libraries(${target} PRIVATE -Wl,--no-as-needed ${JEMALLOC_LIBRARY} -Wl,--as-needed)
  endif()
endfunction()

# tardigrad_module(NAME SOURCES ... LINK ... [PRIVATE_LINK ...]): one static library a module. It sees the contract
# headers and its own sources through src/; docs/architecture.md says who may include whom, ./dev tidy checks it.
function(tardigrad_module name)
  cmake_parse_arguments(arg "SHARED" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  if(arg_SHARED)
    add_library(tardigrad_${name} SHARED ${arg_SOURCES})
    # Who uses it installed sees the contract alone.
    list(TRANSFORM arg_LINK REPLACE "(.+)" "$<BUILD_INTERFACE:\\1>")
    target_include_directories(tardigrad_${name} INTERFACE $<INSTALL_INTERFACE:include>)
  else()
    add_library(tardigrad_${name} STATIC ${arg_SOURCES})
  endif()
  target_include_directories(tardigrad_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src>)
  target_link_libraries(tardigrad_${name} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE_LINK})
  tardigrad_harden(tardigrad_${name})
endfunction()

# tardigrad_on_demand(NAME SOURCES ... LINK ...): a shared library beside the program that it opens when it first needs
# it, as it brings many others with it.
function(tardigrad_on_demand name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK" ${ARGN})
  add_library(tardigrad_${name} MODULE ${arg_SOURCES})
  target_link_libraries(tardigrad_${name} PRIVATE ${arg_LINK})
  tardigrad_harden(tardigrad_${name})
  set_property(GLOBAL APPEND PROPERTY tardigrad_opened tardigrad_${name})
endfunction()

# tardigrad_test_options(TARGET): what all sources of tests are compiled with; with little optimisation or none, as most
# of a build is theirs, and what takes time in them is the library.
function(tardigrad_test_options target)
  target_link_libraries(${target} PRIVATE GTest::gmock GTest::gtest GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE TARDIGRAD_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                               TARDIGRAD_BINARY_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  target_compile_options(${target} PRIVATE $<IF:$<CONFIG:Debug>,-O0,-O1>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # behind precompiled headers GCC 12 sees more ghosts, in std::string alone
    target_compile_options(${target} PRIVATE -fpch-preprocess -Wno-array-bounds -Wno-stringop-overflow
      -Wno-stringop-overread)
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD OFF)  # each has helpers of the same names
endfunction()

# tardigrad_test(NAME source... LINK lib... [LABELS label] [SLOW filter] [PLAIN filter]): one GoogleTest program, one
# CTest test per case. Filters are GoogleTest's; * is all cases. Cases of SLOW are left out by `./dev test core` and
# are begun first, as what takes long should not come last; cases of PLAIN are left out under the sanitizers of
# `./dev ci`: they take too long there, or show nothing. Their labels are <label>-slow, -plain, or -slow-plain where a
# pattern stands in both.
function(tardigrad_test name)
  cmake_parse_arguments(arg "" "LABELS;SLOW;PLAIN" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  tardigrad_test_options(${name})
  tardigrad_sanitizer_options(${name})
  # LibTorch has options of its own, and so have tests of the program.
  if(NOT tardigrad_torch_objects IN_LIST arg_LINK AND NOT arg_LABELS STREQUAL "e2e")
    target_precompile_headers(${name} REUSE_FROM precompiled)
  endif()
  add_dependencies(${name} tardigrad_opened)
  add_dependencies(tests ${name})
  string(REPLACE ":" ";" slow "${arg_SLOW}")
  string(REPLACE ":" ";" plain "${arg_PLAIN}")
  set(both)
  foreach(pattern IN LISTS slow plain)
    if((pattern IN_LIST slow OR slow STREQUAL "*") AND (pattern IN_LIST plain OR plain STREQUAL "*"))
      list(APPEND both ${pattern})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES both)
  set(neither "*")
  if(slow STREQUAL "*" OR plain STREQUAL "*")
    set(neither)
  endif()
  set(named ${slow} ${plain})
  list(REMOVE_ITEM slow ${both})
  list(REMOVE_ITEM plain ${both})
  tardigrad_cases(${name} "${both}" "" "${arg_LABELS}-slow-plain" COST 10)
  tardigrad_cases(${name} "${slow}" "${both}" "${arg_LABELS}-slow" COST 10)
  tardigrad_cases(${name} "${plain}" "${both}" "${arg_LABELS}-plain")
  tardigrad_cases(${name} "${neither}" "${named}" "${arg_LABELS}")
  if(NOT arg_SLOW STREQUAL "*")
    add_dependencies(quick_tests ${name})
  endif()
  if(NOT arg_PLAIN STREQUAL "*")
    add_dependencies(sanitized_tests ${name})
  endif()
endfunction()

# tardigrad_cases(NAME patterns without label [property value]...): the cases of patterns, but not those of without.
function(tardigrad_cases name patterns without label)
  if(NOT patterns)
    return()
  endif()
  list(JOIN patterns ":" filter)
  if(without)
    list(JOIN without ":" without)
    string(APPEND filter "-${without}")
  endif()
  gtest_discover_tests(${name} TEST_FILTER "${filter}" TEST_LIST ${name}_${label} DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${label} TIMEOUT 600 ${ARGN}
      ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
endfunction()
