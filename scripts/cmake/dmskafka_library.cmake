# dmskafka_library(NAME
#   SOURCES  a.cc b.cc           one static library, dmskafka_NAME
#   LINK     dmskafka_base ...   what it may include
#   TESTS    a_test.cc ...       doctest files; together they are the program NAME_test, run by ctest
#   TEST_LINK ...)               further libraries for the tests
function(dmskafka_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK;TESTS;TEST_LINK" ${ARGN})
  set(library dmskafka_${name})
  add_library(${library} STATIC ${ARG_SOURCES})
  target_include_directories(${library} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
  target_link_libraries(${library} PUBLIC ${ARG_LINK} PRIVATE dmskafka_options ${ARG_PRIVATE_LINK})
  dmskafka_precompile(${library} dmskafka_precompiled)
  if(ARG_TESTS AND BUILD_TESTING)
    add_executable(${name}_test ${ARG_TESTS})
    target_link_libraries(${name}_test PRIVATE ${library} ${ARG_TEST_LINK} dmskafka_options dmskafka_test_main)
    # The tests' own code need not be fast: that takes a third off its compilation.
    target_compile_options(${name}_test PRIVATE $<$<CONFIG:RelWithDebInfo>:-O0>)
    dmskafka_precompile(${name}_test dmskafka_precompiled_test)
    add_test(NAME unit.${name} COMMAND ${name}_test)
    set_tests_properties(unit.${name} PROPERTIES TIMEOUT 300 LABELS unit)
    add_dependencies(tests_without_servers ${name}_test)
  endif()
endfunction()
