# What every target of ours is compiled with. DMSKAFKA_SANITIZE: "", "address;undefined" or "thread".
set(DMSKAFKA_SANITIZE "" CACHE STRING "sanitizers, separated by semicolons")
option(DMSKAFKA_WERROR "warnings are errors" ON)
option(DMSKAFKA_FUZZ "build the fuzz targets with libFuzzer (clang)" OFF)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Another checkout of the same source finds what this one compiled: paths under the root count as relative.
  # The sloppiness is what ccache asks for with precompiled headers; no file of ours uses __TIME__.
  # env, not cmake -E env, which takes as long to start as ccache to find an object.
  set(launcher env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()

add_library(dmskafka_options INTERFACE)
target_compile_options(dmskafka_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wcast-align -Wunused -Wnull-dereference -Wdouble-promotion -Wimplicit-fallthrough)
if(DMSKAFKA_WERROR)
  target_compile_options(dmskafka_options INTERFACE -Werror)
endif()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  target_compile_options(dmskafka_options INTERFACE -Wthread-safety)
  # A sanitizer's program is large: lld links it in a fifth of the processor time.
  include(CheckLinkerFlag)
  check_linker_flag(CXX -fuse-ld=lld DMSKAFKA_HAS_LLD)
  if(DMSKAFKA_HAS_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
else()
  # GCC 12 reports these inside its own <string> and <vector> when it inlines them.
  target_compile_options(dmskafka_options INTERFACE -Wno-restrict -Wno-null-dereference)
endif()

foreach(sanitizer IN LISTS DMSKAFKA_SANITIZE)
  add_compile_options(-fsanitize=${sanitizer} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${sanitizer})
endforeach()
if("thread" IN_LIST DMSKAFKA_SANITIZE)
  # librdkafka's C11 threads must be ones the sanitizer sees: test/support/tsan_threads.cc, visible to shared libraries.
  target_link_libraries(dmskafka_options INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,dmskafka_tsan_threads>)
  add_link_options(-rdynamic)
endif()
if(DMSKAFKA_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

# What nearly every file includes, read once: a third less work for clang without optimisation. GCC gains nothing from it.
# Files still include what they use: the GCC builds show where one does not. Not <filesystem>: clang 14 then no longer finds
# the initializer-list constructors of std::vector.
function(dmskafka_precompile target headers_of)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_precompile_headers(${target} REUSE_FROM ${headers_of})
  endif()
endfunction()
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Without the time of the headers in it ccache can hand it to another checkout.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  set(precompiled <algorithm> <array> <atomic> <charconv> <chrono> <cstdint> <cstring> <deque> <functional> <map>
    <memory> <mutex> <optional> <random> <set> <span> <stop_token> <string> <string_view> <thread> <unordered_map> <utility>
    <vector> <fmt/format.h>)
  set(nothing ${PROJECT_BINARY_DIR}/generated/precompiled.cc)
  file(CONFIGURE OUTPUT ${nothing} CONTENT "// The headers below are what this file is for.\n")
  add_library(dmskafka_precompiled OBJECT ${nothing})
  target_link_libraries(dmskafka_precompiled PRIVATE dmskafka_options fmt::fmt)
  target_precompile_headers(dmskafka_precompiled PRIVATE ${precompiled})
  add_library(dmskafka_precompiled_test OBJECT ${nothing})
  target_link_libraries(dmskafka_precompiled_test PRIVATE dmskafka_options fmt::fmt doctest::doctest)
  target_precompile_headers(dmskafka_precompiled_test PRIVATE ${precompiled} <doctest/doctest.h>)
endif()
