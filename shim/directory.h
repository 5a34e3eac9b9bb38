// SPDX-License-Identifier: Apache-2.0
//
// The directories of a binderfs and of the debug files, which can be listed like real ones. Any
// thread, but as with a DIR only one thread at a time may use a Directory.
#pragma once

#include <dirent.h>

#include "shim/device_path.h"

namespace netbinder {

// The object behind a DIR* that came from the shim.
class Directory;

// The Directory of a path of kind kDirectory; null with errno.
Directory* open_directory(const DevicePath& path);
// The Directory behind a DIR*; null if it is not ours. Costs one load while none is open.
Directory* find_directory(const void* handle);
// The next entry, or null at the end; valid until the next call.
struct dirent* next_entry(Directory& directory);
void rewind_directory(Directory& directory);
// Its descriptor, which is closed with it; made when it is first asked for. -1 with errno.
int descriptor_of(Directory& directory);
void set_descriptor(Directory& directory, int fd);
void close_directory(Directory& directory);

}  // namespace netbinder
