// SPDX-License-Identifier: Apache-2.0
// Parts that the C API cannot reach: buffers of a driver, binder's own codes, other dialects.
#include <android/binder_ibinder_platform.h>
#include <android/binder_parcel_utils.h>
#include <android/binder_shell.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/android/binder.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "ndk/parcel/format.h"
#include "ndk/parcel/parcel.h"
#include "ndk/process/binder_object.h"
#include "ndk/process/codes.h"
#include "parcel/text.h"
#include "tests/ndk/plain_object.h"

namespace netbinder::testing {
namespace {

using ndk::Dialect;
using ndk::Stability;
using ::testing::ElementsAre;

// ---- buffers of a driver ----

class Buffer final : public ndk::BufferOwner {
 public:
  void free_buffer(const void* data, std::size_t size, bool with_objects) override {
    EXPECT_EQ(data, words.data());
    EXPECT_EQ(size, words.size() * sizeof(words[0]));
    EXPECT_EQ(with_objects, !offsets.empty());
    ++freed;
  }
  void receive(ndk::Parcel& parcel) {
    parcel.receive(words.data(), words.size() * sizeof(words[0]), offsets.data(), offsets.size(),
                   *this);
  }

  std::vector<std::uint32_t> words;
  std::vector<binder_size_t> offsets;
  int freed = 0;
};

TEST(NdkInternal, ABufferIsGivenBackOnce) {
  Buffer buffer;
  buffer.words = {1, 2};
  {
    AParcel parcel;
    buffer.receive(parcel);
    std::int32_t value = 0;
    EXPECT_EQ(parcel.read(value), STATUS_OK);
    EXPECT_EQ(value, 1);
    EXPECT_EQ(parcel.write<std::int32_t>(3), STATUS_INVALID_OPERATION);
    EXPECT_EQ(parcel.set_capacity(100), STATUS_INVALID_OPERATION);
    EXPECT_EQ(AParcel_reset(&parcel), STATUS_OK);
    EXPECT_EQ(buffer.freed, 1);
    EXPECT_EQ(parcel.write<std::int32_t>(3), STATUS_OK);
  }
  EXPECT_EQ(buffer.freed, 1);
}

TEST(NdkInternal, ReceivedDescriptorsAreClosedAndCopied) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  Buffer buffer;
  buffer.words = {1, 0, BINDER_TYPE_FD, 0, static_cast<std::uint32_t>(ends[1]), 0, 0, 0};
  buffer.offsets = {8};
  int copy = -1;
  {
    AParcel parcel;
    buffer.receive(parcel);
    ASSERT_EQ(AParcel_readParcelFileDescriptor(&parcel, &copy), STATUS_OK);
  }
  EXPECT_EQ(buffer.freed, 1);
  EXPECT_EQ(::close(ends[1]), -1);
  EXPECT_EQ(::write(copy, "x", 1), 1);
  ::close(copy);
  ::close(ends[0]);
}

TEST(NdkInternal, OffsetsOutsideOfTheDataAreNothing) {
  for (const std::vector<binder_size_t>& offsets :
       {std::vector<binder_size_t>{1000}, std::vector<binder_size_t>{16},
        std::vector<binder_size_t>{~binder_size_t{0}}}) {
    Buffer buffer;
    buffer.words = {BINDER_TYPE_FD, 0, 12345, 0, 0, 0, 0, 0};
    buffer.offsets = offsets;
    AParcel parcel;
    buffer.receive(parcel);
    int fd = -1;
    EXPECT_NE(parcel.read_fd(fd), STATUS_OK);
  }
}

TEST(NdkInternal, ALocalObjectInABuffer) {
  const ::ndk::SpAIBinder object = make_plain_object();
  const auto address = reinterpret_cast<std::uint64_t>(object.get());
  Buffer buffer;
  buffer.words = {BINDER_TYPE_BINDER, 0, 0, 0, 0, 0, 0x0c};
  std::memcpy(&buffer.words[2], &address, sizeof address);
  std::memcpy(&buffer.words[4], &address, sizeof address);
  buffer.offsets = {0};
  AParcel parcel;
  buffer.receive(parcel);
  ::ndk::SpAIBinder read;
  ASSERT_EQ(parcel.read_binder(*read.getR()), STATUS_OK);
  EXPECT_EQ(read, object);
}

TEST(NdkInternal, AnObjectWithoutAStabilityIsNotTaken) {
  for (const std::uint32_t word : {0U, 1U, 5U, 0x0d000001U, 0x0c000101U}) {
    Buffer buffer;
    buffer.words = {BINDER_TYPE_HANDLE, 0, 7, 0, 0, 0, word};
    buffer.offsets = {0};
    AParcel parcel;
    buffer.receive(parcel);
    AIBinder* read = nullptr;
    EXPECT_EQ(parcel.read_binder(read), STATUS_BAD_TYPE) << word;
    EXPECT_EQ(read, nullptr);
  }
}

// ---- dialects ----

TEST(NdkInternal, Stabilities) {
  EXPECT_EQ(stability_word(Dialect::kAndroid11, Stability::kVintf), 0x3fU);
  EXPECT_EQ(stability_word(Dialect::kAndroid12, Stability::kSystem), 0x0c000001U);
  EXPECT_EQ(stability_word(Dialect::kAndroid14, Stability::kVendor), 0x03U);
  EXPECT_EQ(null_stability_word(Dialect::kAndroid12), 1U);
  EXPECT_EQ(null_stability_word(Dialect::kAndroid13), 0U);
  EXPECT_FALSE(has_stability(Dialect::kAndroid10));
  for (const Stability level : {Stability::kVendor, Stability::kSystem, Stability::kVintf}) {
    for (const Dialect dialect : {Dialect::kAndroid11, Dialect::kAndroid12, Dialect::kAndroid16}) {
      EXPECT_EQ(stability_of_word(stability_word(dialect, level)), level);
    }
  }
}

TEST(NdkInternal, TokensOfEachDialect) {
  const auto words_before = [](Dialect dialect) {
    ndk::Parcel parcel;
    EXPECT_EQ(parcel.write_interface_token(dialect, "a"), STATUS_OK);
    return (parcel.size() - 8) / 4;
  };
  EXPECT_EQ(words_before(Dialect::kClassic), 1U);
  EXPECT_EQ(words_before(Dialect::kAndroid10), 2U);
  EXPECT_EQ(words_before(Dialect::kAndroid11), 3U);
  EXPECT_EQ(words_before(Dialect::kAndroid16), 3U);
}

TEST(NdkInternal, ObjectsInOldParcelsHaveNothingBehindThem) {
  const ::ndk::SpAIBinder object = make_plain_object();
  ndk::Parcel parcel;
  ASSERT_EQ(parcel.write_binder(object.get(), Dialect::kAndroid10), STATUS_OK);
  EXPECT_EQ(parcel.size(), sizeof(flat_binder_object));
  parcel.set_position(0);
  ::ndk::SpAIBinder read;
  ASSERT_EQ(parcel.read_binder(*read.getR(), Dialect::kClassic), STATUS_OK);
  EXPECT_EQ(read, object);
}

// ---- codes of binder's own ----

struct ShellClass {
  static AIBinder_Class* get() {
    static AIBinder_Class* const clazz = [] {
      AIBinder_Class* const made = AIBinder_Class_define(
          "netbinder.test.shell", [](void* args) { return args; }, [](void*) {},
          [](AIBinder*, transaction_code_t, const AParcel*, AParcel*) -> binder_status_t {
            return STATUS_OK;
          });
      AIBinder_Class_setHandleShellCommand(
          made,
          [](AIBinder*, int in, int out, int err, const char** args,
             uint32_t count) -> binder_status_t {
            EXPECT_GE(in, 0);
            for (uint32_t i = 0; i < count; ++i) ::dprintf(out, "<%s>", args[i]);
            ::dprintf(err, "!");
            return static_cast<binder_status_t>(count);
          });
      return made;
    }();
    return clazz;
  }
};

// Receives the result of a command.
struct Receiver {
  static AIBinder_Class* get() {
    static AIBinder_Class* const clazz = AIBinder_Class_define(
        "com.android.internal.os.IResultReceiver", [](void* args) { return args; }, [](void*) {},
        [](AIBinder* binder, transaction_code_t code, const AParcel* in,
           AParcel*) -> binder_status_t {
          EXPECT_EQ(code, 1U);
          return AParcel_readInt32(in, static_cast<int32_t*>(AIBinder_getUserData(binder)));
        });
    return clazz;
  }
};

binder_status_t run_command(AIBinder* target, int out, int err, AIBinder* receiver,
                            const std::vector<std::string>& words) {
  AParcel request(target);
  AParcel answer(target);
  for (const int fd : {STDIN_FILENO, out, err}) {
    EXPECT_EQ(request.write_fd(ndk::UniqueFd(::dup(fd))), STATUS_OK);
  }
  EXPECT_EQ(request.write(static_cast<std::int32_t>(words.size())), STATUS_OK);
  for (const std::string& word : words) EXPECT_EQ(request.write_string16(word), STATUS_OK);
  EXPECT_EQ(request.write_binder(nullptr), STATUS_OK);
  EXPECT_EQ(request.write_binder(receiver), STATUS_OK);
  return target->transact(ndk::kCodeShellCommand, request, &answer, 0);
}

TEST(NdkInternal, ShellCommands) {
  const ::ndk::SpAIBinder target(AIBinder_new(ShellClass::get(), nullptr));
  std::int32_t result = -1;
  const ::ndk::SpAIBinder receiver(AIBinder_new(Receiver::get(), &result));
  int out[2];
  int err[2];
  ASSERT_EQ(::pipe(out), 0);
  ASSERT_EQ(::pipe(err), 0);
  EXPECT_EQ(run_command(target.get(), out[1], err[1], receiver.get(), {"a", "ü"}), STATUS_OK);
  EXPECT_EQ(result, 2);
  char text[16] = {};
  EXPECT_EQ(::read(out[0], text, sizeof text), 7);
  EXPECT_STREQ(text, "<a><ü>");
  EXPECT_EQ(::read(err[0], text, sizeof text), 1);
  // Nobody needs to be told.
  EXPECT_EQ(run_command(target.get(), out[1], err[1], nullptr, {}), STATUS_OK);
  // A class that has no commands says so to the receiver.
  const ::ndk::SpAIBinder plain = make_plain_object();
  EXPECT_EQ(run_command(plain.get(), out[1], err[1], receiver.get(), {}), STATUS_OK);
  EXPECT_EQ(result, STATUS_INVALID_OPERATION);
  for (const int fd : {out[0], out[1], err[0], err[1]}) ::close(fd);
}

TEST(NdkInternal, MetaCodes) {
  const ::ndk::SpAIBinder target = make_plain_object();
  const auto call = [&](std::uint32_t code, AParcel& answer) {
    AParcel request(target.get());
    return target.get()->transact(code, request, &answer, 0);
  };
  {
    AParcel answer;
    EXPECT_EQ(call(ndk::kCodePing, answer), STATUS_OK);
  }
  {
    AParcel answer;
    std::string descriptor;
    EXPECT_EQ(call(ndk::kCodeInterface, answer), STATUS_OK);
    EXPECT_EQ(answer.read_string16(descriptor), STATUS_OK);
    EXPECT_EQ(descriptor, kPlainDescriptor);
  }
  {
    AParcel answer;
    std::int32_t pid = 0;
    EXPECT_EQ(call(ndk::kCodeDebugPid, answer), STATUS_OK);
    EXPECT_EQ(answer.read(pid), STATUS_OK);
    EXPECT_EQ(pid, ::getpid());
  }
  AParcel answer;
  EXPECT_EQ(call(ndk::kCodeSystemProperties, answer), STATUS_OK);
  EXPECT_EQ(call(0x5f585858, answer), STATUS_UNKNOWN_TRANSACTION);
  EXPECT_NE(call(ndk::kCodeDump, answer), STATUS_OK);  // without a descriptor
  EXPECT_NE(call(ndk::kCodeShellCommand, answer), STATUS_OK);
}

TEST(NdkInternal, FlagsOfObjects) {
  const ::ndk::SpAIBinder object = make_plain_object();
  flat_binder_object flat{};
  object.get()->describe(flat);
  EXPECT_EQ(flat.flags, 0x113U);  // nice 19 at least, descriptors accepted
  AIBinder_setRequestingSid(object.get(), true);
  AIBinder_setInheritRt(object.get(), true);
  AIBinder_setMinSchedulerPolicy(object.get(), 1, 5);
  object.get()->describe(flat);
  EXPECT_EQ(flat.flags, 0x1000U | 0x800U | (1U << 9U) | 0x100U | 5U);
}

}  // namespace
}  // namespace netbinder::testing
