// SPDX-License-Identifier: Apache-2.0
//
// Lines of the C++ headers about calls that cannot work, on stderr.
#pragma once

#include <stdio.h>

#define NDK_BINDER_LOG(text) ((void)fputs("binder: " text "\n", stderr))
