// SPDX-License-Identifier: Apache-2.0
//
// A local object without an interface: code 1 answers with the number that it is sent.
#pragma once

#include <android/binder_auto_utils.h>
#include <android/binder_ibinder.h>

namespace netbinder::testing {

inline constexpr char kPlainDescriptor[] = "netbinder.test.plain";
inline constexpr transaction_code_t kRepeat = FIRST_CALL_TRANSACTION;

// How many there are.
[[nodiscard]] int& plain_objects();
[[nodiscard]] AIBinder_Class* plain_class();
[[nodiscard]] ::ndk::SpAIBinder make_plain_object();

}  // namespace netbinder::testing
