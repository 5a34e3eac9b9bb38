// SPDX-License-Identifier: Apache-2.0
// AParcel through the C API.
#include <aidl/netbinder/test/BnEcho.h>
#include <android/binder_enums.h>
#include <android/binder_parcel.h>
#include <android/binder_parcelable_utils.h>
#include <android/binder_to_string.h>
#include <gtest/gtest.h>
TEST(NdkParcel, X) {}
