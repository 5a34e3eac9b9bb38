// SPDX-License-Identifier: Apache-2.0
//
// Determines the version of Android's libbinder in a program, by the methods of IServiceManager
// that its loaded libraries define.
#pragma once

namespace netbinder {

// The matching dialect of the service manager, "android11" … "android16"; empty if there is no
// libbinder. The first call searches, and later ones give the same answer.
const char* dialect_of_libbinder();

// A library that is linked to the shim says what it speaks: one of those names, of static storage,
// which is the answer from now on.
void say_dialect(const char* dialect);

}  // namespace netbinder
