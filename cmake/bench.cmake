# dltune-bench: kernels beside those of other libraries. Each library is optional; what is not found
# is listed as not installed and nothing else changes (tools/install-packages.sh --peers gets all).
#
# The libraries are linked to the worker only, never to what users link or run to tune.
option(DLTUNE_PEERS "look for other libraries to compare with in benchmarks" ON)
if(DLTUNE_PEERS)
  find_path(ONEDNN_INCLUDE dnnl.h)
  find_library(ONEDNN_LIBRARY NAMES dnnl)
  pkg_check_modules(OPENBLAS IMPORTED_TARGET openblas)
  pkg_check_modules(LIBXSMM IMPORTED_TARGET libxsmm libxsmmnoblas)
  find_path(XNNPACK_INCLUDE xnnpack.h)
  find_library(XNNPACK_LIBRARY NAMES XNNPACK xnnpack)
  find_library(PTHREADPOOL_LIBRARY NAMES pthreadpool)
endif()

set(peer_files bench/peers/peers.c bench/problem.c)
set(peer_links dltune_measure)
set(peer_definitions)
if(ONEDNN_INCLUDE AND ONEDNN_LIBRARY)
  list(APPEND peer_files bench/peers/onednn.c bench/peers/onednn_operands.c)
  list(APPEND peer_links ${ONEDNN_LIBRARY})
  list(APPEND peer_definitions HAVE_ONEDNN)
endif()
if(OPENBLAS_FOUND)
  list(APPEND peer_files bench/peers/openblas.c)
  list(APPEND peer_links PkgConfig::OPENBLAS)
  list(APPEND peer_definitions HAVE_OPENBLAS)
  # Its pass for epilogues is to be as fast as one written by hand.
  set_source_files_properties(bench/peers/openblas.c PROPERTIES COMPILE_OPTIONS -O3)
endif()
if(LIBXSMM_FOUND)
  list(APPEND peer_files bench/peers/libxsmm.c)
  list(APPEND peer_links PkgConfig::LIBXSMM)
  list(APPEND peer_definitions HAVE_LIBXSMM)
endif()
if(XNNPACK_INCLUDE AND XNNPACK_LIBRARY AND PTHREADPOOL_LIBRARY)
  list(APPEND peer_files bench/peers/xnnpack.c)
  list(APPEND peer_links ${XNNPACK_LIBRARY} ${PTHREADPOOL_LIBRARY})
  list(APPEND peer_definitions HAVE_XNNPACK)
endif()

module(dltune_peers FILES ${peer_files} FOLDERS bench/worker EXCEPT bench/worker/main.c
       LINKS ${peer_links} dltune_json)
target_compile_definitions(dltune_peers PRIVATE ${peer_definitions})
add_executable(dltune-bench-worker bench/worker/main.c)
target_link_libraries(dltune-bench-worker PRIVATE dltune_peers)
install(TARGETS dltune-bench-worker RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/dltune)

# What runs workers and makes tables of their answers. It links none of the libraries.
# Curves of searches: read, judged, drawn (docs/search.md).
module(dltune_curves FILES bench/curves.c bench/regret_plot.c LINKS dltune_base)

module(dltune_bench FILES bench/bench.c bench/process.c bench/environment.c bench/table.c
       bench/baseline.c LINKS dltune_measure dltune_db dltune_json)
add_executable(dltune-bench bench/dltune_bench.c)
target_link_libraries(dltune-bench PRIVATE dltune_bench)
add_dependencies(dltune-bench dltune-bench-worker)

file(GLOB bench_tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/bench/test_*.c)
foreach(file ${bench_tests})
  get_filename_component(test ${file} NAME_WE)
  add_executable(bench_${test} ${file})
  target_link_libraries(bench_${test} PRIVATE dltune_bench dltune_curves dltune_peers PkgConfig::CMOCKA)
  target_compile_definitions(bench_${test} PRIVATE WORKER="$<TARGET_FILE:dltune-bench-worker>")
  add_dependencies(bench_${test} dltune-bench-worker)
  add_test(NAME bench/${test} COMMAND bench_${test})
  set_tests_properties(bench/${test} PROPERTIES TIMEOUT 900)
endforeach()

# What ships: kernels for shapes that nobody tuned, and others (docs/benchmarks.md).
add_executable(bench_adapted EXCLUDE_FROM_ALL bench/adapted.c bench/worker/kernel.c
               bench/worker/interleave.c)
add_executable(bench_queries EXCLUDE_FROM_ALL bench/queries.c)
foreach(bench adapted queries)
  target_link_libraries(bench_${bench} PRIVATE dltune_runtime dltune_measure m)
endforeach()

# Exported libraries of whole lists; that they are right is a test.
add_executable(bench_exported bench/exported.c bench/worker/kernel.c bench/worker/interleave.c
               bench/worker/sample.c)
target_link_libraries(bench_exported PRIVATE dltune_export dltune_measure dltune_db m dl)
target_compile_definitions(bench_exported PRIVATE
  DRIVER="${CMAKE_SOURCE_DIR}/bench/exported_driver.c")
foreach(suite resnet50 gemm_square)
  add_test(NAME export/suite_${suite}
           COMMAND bench_exported --check ${CMAKE_SOURCE_DIR}/bench/suites/${suite}.txt)
  set_tests_properties(export/suite_${suite} PROPERTIES TIMEOUT 900)
endforeach()
