// SPDX-License-Identifier: Apache-2.0
//
// Simulated open files. An OpenFile is one reference to a file, like a descriptor: it is moved,
// never copied, and closed when it ends, so exactly once. A number identifies the file; the errand
// says what the reference travels with.
//
// The OpenFiles of a World counts all references, wherever they are.
#pragma once

#include <cstdint>
#include <utility>

namespace netbinder::sim {

// 0 is none.
using FileId = std::uint64_t;

// The call or reply that a reference travels with.
struct Errand {
  std::uint64_t call = 0;
  bool of_reply = false;
  friend bool operator==(const Errand&, const Errand&) = default;
};

class OpenFiles;

class OpenFile {
 public:
  OpenFile() = default;
  OpenFile(OpenFiles& all, FileId id, Errand errand = {});
  OpenFile(OpenFile&& other) noexcept
      : all_(std::exchange(other.all_, nullptr)), id_(other.id_), errand_(other.errand_) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    if (this == &other) return *this;
    close();
    all_ = std::exchange(other.all_, nullptr);
    id_ = other.id_;
    errand_ = other.errand_;
    return *this;
  }
  ~OpenFile() { close(); }

  [[nodiscard]] explicit operator bool() const { return all_ != nullptr; }
  [[nodiscard]] FileId id() const { return id_; }
  [[nodiscard]] const Errand& errand() const { return errand_; }
  // One more reference, for another errand.
  [[nodiscard]] OpenFile duplicate(Errand errand) const { return {*all_, id_, errand}; }
  void close();

 private:
  OpenFiles* all_ = nullptr;
  FileId id_ = 0;
  Errand errand_;
};

class OpenFiles {
 public:
  [[nodiscard]] OpenFile create() { return {*this, ++last_}; }
  [[nodiscard]] std::uint64_t open() const { return open_; }

 private:
  friend class OpenFile;
  FileId last_ = 0;
  std::uint64_t open_ = 0;
};

inline OpenFile::OpenFile(OpenFiles& all, FileId id, Errand errand)
    : all_(&all), id_(id), errand_(errand) {
  ++all.open_;
}

inline void OpenFile::close() {
  if (all_ != nullptr) --std::exchange(all_, nullptr)->open_;
}

}  // namespace netbinder::sim
