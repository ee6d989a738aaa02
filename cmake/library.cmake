# libdltune: everything that programs need at run time in one archive, and what lets others find it.
# The tuner and its libraries (PAPI, XGBoost) are not part of it.
#
# All objects are linked into one, in which only the names of dltune/dltune.h stay visible, so that
# no inner name can meet one of the program's. There is no shared library, since Debian's libtcc is
# an archive of code that depends on its position.
set(runtime_modules dltune_base dltune_te dltune_description dltune_schedules dltune_ir
    dltune_targets dltune_db dltune_threads dltune_runtime)
set(runtime_objects)
foreach(module ${runtime_modules})
  if(NOT TARGET ${module})
    return()
  endif()
  list(APPEND runtime_objects $<TARGET_OBJECTS:${module}>)
endforeach()

set(whole_object ${CMAKE_BINARY_DIR}/libdltune.o)
add_custom_command(OUTPUT ${whole_object}
  COMMAND ${CMAKE_LINKER} -r -o ${whole_object} ${runtime_objects}
  COMMAND ${CMAKE_OBJCOPY} --localize-hidden ${whole_object}
  DEPENDS ${runtime_objects} COMMAND_EXPAND_LISTS VERBATIM)
set_source_files_properties(${whole_object} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
add_library(dltune_library STATIC ${whole_object})
set_target_properties(dltune_library PROPERTIES
  OUTPUT_NAME dltune EXPORT_NAME dltune LINKER_LANGUAGE C)
target_include_directories(dltune_library INTERFACE
  $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
set(runtime_links tcc Zydis sqlite3 pthreadpool dl m pthread)
target_link_libraries(dltune_library INTERFACE ${runtime_links})

install(TARGETS dltune_library EXPORT dltune-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(DIRECTORY include/dltune DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)

# find_package(dltune) gives the target dltune::dltune.
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

list(TRANSFORM runtime_links PREPEND -l OUTPUT_VARIABLE pc_links)
list(JOIN pc_links " " pc_links)
configure_file(cmake/dltune.pc.in dltune.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/dltune.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)

add_executable(run_from_database examples/run_from_database.c)
target_link_libraries(run_from_database PRIVATE dltune_library m)
install(FILES examples/run_from_database.c examples/use_exported.c
  DESTINATION ${CMAKE_INSTALL_DATADIR}/dltune/examples COMPONENT development)
