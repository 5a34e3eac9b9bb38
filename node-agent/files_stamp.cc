// SPDX-License-Identifier: Apache-2.0
#include "node-agent/files_stamp.h"

#include <sys/stat.h>

namespace netbinder {

FilesStamp::FilesStamp(std::span<const std::string> files) {
  for (const std::string& file : files) {
    struct stat status {};  // of a file that is not there: zeros
    (void)::stat(file.c_str(), &status);
    files_.emplace_back(file, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                        status.st_mtim.tv_nsec);
  }
}

}  // namespace netbinder
