// SPDX-License-Identifier: Apache-2.0
// The headers are C's, too.
#include <android/binder_ibinder.h>
#include <android/binder_ibinder_jni.h>
#include <android/binder_ibinder_platform.h>
#include <android/binder_manager.h>
#include <android/binder_parcel_jni.h>
#include <android/binder_parcel_platform.h>
#include <android/binder_process.h>
#include <android/binder_shell.h>
#include <android/binder_stability.h>
#include <android/persistable_bundle.h>

int main(void) {
  AParcel* const parcel = AParcel_create();
  const int status = AParcel_writeInt32(parcel, 1);
  AParcel_delete(parcel);
  return status;
}
