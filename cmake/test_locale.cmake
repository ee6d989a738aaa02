# Tests once more in a locale with a decimal comma: the library may not mind what its program chose.
#
# The locale is made here, of Debian's package `locales`, and used through LOCPATH: nothing is
# installed. What takes long without printing or reading a number is left out, and so is the build
# with sanitizers.
set(locale_name de_DE.UTF-8)
set(locale_folder ${CMAKE_BINARY_DIR}/locale)
set(locale_environment "LC_ALL=${locale_name};LOCPATH=${locale_folder}")
set(locale_left_out costmodel/test_model db/test_files db/test_open export/test_export
    export/test_versions ir/test_deinterleave ir/test_gather_reductions ir/test_points
    ir/test_random_operators ir/test_random_tiles ir/test_tile_bound ir/test_transpose
    measure/test_finalists measure/test_native measure/test_outcomes measure/test_threads
    schedules/test_random search/test_network search/test_strategies search/test_tuner_strategies
    targets/test_debugger targets/test_encode targets/test_link)
find_program(LOCALEDEF localedef)
if(LOCALEDEF AND NOT EXISTS ${locale_folder}/${locale_name})
  file(MAKE_DIRECTORY ${locale_folder})
  execute_process(COMMAND ${LOCALEDEF} -i de_DE -f UTF-8 ${locale_folder}/${locale_name}
    OUTPUT_QUIET ERROR_QUIET)
endif()
if(NOT EXISTS ${locale_folder}/${locale_name})
  message(STATUS "no tests with a decimal comma: localedef and the package locales are needed")
endif()

# test_in_locale(TEST PROGRAM)
function(test_in_locale test program)
  if(EXISTS ${locale_folder}/${locale_name} AND NOT DLTUNE_SANITIZE AND
     NOT test IN_LIST locale_left_out)
    add_test(NAME comma/${test} COMMAND ${program})
    set_tests_properties(comma/${test} PROPERTIES TIMEOUT 900 LABELS comma
      ENVIRONMENT "${locale_environment}")
  endif()
endfunction()
