# Generated code alone: tiles beside the peak, moves beside a plain copy.
foreach(bench tile_peak move_speed ready threads)
  add_executable(bench_${bench} EXCLUDE_FROM_ALL bench/${bench}.c)
  target_link_libraries(bench_${bench} PRIVATE dltune_measure m)
endforeach()

# bench_math_speed: functions of generated code beside SLEEF's and oneDNN's, which are optional.
add_executable(bench_math_speed EXCLUDE_FROM_ALL bench/math_speed.c)
target_link_libraries(bench_math_speed PRIVATE dltune_targets)
find_path(SLEEF_INCLUDE sleef.h)
find_library(SLEEF_LIBRARY NAMES sleef)
if(SLEEF_INCLUDE AND SLEEF_LIBRARY)
  target_sources(bench_math_speed PRIVATE bench/math_speed_peers.c)
  set_source_files_properties(bench/math_speed_peers.c PROPERTIES
    COMPILE_OPTIONS "-O2;-mavx512f;-mavx2;-mfma")
  target_compile_definitions(bench_math_speed PRIVATE DLTUNE_SLEEF)
  target_link_libraries(bench_math_speed PRIVATE ${SLEEF_LIBRARY})
endif()
if(ONEDNN_INCLUDE AND ONEDNN_LIBRARY)
  target_sources(bench_math_speed PRIVATE bench/math_speed_onednn.c)
  target_compile_definitions(bench_math_speed PRIVATE DLTUNE_ONEDNN)
  target_link_libraries(bench_math_speed PRIVATE ${ONEDNN_LIBRARY})
endif()
