# SPDX-License-Identifier: Apache-2.0
# netbinder_add_aidl(TARGET FILES FILE… [IMPORTS FOLDER…] [STABILITY vintf])
#
# C++ of AIDL files, by `aidl --lang=ndk`, as the library TARGET, or as a part of TARGET if there is one. What links it
# includes <aidl/PACKAGE/NAME.h>, and is linked with libbinder_ndk. FILE is in the folders of its package, below the folder
# that imports are relative to; IMPORTS are others. STABILITY vintf is for interfaces with @VintfStability, and needs an
# aidl newer than Debian's 10. NETBINDER_AIDL is the compiler.
#
# LIBRARY TARGET is for what is linked in place of libbinder_ndk.
find_program(NETBINDER_AIDL aidl DOC "The AIDL compiler (package aidl)")

function(_netbinder_aidl_help result)
  if(NOT DEFINED CACHE{NETBINDER_AIDL_HELP})
    # It has no way to ask for its version, and its help is an error to some of them.
    execute_process(COMMAND "${NETBINDER_AIDL}" --help OUTPUT_VARIABLE out ERROR_VARIABLE err)
    set(NETBINDER_AIDL_HELP "${out}${err}" CACHE INTERNAL "What the AIDL compiler says of itself")
  endif()
  set(${result} "${NETBINDER_AIDL_HELP}" PARENT_SCOPE)
endfunction()

function(netbinder_add_aidl target)
  cmake_parse_arguments(PARSE_ARGV 1 aidl "" "STABILITY;LIBRARY" "FILES;IMPORTS")
  if(aidl_UNPARSED_ARGUMENTS OR NOT aidl_FILES)
    message(FATAL_ERROR "netbinder_add_aidl(${target} FILES FILE… [IMPORTS FOLDER…] [STABILITY vintf])")
  endif()
  if(NOT NETBINDER_AIDL)
    message(FATAL_ERROR "netbinder_add_aidl: there is no AIDL compiler; Debian's package is called aidl")
  endif()
  set(options --lang=ndk)
  if(aidl_STABILITY)
    if(NOT aidl_STABILITY STREQUAL "vintf")
      message(FATAL_ERROR "netbinder_add_aidl: the only STABILITY is vintf")
    endif()
    _netbinder_aidl_help(help)
    if(NOT help MATCHES "--stability")
      message(FATAL_ERROR "netbinder_add_aidl: ${NETBINDER_AIDL} is too old for STABILITY vintf")
    endif()
    list(APPEND options --structured --stability vintf)
  endif()

  set(out "${CMAKE_CURRENT_BINARY_DIR}/${target}.aidl")
  set(inputs "")
  set(roots ${aidl_IMPORTS})
  set(sources "")
  foreach(file IN LISTS aidl_FILES)
    cmake_path(ABSOLUTE_PATH file NORMALIZE)
    file(STRINGS "${file}" package REGEX "^[ \t]*package[ \t]+[A-Za-z0-9_.]+[ \t]*;")
    string(REGEX REPLACE "^[ \t]*package[ \t]+([A-Za-z0-9_.]+).*" "\\1" package "${package}")
    string(REPLACE "." "/" package_folder "${package}")
    cmake_path(GET file PARENT_PATH folder)
    if(package_folder)
      if(NOT folder MATCHES "/${package_folder}$")
        message(FATAL_ERROR "netbinder_add_aidl: ${file} is of package ${package}, but not in a folder ${package_folder}")
      endif()
      string(REGEX REPLACE "/${package_folder}$" "" folder "${folder}")
    endif()
    list(APPEND roots "${folder}")
    list(APPEND inputs "${file}")
    cmake_path(GET file STEM name)
    list(APPEND sources "${out}/src/${package_folder}/${name}.cpp")
  endforeach()
  list(REMOVE_DUPLICATES roots)
  list(TRANSFORM roots PREPEND "-I" OUTPUT_VARIABLE imports)

  set(commands "")
  foreach(input source IN ZIP_LISTS inputs sources)
    add_custom_command(OUTPUT "${source}"
      COMMAND "${NETBINDER_AIDL}" ${options} ${imports} -o "${out}/src" -h "${out}/include" "${input}"
      DEPENDS ${inputs}
      COMMENT "AIDL ${input}"
      VERBATIM)
  endforeach()
  # Others include the headers, and are to wait for them.
  add_custom_target(${target}_aidl DEPENDS ${sources})

  if(TARGET ${target})
    target_sources(${target} PRIVATE ${sources})
  else()
    add_library(${target} STATIC ${sources})
  endif()
  add_dependencies(${target} ${target}_aidl)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "EXECUTABLE")
    set(scope PRIVATE)
  else()
    set(scope PUBLIC)
  endif()
  # Generated code does not follow our rules for warnings.
  target_include_directories(${target} SYSTEM ${scope} "${out}/include")
  set_source_files_properties(${sources} PROPERTIES COMPILE_OPTIONS "-w")
  if(aidl_STABILITY)
    target_compile_definitions(${target} ${scope} BINDER_STABILITY_SUPPORT)
  endif()
  if(NOT aidl_LIBRARY)
    set(aidl_LIBRARY binder_ndk)
    if(TARGET netbinder::binder_ndk)
      set(aidl_LIBRARY netbinder::binder_ndk)
    endif()
  endif()
  target_link_libraries(${target} ${scope} ${aidl_LIBRARY})
endfunction()
