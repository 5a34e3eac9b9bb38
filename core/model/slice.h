// SPDX-License-Identifier: Apache-2.0
//
// How much of a long piece of work is done in one go, in units of the work's own: an object ended,
// an object shown. What is left waits until others have had their turn.
#pragma once

#include <cstddef>

namespace netbinder {

class Slice {
 public:
  explicit Slice(std::size_t units) : left_(units) {}

  // Takes a unit. False: the slice is over.
  [[nodiscard]] bool take() {
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  // Work of that many units was done at once. It is at the cost of what is left.
  void use(std::size_t units) { left_ -= units < left_ ? units : left_; }
  [[nodiscard]] bool over() const { return left_ == 0; }

 private:
  std::size_t left_;
};

}  // namespace netbinder
