// SPDX-License-Identifier: Apache-2.0
#include "tests/ndk/newer_types.h"

#include <android/binder_stability.h>

namespace aidl::newer {
namespace {

// A structured parcelable: its size with the word that says so, and the fields, of which older
// writers have fewer and newer ones more.
template <typename... Fields>
binder_status_t write_fields(AParcel* parcel, const Fields&... fields) {
  const int32_t start = AParcel_getDataPosition(parcel);
  binder_status_t status = AParcel_writeInt32(parcel, 0);
  const auto write = [&](const auto& field) {
    if (status == STATUS_OK) status = ::ndk::AParcel_writeNullableData(parcel, field);
  };
  (write(fields), ...);
  if (status != STATUS_OK) return status;
  const int32_t end = AParcel_getDataPosition(parcel);
  AParcel_setDataPosition(parcel, start);
  status = AParcel_writeInt32(parcel, end - start);
  AParcel_setDataPosition(parcel, end);
  return status;
}

template <typename... Fields>
binder_status_t read_fields(const AParcel* parcel, Fields&... fields) {
  const int32_t start = AParcel_getDataPosition(parcel);
  int32_t size = 0;
  binder_status_t status = AParcel_readInt32(parcel, &size);
  if (status != STATUS_OK) return status;
  if (size < 4 || start > INT32_MAX - size) return STATUS_BAD_VALUE;
  const auto read = [&](auto& field) {
    if (status != STATUS_OK || AParcel_getDataPosition(parcel) - start >= size) return;
    status = ::ndk::AParcel_readNullableData(parcel, &field);
  };
  (read(fields), ...);
  if (status != STATUS_OK) return status;
  return AParcel_setDataPosition(parcel, start + size);
}

}  // namespace

binder_status_t Point::readFromParcel(const AParcel* parcel) { return read_fields(parcel, x, y); }
binder_status_t Point::writeToParcel(AParcel* parcel) const { return write_fields(parcel, x, y); }
std::string Point::toString() const {
  std::ostringstream text;
  text << "Point{x: " << ::ndk::internal::ToString(x) << ", y: " << ::ndk::internal::ToString(y)
       << "}";
  return text.str();
}

binder_status_t Choice::writeToParcel(AParcel* parcel) const {
  const binder_status_t status = AParcel_writeInt32(parcel, static_cast<int32_t>(getTag()));
  if (status != STATUS_OK) return status;
  switch (getTag()) {
    case Tag::numbers:
      return ::ndk::AParcel_writeData(parcel, get<Tag::numbers>());
    case Tag::text:
      return ::ndk::AParcel_writeData(parcel, get<Tag::text>());
    case Tag::point:
      return ::ndk::AParcel_writeData(parcel, get<Tag::point>());
    case Tag::color:
      return ::ndk::AParcel_writeData(parcel, get<Tag::color>());
  }
  return STATUS_BAD_VALUE;
}

binder_status_t Choice::readFromParcel(const AParcel* parcel) {
  int32_t tag = 0;
  const binder_status_t status = AParcel_readInt32(parcel, &tag);
  if (status != STATUS_OK) return status;
  switch (static_cast<Tag>(tag)) {
    case Tag::numbers:
      return ::ndk::AParcel_readData(parcel, &value_.emplace<0>());
    case Tag::text:
      return ::ndk::AParcel_readData(parcel, &value_.emplace<1>());
    case Tag::point:
      return ::ndk::AParcel_readData(parcel, &value_.emplace<2>());
    case Tag::color:
      return ::ndk::AParcel_readData(parcel, &value_.emplace<3>());
  }
  return STATUS_BAD_VALUE;
}

std::string Choice::toString() const {
  return "Choice{" +
         std::visit([](const auto& value) { return ::ndk::internal::ToString(value); }, value_) +
         "}";
}

binder_status_t Everything::Nested::readFromParcel(const AParcel* parcel) {
  return read_fields(parcel, text);
}
binder_status_t Everything::Nested::writeToParcel(AParcel* parcel) const {
  return write_fields(parcel, text);
}

#define FIELDS_OF_EVERYTHING                                                                       \
  boolean, byte, character, number, large, real, precise, size, color, distance, bytes, booleans,  \
      characters, sizes, colors, distances, reals, texts, points, choices, objects, shapes, three, \
      square, two_texts, two_points, two_booleans, maybe_text, maybe_point, maybe_nested,          \
      maybe_numbers, maybe_texts, maybe_points, maybe_objects, maybe_two_texts, maybe_square,      \
      maybe_colors, maybe_shape, maybe_object, maybe_file, files, choice, nested, extension

binder_status_t Everything::readFromParcel(const AParcel* parcel) {
  return read_fields(parcel, FIELDS_OF_EVERYTHING);
}
binder_status_t Everything::writeToParcel(AParcel* parcel) const {
  return write_fields(parcel, FIELDS_OF_EVERYTHING);
}

// ---- IShape ----

static binder_status_t _aidl_IShape_onTransact(AIBinder* _aidl_binder,
                                               transaction_code_t _aidl_code,
                                               const AParcel* _aidl_in, AParcel* _aidl_out) {
  if (_aidl_code != FIRST_CALL_TRANSACTION + 0 /*move*/) return STATUS_UNKNOWN_TRANSACTION;
  const auto impl =
      std::static_pointer_cast<BnShape>(::ndk::ICInterface::asInterface(_aidl_binder));
  std::vector<Point> points;
  Color color{};
  std::optional<std::vector<std::optional<Point>>> moved;
  std::string result;
  binder_status_t status = ::ndk::AParcel_readData(_aidl_in, &points);
  if (status == STATUS_OK) status = ::ndk::AParcel_readData(_aidl_in, &color);
  if (status == STATUS_OK) status = ::ndk::AParcel_resizeVector(_aidl_in, &moved);
  if (status != STATUS_OK) return status;
  const ::ndk::ScopedAStatus said = impl->move(points, color, &moved, &result);
  status = AParcel_writeStatusHeader(_aidl_out, said.get());
  if (status != STATUS_OK || !AStatus_isOk(said.get())) return status;
  status = ::ndk::AParcel_writeData(_aidl_out, result);
  return status == STATUS_OK ? ::ndk::AParcel_writeNullableData(_aidl_out, moved) : status;
}

static const char* g_codes[] = {"move"};
static AIBinder_Class* _g_aidl_IShape_clazz = ::ndk::ICInterface::defineClass(
    IShape::descriptor, _aidl_IShape_onTransact, g_codes, std::size(g_codes));

::ndk::ScopedAStatus BpShape::move(const std::vector<Point>& points, Color color,
                                   std::optional<std::vector<std::optional<Point>>>* out_moved,
                                   std::string* _aidl_return) {
  binder_status_t _aidl_ret_status = STATUS_OK;
  ::ndk::ScopedAStatus _aidl_status;
  ::ndk::ScopedAParcel _aidl_in;
  ::ndk::ScopedAParcel _aidl_out;

  _aidl_ret_status = AIBinder_prepareTransaction(asBinderReference().get(), _aidl_in.getR());
  if (_aidl_ret_status != STATUS_OK) goto _aidl_error;
  _aidl_ret_status = ::ndk::AParcel_writeData(_aidl_in.get(), points);
  if (_aidl_ret_status != STATUS_OK) goto _aidl_error;
  _aidl_ret_status = ::ndk::AParcel_writeData(_aidl_in.get(), color);
  if (_aidl_ret_status != STATUS_OK) goto _aidl_error;
  _aidl_ret_status = ::ndk::AParcel_writeVectorSize(_aidl_in.get(), *out_moved);
  if (_aidl_ret_status != STATUS_OK) goto _aidl_error;
  _aidl_ret_status =
      AIBinder_transact(asBinderReference().get(), FIRST_CALL_TRANSACTION + 0, _aidl_in.getR(),
                        _aidl_out.getR(), 0 | static_cast<int>(FLAG_PRIVATE_LOCAL));
  if (_aidl_ret_status != STATUS_OK) goto _aidl_error;
  _aidl_ret_status = AParcel_readStatusHeader(_aidl_out.get(), _aidl_status.getR());
  if (_aidl_ret_status != STATUS_OK) goto _aidl_error;
  if (!AStatus_isOk(_aidl_status.get())) goto _aidl_status_return;
  _aidl_ret_status = ::ndk::AParcel_readData(_aidl_out.get(), _aidl_return);
  if (_aidl_ret_status != STATUS_OK) goto _aidl_error;
  _aidl_ret_status = ::ndk::AParcel_readNullableData(_aidl_out.get(), out_moved);
  if (_aidl_ret_status != STATUS_OK) goto _aidl_error;

_aidl_error:
  _aidl_status.set(AStatus_fromStatus(_aidl_ret_status));
_aidl_status_return:
  return _aidl_status;
}

::ndk::SpAIBinder BnShape::createBinder() {
  AIBinder* const binder = AIBinder_new(_g_aidl_IShape_clazz, static_cast<void*>(this));
  AIBinder_markCompilationUnitStability(binder);
  return ::ndk::SpAIBinder(binder);
}

const char* IShape::descriptor = "newer.IShape";

std::shared_ptr<IShape> IShape::fromBinder(const ::ndk::SpAIBinder& binder) {
  if (!AIBinder_associateClass(binder.get(), _g_aidl_IShape_clazz)) return nullptr;
  const std::shared_ptr<::ndk::ICInterface> interface =
      ::ndk::ICInterface::asInterface(binder.get());
  if (interface) return std::static_pointer_cast<IShape>(interface);
  return ::ndk::SharedRefBase::make<BpShape>(binder);
}

binder_status_t IShape::writeToParcel(AParcel* parcel, const std::shared_ptr<IShape>& instance) {
  return AParcel_writeStrongBinder(parcel, instance ? instance->asBinder().get() : nullptr);
}

binder_status_t IShape::readFromParcel(const AParcel* parcel, std::shared_ptr<IShape>* instance) {
  ::ndk::SpAIBinder binder;
  const binder_status_t status = AParcel_readStrongBinder(parcel, binder.getR());
  if (status != STATUS_OK) return status;
  *instance = IShape::fromBinder(binder);
  return STATUS_OK;
}

::ndk::ScopedAStatus Shape::move(const std::vector<Point>& points, Color color,
                                 std::optional<std::vector<std::optional<Point>>>* out_moved,
                                 std::string* _aidl_return) {
  out_moved->emplace();
  for (const Point& point : points) {
    Point moved = point;
    ++moved.x;
    ++moved.y;
    (*out_moved)->push_back(moved);
    (*out_moved)->push_back(std::nullopt);
  }
  *_aidl_return = ::ndk::internal::ToString(color);
  return ::ndk::ScopedAStatus::ok();
}

}  // namespace aidl::newer
