// SPDX-License-Identifier: Apache-2.0
//
// Parcels of any bytes, with objects and descriptors among them, read by every function of
// libbinder_ndk, by parcelables, and by the stubs of generated interfaces. Whatever is read, the
// parcel's position stays within what was asked of it, and in the end every object has the
// references that it had before.
//
// The input: a byte for the reader, and one for the number of objects, a byte for each place; then
// the bytes.
#include <aidl/chat/BnParticipant.h>
#include <aidl/chat/BnRoom.h>
#include <android/persistable_bundle.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "ndk/parcel/parcel.h"
#include "ndk/process/binder_object.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/seeds.h"
#include "tests/ndk/newer_types.h"

namespace netbinder::fuzz {
namespace {

using aidl::chat::IParticipant;
using aidl::newer::Everything;

class Participant final : public aidl::chat::BnParticipant {
 public:
  ::ndk::ScopedAStatus joined(const std::string&) override { return ::ndk::ScopedAStatus::ok(); }
  ::ndk::ScopedAStatus left(const std::string&) override { return ::ndk::ScopedAStatus::ok(); }
  ::ndk::ScopedAStatus said(const std::string&, const std::string&) override {
    return ::ndk::ScopedAStatus::ok();
  }
  ::ndk::ScopedAStatus received(const std::string&, const std::string&,
                                const ::ndk::ScopedFileDescriptor& file) override {
    NB_CHECK(::fcntl(file.get(), F_GETFD) >= 0);
    return ::ndk::ScopedAStatus::ok();
  }
};

class Room final : public aidl::chat::BnRoom {
 public:
  ::ndk::ScopedAStatus join(const std::shared_ptr<IParticipant>& who, const std::string& name,
                            std::vector<std::string>* others) override {
    others->push_back(name);
    if (who == nullptr) return ::ndk::ScopedAStatus::fromExceptionCode(EX_NULL_POINTER);
    return ::ndk::ScopedAStatus::ok();
  }
  ::ndk::ScopedAStatus say(const std::shared_ptr<IParticipant>&, const std::string&) override {
    return ::ndk::ScopedAStatus::ok();
  }
  ::ndk::ScopedAStatus send(const std::shared_ptr<IParticipant>&, const std::string&,
                            const ::ndk::ScopedFileDescriptor& file) override {
    NB_CHECK(::fcntl(file.get(), F_GETFD) >= 0);
    return ::ndk::ScopedAStatus::ok();
  }
};

enum Reader : std::uint8_t {
  kFunctions,  // each byte of a parcel of its own is the next function
  kRoom,
  kParticipant,
  kShape,
  kParcelable,
  kBundle,
  kStatus,
  kReaders,
};

// ---- all functions ----

template <typename Value>
void read_values(const AParcel* parcel) {
  Value value{};
  (void)::ndk::AParcel_readData(parcel, &value);
}

constexpr auto kFunctionTable = std::to_array<void (*)(const AParcel*)>({
    read_values<std::int32_t>,
    read_values<std::uint32_t>,
    read_values<std::int64_t>,
    read_values<std::uint64_t>,
    read_values<float>,
    read_values<double>,
    read_values<bool>,
    read_values<char16_t>,
    read_values<std::int8_t>,
    read_values<std::string>,
    read_values<std::vector<std::int32_t>>,
    read_values<std::vector<std::uint32_t>>,
    read_values<std::vector<std::int64_t>>,
    read_values<std::vector<std::uint64_t>>,
    read_values<std::vector<float>>,
    read_values<std::vector<double>>,
    read_values<std::vector<bool>>,
    read_values<std::vector<char16_t>>,
    read_values<std::vector<std::uint8_t>>,
    read_values<std::vector<std::string>>,
    read_values<std::vector<aidl::newer::Point>>,
    read_values<std::array<std::array<std::int32_t, 2>, 2>>,
    read_values<aidl::newer::Choice>,
    read_values<::ndk::SpAIBinder>,
    read_values<::ndk::ScopedFileDescriptor>,
    read_values<std::shared_ptr<aidl::newer::IShape>>,
    [](const AParcel* parcel) {
      std::optional<std::vector<std::optional<std::string>>> texts;
      (void)::ndk::AParcel_readNullableData(parcel, &texts);
    },
    [](const AParcel* parcel) {
      std::unique_ptr<Everything::Nested> nested;
      (void)::ndk::AParcel_readNullableData(parcel, &nested);
    },
    [](const AParcel* parcel) {
      std::vector<std::int8_t> sized;
      (void)::ndk::AParcel_resizeVector(parcel, &sized);
    },
    [](const AParcel* parcel) {
      std::int32_t position = 0;
      if (AParcel_readInt32(parcel, &position) == STATUS_OK) {
        (void)AParcel_setDataPosition(parcel, position);
      }
    },
    [](const AParcel* parcel) {
      const ::ndk::ScopedAParcel copy(AParcel_create());
      const std::int32_t position = AParcel_getDataPosition(parcel);
      (void)AParcel_appendFrom(parcel, copy.get(), position,
                               AParcel_getDataSize(parcel) - position);
    },
    [](const AParcel* parcel) {
      ::ndk::AParcelableHolder holder(::ndk::STABILITY_LOCAL);
      std::optional<aidl::newer::Point> point;
      if (holder.readFromParcel(parcel) == STATUS_OK) (void)holder.getParcelable(&point);
    },
});

// ---- one input ----

class World {
 public:
  World()
      : room_(::ndk::SharedRefBase::make<Room>()),
        participant_(::ndk::SharedRefBase::make<Participant>()),
        shape_(::ndk::SharedRefBase::make<aidl::newer::Shape>()),
        objects_{room_->asBinder(), participant_->asBinder(), shape_->asBinder()} {
    for (const ::ndk::SpAIBinder& object : objects_) {
      before_.push_back(AIBinder_debugGetRefCount(object.get()));
    }
    file_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    free_fd_ = lowest_free_fd();
  }

