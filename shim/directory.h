// SPDX-License-Identifier: Apache-2.0
//
// The directories of a binderfs and of the debug files, to be listed like real ones. Any thread,
// but one Directory is used by one at a time, as a DIR is.
#pragma once

#include <dirent.h>

#include "shim/device_path.h"

namespace netbinder {

// What stands behind a DIR* that the shim gave.
class Directory;

// A Directory of a path of kind kDirectory; null with errno.
Directory* open_directory(const DevicePath& path);
// The one behind a DIR*; null if that is none of ours. Costs a load while there is none.
Directory* find_directory(const void* handle);
// The next entry, or null at the end; valid until the next call.
struct dirent* next_entry(Directory& directory);
void rewind_directory(Directory& directory);
void close_directory(Directory& directory);

}  // namespace netbinder
