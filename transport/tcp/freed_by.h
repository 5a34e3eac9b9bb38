// SPDX-License-Identifier: Apache-2.0
//
// Owners of what a C library gives out and takes back with a function of its own:
// std::unique_ptr<X509, FreedBy<X509_free>>. Any thread.
#pragma once

namespace netbinder {

template <auto free_function>
struct FreedBy {
  template <typename T>
  void operator()(T* object) const {
    free_function(object);
  }
};

}  // namespace netbinder
