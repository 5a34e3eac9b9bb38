// SPDX-License-Identifier: Apache-2.0
//
// Included before everything else where clang compiles against Cap'n Proto 0.9: its headers compare
// a string of C with a StringPtr, in an order that clang 16 does not turn around any more because
// StringPtr has an operator!= (P2468).
#pragma once

#include <kj/string.h>

namespace kj {

inline bool operator==(const char* a, const StringPtr& b) { return StringPtr(a).operator==(b); }

}  // namespace kj
