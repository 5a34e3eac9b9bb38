// SPDX-License-Identifier: Apache-2.0
//
// How the codec leaves a message at whatever depth it has found something wrong in it. Thrown inside
// codec_encode.cc and codec_decode.cc only, whose functions return it as a value.
#pragma once

#include <string>

namespace netbinder::codec {

struct Invalid {
  std::string what;
};

inline void check(bool valid, const char* what) {
  if (!valid) throw Invalid{what};
}

}  // namespace netbinder::codec