  void run(Input input) {
    const std::size_t reader = input.below(kReaders);
    std::array<std::uint8_t, 4> places{};
    const std::size_t count = input.below(places.size() + 1);
    for (std::size_t i = 0; i < count; ++i) places[i] = input.byte();
    switch (reader) {
      case kRoom:
        call(objects_[0], input, {places.data(), count});
        break;
      case kParticipant:
        call(objects_[1], input, {places.data(), count});
        break;
      case kShape:
        call(objects_[2], input, {places.data(), count});
        break;
      default:
        read(reader, input, {places.data(), count});
        break;
    }
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      NB_CHECK(AIBinder_debugGetRefCount(objects_[i].get()) == before_[i]);
    }
    NB_CHECK(lowest_free_fd() == free_fd_);
  }

 private:
  static int lowest_free_fd() {
    const int fd = ::dup(STDERR_FILENO);
    ::close(fd);
    return fd;
  }

  // The rest of the input, with objects at places that are counted in words.
  void fill(AParcel* parcel, Input& input, std::span<const std::uint8_t> places) {
    auto bytes = input.take(4096);
    for (const std::uint8_t place : places) {
      const std::size_t words = std::min<std::size_t>((place & 31U), bytes.size() / 4);
      NB_CHECK(AParcel_unmarshal(parcel, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                 words * 4) == STATUS_OK);
      bytes = bytes.subspan(words * 4);
      const std::size_t which = place >> 5U;
      if (which < objects_.size()) {
        NB_CHECK(AParcel_writeStrongBinder(parcel, objects_[which].get()) == STATUS_OK);
      } else if (which == objects_.size()) {
        NB_CHECK(AParcel_writeStrongBinder(parcel, nullptr) == STATUS_OK);
      } else {
        NB_CHECK(AParcel_writeParcelFileDescriptor(parcel, file_) == STATUS_OK);
      }
    }
    NB_CHECK(AParcel_unmarshal(parcel, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                               bytes.size()) == STATUS_OK);
  }

  void call(const ::ndk::SpAIBinder& object, Input& input, std::span<const std::uint8_t> places) {
    const std::uint8_t code = input.byte();
    AParcel request(object.get());
    // With the interface's token, most of the time: nothing behind another one is read.
    if (input.byte() != 0) {
      NB_CHECK(request.write_interface_token(
                   ndk::Dialect::kAndroid14,
                   AIBinder_Class_getDescriptor(AIBinder_getClass(object.get()))) == STATUS_OK);
    }
    fill(&request, input, places);
    AParcel answer(object.get());
    (void)object.get()->transact(code % 8, request, &answer, 0);
  }

  void read(std::size_t reader, Input& input, std::span<const std::uint8_t> places) {
    std::vector<std::uint8_t> functions;
    if (reader == kFunctions) {
      functions.resize(input.below(32));
      for (std::uint8_t& function : functions) function = input.byte();
    }
    AParcel parcel;
    fill(&parcel, input, places);
    parcel.set_position(0);
    switch (reader) {
      case kFunctions:
        for (const std::uint8_t function : functions) {
          kFunctionTable[function % kFunctionTable.size()](&parcel);
        }
        break;
      case kParcelable: {
        Everything everything;
        (void)::ndk::AParcel_readData(&parcel, &everything);
        break;
      }
      case kBundle: {
        APersistableBundle* bundle = nullptr;
        const binder_status_t status = APersistableBundle_readFromParcel(&parcel, &bundle);
        NB_CHECK((status == STATUS_OK) == (bundle != nullptr));
        if (bundle != nullptr) write_again(bundle);
        APersistableBundle_delete(bundle);
        break;
      }
      default: {
        ::ndk::ScopedAStatus status;
        const binder_status_t got = AParcel_readStatusHeader(&parcel, status.getR());
        NB_CHECK((got == STATUS_OK) == (status.get() != nullptr));
        if (status.get() != nullptr) (void)status.getDescription();
        break;
      }
    }
  }

