// SPDX-License-Identifier: Apache-2.0
//
// The open files that a call or a reply brings along, each with the place of its descriptor in the
// receiver's buffer. Owns the files until the host program takes them over to install them, and
// drops those that it does not take over.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/model/effects.h"

namespace netbinder {

// A descriptor to be written into the receiver's buffer when it reads the transaction.
struct FileFixup {
  enum class Place : std::uint8_t {
    kObject,
    kArray,  // closed again when the buffer is freed
  };
  FileToken file;
  std::uint64_t offset = 0;  // in the buffer
  Place place = Place::kObject;
};

class FilesInFlight {
 public:
  FilesInFlight() = default;
  FilesInFlight(FilesInFlight&& other) noexcept
      : effects_(other.effects_), fixups_(std::exchange(other.fixups_, {})) {}
  FilesInFlight& operator=(FilesInFlight&& other) noexcept {
    if (this != &other) {
      drop();
      effects_ = other.effects_;
      fixups_ = std::exchange(other.fixups_, {});
    }
    return *this;
  }
  ~FilesInFlight() { drop(); }

  void add(Effects& effects, const FileFixup& fixup) {
    effects_ = &effects;
    fixups_.push_back(fixup);
  }
  [[nodiscard]] bool empty() const { return fixups_.empty(); }
  [[nodiscard]] std::size_t size() const { return fixups_.size(); }
  [[nodiscard]] const std::vector<FileFixup>& fixups() const { return fixups_; }
  // Drops those from `first` on.
  void drop(std::size_t first = 0) {
    if (effects_ != nullptr) {
      for (std::size_t i = first; i < fixups_.size(); ++i) effects_->drop_file(fixups_[i].file);
    }
    fixups_.resize(std::min(first, fixups_.size()));
  }
  // The host program takes the files over, to install them in this order; their places are kept.
  [[nodiscard]] std::vector<FileToken> hand_over() {
    std::vector<FileToken> files;
    for (const FileFixup& fixup : fixups_) files.push_back(fixup.file);
    effects_ = nullptr;
    return files;
  }

 private:
  Effects* effects_ = nullptr;  // null: there are no files, or they were handed over
  std::vector<FileFixup> fixups_;
};

}  // namespace netbinder
