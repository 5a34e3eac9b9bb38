// SPDX-License-Identifier: Apache-2.0
#include "tests/ndk/plain_object.h"

namespace netbinder::testing {

int& plain_objects() {
  static int count = 0;
  return count;
}

AIBinder_Class* plain_class() {
  static AIBinder_Class* const clazz = AIBinder_Class_define(
      kPlainDescriptor,
      [](void* args) {
        ++plain_objects();
        return args;
      },
      [](void*) { --plain_objects(); },
      [](AIBinder*, transaction_code_t code, const AParcel* in, AParcel* out) -> binder_status_t {
        if (code != kRepeat) return STATUS_UNKNOWN_TRANSACTION;
        int32_t number = 0;
        const binder_status_t status = AParcel_readInt32(in, &number);
        return status == STATUS_OK ? AParcel_writeInt32(out, number) : status;
      });
  return clazz;
}

::ndk::SpAIBinder make_plain_object() {
  return ::ndk::SpAIBinder(AIBinder_new(plain_class(), plain_class()));
}

}  // namespace netbinder::testing
