// SPDX-License-Identifier: Apache-2.0
//
// Everything of this library is there, whatever API level a program asks about.
#pragma once

#ifndef __INTRODUCED_IN_LLNDK
#define __INTRODUCED_IN_LLNDK(vendor_api_level)
#endif
#ifndef API_LEVEL_AT_LEAST
#define API_LEVEL_AT_LEAST(sdk_api_level, vendor_api_level) (true)
#endif
