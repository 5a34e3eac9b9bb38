// SPDX-License-Identifier: Apache-2.0
//
// Defines a function that takes the place of the C library's `symbol`. It has a C++ name of its
// own, so that its declaration need not agree with the headers' in attributes.
#pragma once

#define NETBINDER_INTERPOSE(result, name, symbol, ...)                                        \
  extern "C" __attribute__((visibility("default"))) result name(__VA_ARGS__) __asm__(symbol); \
  extern "C" result name(__VA_ARGS__)
