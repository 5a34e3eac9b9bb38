# SPDX-License-Identifier: Apache-2.0
# All C++ targets of ours share these: link netbinder_options (PRIVATE, or PUBLIC for a library with headers).

set(NETBINDER_SANITIZE "" CACHE STRING "Sanitizers for our C++ targets: empty, address,undefined or thread")
set_property(CACHE NETBINDER_SANITIZE PROPERTY STRINGS "" "address,undefined" "thread")
if(NOT NETBINDER_SANITIZE MATCHES "^(|address,undefined|thread)$")
  message(FATAL_ERROR "NETBINDER_SANITIZE must be empty, \"address,undefined\" or \"thread\"")
endif()

# Without -DNDEBUG: our assertions stay on in the optimised build.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2")
if(NETBINDER_DEBUG_INFO)
  string(APPEND CMAKE_C_FLAGS_RELWITHDEBINFO " -g")
  string(APPEND CMAKE_CXX_FLAGS_RELWITHDEBINFO " -g")
endif()

# "generated/version.h", for the few units that say it.
configure_file("${PROJECT_SOURCE_DIR}/cmake/version.h.in" "${PROJECT_BINARY_DIR}/include/generated/version.h" @ONLY)
add_library(netbinder_version INTERFACE)
target_include_directories(netbinder_version INTERFACE "${PROJECT_BINARY_DIR}/include")

find_program(NETBINDER_CCACHE ccache)
if(NETBINDER_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${NETBINDER_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${NETBINDER_CCACHE}")
endif()

# The warnings for C and C++, also for targets that are not linked with netbinder_options.
set(NETBINDER_WARNINGS -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
if(NETBINDER_WERROR)
  list(APPEND NETBINDER_WARNINGS -Werror)
endif()

add_library(netbinder_options INTERFACE)
# Headers are included by their path from the root: "core/driver.h".
target_include_directories(netbinder_options INTERFACE "${PROJECT_SOURCE_DIR}")
target_compile_options(netbinder_options INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:${NETBINDER_WARNINGS};-Wsuggest-override>")
if(NETBINDER_FUZZ)
  # clang 16 has what libstdc++ 12 asks of a compiler before it offers std::expected, but says so
  # in a macro only since clang 19.
  target_compile_options(netbinder_options INTERFACE
    -fsanitize=fuzzer-no-link -D__cpp_concepts=202002L -Wno-macro-redefined)
endif()
# Simulations run the core, the service managers and membership for minutes, under the sanitizers, too: optimised
# a step more than the rest, they take two thirds of the time.
set(NETBINDER_SIMULATED_OPTIONS "")
if(NETBINDER_SANITIZE)
  set(NETBINDER_SIMULATED_OPTIONS -O1)
  target_compile_options(netbinder_options INTERFACE
    -fsanitize=${NETBINDER_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(netbinder_options INTERFACE -fsanitize=${NETBINDER_SANITIZE})
  if(NETBINDER_SANITIZE STREQUAL "thread")
    # The channel's fences order memory shared with another process, which this sanitizer cannot see anyway.
    target_compile_options(netbinder_options INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
endif()
