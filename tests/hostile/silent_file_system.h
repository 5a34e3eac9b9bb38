// SPDX-License-Identifier: Apache-2.0
//
// A file system that is a program (FUSE), with one file, which answers until the file is open and
// then never again: whoever asks the file anything waits until this object ends.
#pragma once

#include <string>

namespace netbinder::testing {

class SilentFileSystem {
 public:
  // Mounted at a file of that folder. Needs root.
  explicit SilentFileSystem(const std::string& folder);
  ~SilentFileSystem();
  SilentFileSystem(const SilentFileSystem&) = delete;
  SilentFileSystem& operator=(const SilentFileSystem&) = delete;

  // In a child process: the file system is its parent's, and ends with that.
  void is_others() const;
  // The file, open for reading.
  [[nodiscard]] int file() const { return file_; }

 private:
  std::string path_;
  int device_ = -1;
  int file_ = -1;
};

}  // namespace netbinder::testing