  // A bundle that was read can be written again, and is then the same.
  static void write_again(const APersistableBundle* bundle) {
    AParcel parcel;
    NB_CHECK(APersistableBundle_writeToParcel(bundle, &parcel) == STATUS_OK);
    parcel.set_position(0);
    APersistableBundle* again = nullptr;
    NB_CHECK(APersistableBundle_readFromParcel(&parcel, &again) == STATUS_OK);
    NB_CHECK(APersistableBundle_size(again) == APersistableBundle_size(bundle));
    APersistableBundle_delete(again);
  }

  std::shared_ptr<Room> room_;
  std::shared_ptr<Participant> participant_;
  std::shared_ptr<aidl::newer::Shape> shape_;
  std::array<::ndk::SpAIBinder, 3> objects_;
  std::vector<std::int32_t> before_;
  int file_ = -1;
  int free_fd_ = -1;
};

Seed& add_parcel(Seed& seed, const AParcel& parcel) {
  return seed.raw(std::span(parcel.data(), parcel.size()));
}

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  {
    // join(participant, "me"), the object in front.
    Seed& seed = seeds.emplace_back(Seed{.name = "room_join", .bytes = {}});
    AParcel rest;
    NB_CHECK(rest.write_string16("me") == STATUS_OK);
    seed.byte(kRoom).byte(1).byte(1U << 5U).byte(1).byte(1);
    add_parcel(seed, rest);
  }
  {
    Seed& seed = seeds.emplace_back(Seed{.name = "participant_received", .bytes = {}});
    AParcel names;
    NB_CHECK(names.write_string16("bob") == STATUS_OK && names.write_string16("a") == STATUS_OK);
    seed.byte(kParticipant)
        .byte(1)
        .byte(static_cast<std::uint8_t>((4U << 5U) | (names.size() / 4)))
        .byte(4)
        .byte(1);
    add_parcel(seed, names);
  }
  {
    Seed& seed = seeds.emplace_back(Seed{.name = "everything", .bytes = {}});
    Everything everything;
    everything.texts = {"a", "b"};
    everything.points.resize(2);
    everything.choices.resize(1);
    everything.maybe_texts = {{"c", std::nullopt}};
    everything.maybe_points.emplace(2);
    NB_CHECK(everything.extension.setParcelable(aidl::newer::Point()) == STATUS_OK);
    AParcel parcel;
    NB_CHECK(::ndk::AParcel_writeData(&parcel, everything) == STATUS_OK);
    seed.byte(kParcelable).byte(0);
    add_parcel(seed, parcel);
  }
  {
    Seed& seed = seeds.emplace_back(Seed{.name = "bundle", .bytes = {}});
    APersistableBundle* const bundle = APersistableBundle_new();
    APersistableBundle_putInt(bundle, "int", 1);
    APersistableBundle_putString(bundle, "string", "text");
    const std::int64_t longs[] = {1, 2};
    APersistableBundle_putLongVector(bundle, "longs", longs, 2);
    const char* const strings[] = {"a", "b"};
    APersistableBundle_putStringVector(bundle, "strings", strings, 2);
    APersistableBundle* const outer = APersistableBundle_dup(bundle);
    APersistableBundle_putPersistableBundle(outer, "bundle", bundle);
    AParcel parcel;
    NB_CHECK(APersistableBundle_writeToParcel(outer, &parcel) == STATUS_OK);
    APersistableBundle_delete(outer);
    APersistableBundle_delete(bundle);
    seed.byte(kBundle).byte(0);
    add_parcel(seed, parcel);
  }
  {
    Seed& seed = seeds.emplace_back(Seed{.name = "status", .bytes = {}});
    const auto status = ::ndk::ScopedAStatus::fromServiceSpecificErrorWithMessage(3, "why");
    AParcel parcel;
    NB_CHECK(AParcel_writeStatusHeader(&parcel, status.get()) == STATUS_OK);
    seed.byte(kStatus).byte(0);
    add_parcel(seed, parcel);
  }
  {
    Seed& seed = seeds.emplace_back(Seed{.name = "shape_move", .bytes = {}});
    AParcel parcel;
    NB_CHECK(::ndk::AParcel_writeData(&parcel, std::vector<aidl::newer::Point>(2)) == STATUS_OK);
    NB_CHECK(::ndk::AParcel_writeData(&parcel, aidl::newer::Color::RED) == STATUS_OK);
    NB_CHECK(AParcel_writeInt32(&parcel, 1) == STATUS_OK);
    seed.byte(kShape).byte(0).byte(1).byte(1);
    add_parcel(seed, parcel);
  }
  {
    Seed& seed = seeds.emplace_back(Seed{.name = "functions", .bytes = {}});
    seed.byte(kFunctions).byte(0).byte(31);
    for (std::uint8_t function = 0; function < 31; ++function) seed.byte(function);
    AParcel parcel;
    for (std::int32_t i = 0; i < 64; ++i) NB_CHECK(AParcel_writeInt32(&parcel, i % 3) == STATUS_OK);
    add_parcel(seed, parcel);
  }
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static netbinder::fuzz::World world;
  world.run(netbinder::fuzz::Input({data, size}));
  return 0;
}
