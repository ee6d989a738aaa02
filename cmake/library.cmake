# What programs link, and what lets others find it.
#
#     libdltune        what a program needs at run time: it opens a database and runs kernels
#     libdltune-tune   the same and the tuner: expressions, tasks, schedules, tuning; it needs the
#                      tuner's libraries (PAPI, XGBoost, cJSON) as well
#
# A program links one of them. In each all objects are linked into one, in which only the names of
# include/dltune/ stay visible, so that no inner name can meet one of the program's. There is no
# shared library, since Debian's libtcc is an archive of code that depends on its position.
set(runtime_modules dltune_base dltune_te dltune_machine dltune_schedules dltune_ir
    dltune_targets dltune_db dltune_threads dltune_runtime)
set(tuner_modules ${runtime_modules} dltune_json dltune_costmodel dltune_measure dltune_search dltune_api)
foreach(module ${tuner_modules})
  if(NOT TARGET ${module})
    return()
  endif()
endforeach()

# The worker's program as bytes, without what only debuggers need.
set(worker_image ${CMAKE_BINARY_DIR}/dltune-worker.image)
add_custom_command(OUTPUT ${worker_image}
  COMMAND ${CMAKE_OBJCOPY} --strip-all $<TARGET_FILE:dltune-worker> ${worker_image}
  DEPENDS dltune-worker VERBATIM)
module(dltune_worker_image FOLDERS measure/worker_image LINKS dltune_base)
target_compile_definitions(dltune_worker_image PRIVATE WORKER_IMAGE="${worker_image}")
set_source_files_properties(${CMAKE_SOURCE_DIR}/measure/worker_image/image.c
  PROPERTIES OBJECT_DEPENDS ${worker_image})

# whole_library(TARGET NAME MODULES ... LINKS ...): libNAME.a, one object with the modules' code.
function(whole_library target name)
  cmake_parse_arguments(W "" "" "MODULES;LINKS" ${ARGN})
  set(objects)
  foreach(module ${W_MODULES})
    list(APPEND objects $<TARGET_OBJECTS:${module}>)
  endforeach()
  set(whole_object ${CMAKE_BINARY_DIR}/lib${name}.o)
  add_custom_command(OUTPUT ${whole_object}
    COMMAND ${CMAKE_LINKER} -r -o ${whole_object} ${objects}
    COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole_object}
    DEPENDS ${objects} COMMAND_EXPAND_LISTS VERBATIM)
  set_source_files_properties(${whole_object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  add_library(${target} STATIC ${whole_object})
  set_target_properties(${target} PROPERTIES
    OUTPUT_NAME ${name} EXPORT_NAME ${name} LINKER_LANGUAGE C)
  target_include_directories(${target} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} INTERFACE ${W_LINKS})
  install(TARGETS ${target} EXPORT dltune-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
endfunction()

# pkg_config(NAME DESCRIPTION LINKS...): NAME.pc
function(pkg_config pc_name pc_description)
  set(pc_links ${ARGN})
  list(TRANSFORM pc_links PREPEND -l)
  list(JOIN pc_links " " pc_links)
  # from where the file lies, so that `cmake --install --prefix` may choose another place
  file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
  configure_file(cmake/dltune.pc.in ${pc_name}.pc @ONLY)
  install(FILES ${CMAKE_BINARY_DIR}/${pc_name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
    COMPONENT development)
endfunction()

set(runtime_links tcc Zydis sqlite3 dl m pthread)
set(tuner_links ${runtime_links} papi z cjson)
if(DLTUNE_XGBOOST)
  list(APPEND tuner_links xgboost)
endif()
whole_library(dltune_library dltune MODULES ${runtime_modules} LINKS ${runtime_links})
whole_library(dltune_tune_library dltune-tune MODULES ${tuner_modules} dltune_worker_image
  LINKS ${tuner_links})
pkg_config(dltune "kernels for tensor operations, tuned ahead of time and kept in a database"
  ${runtime_links})
pkg_config(dltune-tune "tuning of kernels for tensor operations from a program" ${tuner_links})
install(DIRECTORY include/dltune DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

# find_package(dltune) gives the targets dltune::dltune and dltune::dltune-tune.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/dltune)
install(EXPORT dltune-targets NAMESPACE dltune:: DESTINATION ${package_folder}
  COMPONENT development)
configure_package_config_file(cmake/dltune-config.cmake.in dltune-config.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(dltune-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/dltune-config.cmake
  ${CMAKE_BINARY_DIR}/dltune-config-version.cmake DESTINATION ${package_folder}
  COMPONENT development)

add_executable(run_from_database examples/run_from_database.c)
target_link_libraries(run_from_database PRIVATE dltune_library m)
add_executable(tune_expression examples/tune_expression.c)
target_link_libraries(tune_expression PRIVATE dltune_tune_library m)
install(FILES examples/run_from_database.c examples/tune_expression.c examples/use_exported.c
  examples/use_exported_threads.cpp
  DESTINATION ${CMAKE_INSTALL_DATADIR}/dltune/examples COMPONENT development)
