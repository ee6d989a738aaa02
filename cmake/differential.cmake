# The differential test (docs/fuzzing.md): links what users link, runs the program that users run, and
# nothing else of dltune. bench_naive times the same random work beside another compiler's loops.
file(GLOB differential_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/differential/*.c)
set(differential_program cases check check_tuned counts main shrink)
list(TRANSFORM differential_program PREPEND ${CMAKE_SOURCE_DIR}/tests/differential/)
list(TRANSFORM differential_program APPEND .c)
list(REMOVE_ITEM differential_sources ${differential_program})
add_library(differential_work STATIC ${differential_sources})
target_link_libraries(differential_work PUBLIC dltune_library)

add_executable(differential ${differential_program})
target_link_libraries(differential PRIVATE differential_work)
add_dependencies(differential dltune dltune-worker)

# Fixed seeds and numbers of cases, a part of a minute each; tools/differential-night.sh draws others.
foreach(test "operators;1;1500;--only;operators" "expressions;2;3500;--only;expressions"
             "tuned;3;6;--mode;tuned")
  list(POP_FRONT test name seed cases)
  add_test(NAME differential/${name}
    COMMAND differential --program $<TARGET_FILE:dltune> --seed ${seed} --seconds 40
            --count ${cases} ${test})
  set_tests_properties(differential/${name} PROPERTIES TIMEOUT 900)
endforeach()

file(GLOB naive_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/naive/*.c)
add_executable(bench_naive EXCLUDE_FROM_ALL ${naive_sources})
target_link_libraries(bench_naive PRIVATE differential_work)
target_include_directories(bench_naive PRIVATE ${CMAKE_SOURCE_DIR})
add_dependencies(bench_naive dltune dltune-worker)
