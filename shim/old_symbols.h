// SPDX-License-Identifier: Apache-2.0
//
// The library is built with a newer C library than some that it is loaded beside. Symbols that have
// moved from one library to another since then are bound by their oldest version, which all of them
// have. To be included by the files that use such symbols.
#pragma once

#if defined(__x86_64__)
__asm__(".symver dlsym, dlsym@GLIBC_2.2.5");
__asm__(".symver dlopen, dlopen@GLIBC_2.2.5");
#elif defined(__aarch64__)
__asm__(".symver dlsym, dlsym@GLIBC_2.17");
__asm__(".symver dlopen, dlopen@GLIBC_2.17");
#elif defined(__i386__)
__asm__(".symver dlsym, dlsym@GLIBC_2.0");
__asm__(".symver dlopen, dlopen@GLIBC_2.1");
#endif
