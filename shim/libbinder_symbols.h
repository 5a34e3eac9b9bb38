// SPDX-License-Identifier: Apache-2.0
//
// Which version of Android's libbinder a program has, by the methods of IServiceManager that its
// loaded libraries define.
#pragma once

namespace netbinder {

// The service manager's dialect that goes with it, "android11" … "android16"; empty: there is no
// libbinder. Looks at the first call, and answers the same from then on.
const char* dialect_of_libbinder();

}  // namespace netbinder
