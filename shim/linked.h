// SPDX-License-Identifier: Apache-2.0
//
// The shim for libraries that link to it, instead of programs that have it preloaded. Their calls
// go to the C library, which the loader finds first; so the driver's have names of their own here.
// Each is what the C library's function of that name does on a binder device. Any thread.
#pragma once

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// A device of the agent if one is meant, otherwise the kernel's: an agent is meant if
// NETBINDER_SOCKET names one, or if there is one at the default place. `dialect` is how the library
// will speak to the service manager, as in NETBINDER_DIALECT, which comes before it.
__attribute__((visibility("default"))) int netbinder_linked_open(const char* path, int flags,
                                                                 const char* dialect);
__attribute__((visibility("default"))) int netbinder_linked_ioctl(int fd, unsigned long request,
                                                                  void* argument);
__attribute__((visibility("default"))) void* netbinder_linked_mmap(void* address, size_t length,
                                                                   int protection, int flags,
                                                                   int fd);
__attribute__((visibility("default"))) int netbinder_linked_close(int fd);

#ifdef __cplusplus
}
#endif
