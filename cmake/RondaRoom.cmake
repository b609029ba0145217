# One room of the house: a folder of src/ = a namespace = one static library `ronda::<name>`.
#
#   ronda_room(<name>
#     SOURCES  a.cc ...          HEADERS a.h ...
#     DEPENDS  ronda::base ...   # rooms below and third-party targets; headers may use them
#     TESTS    a_test.cc ...     # one GoogleTest binary <name>_test, label `unit`
#     BENCHES  a_bench.cc ...    # one Google Benchmark binary <name>_bench
#     FUZZERS  a_fuzz.cc ...)    # one binary each, named after the file; its corpus is fuzz/corpus/<file>
#
# A slash in the folder becomes an underscore in the name: src/base/core is ronda::base_core.

include(GoogleTest)

add_library(ronda_flags INTERFACE)
target_compile_options(ronda_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Werror -fno-omit-frame-pointer>)
# GCC 12 sees uninitialised values in every std::optional that it inlines (GCC bug 80635); clang and the
# sanitizers look instead.
target_compile_options(ronda_flags INTERFACE
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-maybe-uninitialized>)
target_include_directories(ronda_flags INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_definitions(ronda_flags INTERFACE _GNU_SOURCE)
if(RONDA_SANITIZE)
  target_compile_options(ronda_flags INTERFACE -fsanitize=${RONDA_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ronda_flags INTERFACE -fsanitize=${RONDA_SANITIZE})
endif()
if(RONDA_FUZZ)
  target_compile_options(ronda_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(ronda_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wthread-safety>)
  target_link_options(ronda_flags INTERFACE -fuse-ld=lld)
endif()
if(RONDA_THREAD_SAFETY)
  target_compile_options(ronda_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wthread-safety-beta>)
endif()
add_custom_target(fuzzers)  # builds every fuzz target
set(RONDA_FUZZER_LIST ${CMAKE_BINARY_DIR}/fuzzers.txt)  # their names, one a line, for scripts/fuzz
file(WRITE ${RONDA_FUZZER_LIST} "")

# A binary that replays files through LLVMFuzzerTestOneInput: the corpus as an ordinary test.
function(ronda_fuzzer room source)
  get_filename_component(name ${source} NAME_WE)
  set(corpus ${CMAKE_SOURCE_DIR}/fuzz/corpus/${name})
  file(APPEND ${RONDA_FUZZER_LIST} "${name}\n")
  if(RONDA_FUZZ)
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ronda_${room})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name} ${source} ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cc)
    target_link_libraries(${name} PRIVATE ronda_${room})
    add_test(NAME fuzz.${name} COMMAND ${name} ${corpus})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS "unit;fuzz-replay" TIMEOUT 120)
  endif()
  add_dependencies(fuzzers ${name})
endfunction()

function(ronda_room name)
  cmake_parse_arguments(ROOM "" "" "HEADERS;SOURCES;DEPENDS;TESTS;BENCHES;FUZZERS" ${ARGN})
  add_library(ronda_${name} STATIC ${ROOM_SOURCES} ${ROOM_HEADERS})
  add_library(ronda::${name} ALIAS ronda_${name})
  set_target_properties(ronda_${name} PROPERTIES LINKER_LANGUAGE CXX)
  target_link_libraries(ronda_${name} PUBLIC ronda_flags ${ROOM_DEPENDS})

  if(ROOM_TESTS AND NOT RONDA_FUZZ)
    add_executable(${name}_test ${ROOM_TESTS})
    target_link_libraries(${name}_test PRIVATE ronda_${name} GTest::gmock GTest::gtest_main)
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
      DISCOVERY_TIMEOUT 60
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} PROPERTIES LABELS unit TIMEOUT 120)
  endif()
  if(ROOM_BENCHES AND RONDA_BENCH AND NOT RONDA_FUZZ)
    add_executable(${name}_bench ${ROOM_BENCHES})
    target_link_libraries(${name}_bench PRIVATE ronda_${name} benchmark::benchmark_main)
  endif()
  foreach(source IN LISTS ROOM_FUZZERS)
    ronda_fuzzer(${name} ${source})
  endforeach()
endfunction()
