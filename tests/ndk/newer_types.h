// SPDX-License-Identifier: Apache-2.0
//
// Types in the forms that AIDL compilers newer than Debian's generate, written by hand: enums,
// unions, nested types, fixed-size arrays, nullable values of every kind, a ParcelableHolder, and
// an interface whose proxy uses AParcel_writeData and asBinderReference.
#pragma once

#include <android/binder_enums.h>
#include <android/binder_interface_utils.h>
#include <android/binder_parcelable_utils.h>
#include <android/binder_to_string.h>

#include <array>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace aidl::newer {

enum class Size : int8_t { SMALL = 1, LARGE = 2 };
enum class Color : int32_t { RED = 10, GREEN = 20 };
enum class Distance : int64_t { NEAR = 1, FAR = 1LL << 40 };

[[nodiscard]] static inline std::string toString(Size value) {
  return value == Size::SMALL   ? "SMALL"
         : value == Size::LARGE ? "LARGE"
                                : std::to_string(static_cast<int8_t>(value));
}

class Point {
 public:
  typedef std::true_type fixed_size;
  static constexpr const char* descriptor = "newer.Point";
  int32_t x = 0;
  int32_t y = 0;

  binder_status_t readFromParcel(const AParcel* parcel);
  binder_status_t writeToParcel(AParcel* parcel) const;
  static const ::ndk::parcelable_stability_t _aidl_stability = ::ndk::STABILITY_LOCAL;
  bool operator==(const Point& rhs) const { return std::tie(x, y) == std::tie(rhs.x, rhs.y); }
  bool operator<(const Point& rhs) const { return std::tie(x, y) < std::tie(rhs.x, rhs.y); }
  std::string toString() const;
};

class Choice {
 public:
  typedef std::false_type fixed_size;
  static constexpr const char* descriptor = "newer.Choice";
  enum class Tag : int32_t { numbers = 0, text = 1, point = 2, color = 3 };

  template <Tag kTag, typename... Args>
  static Choice make(Args&&... args) {
    Choice choice;
    choice.value_.emplace<static_cast<std::size_t>(kTag)>(std::forward<Args>(args)...);
    return choice;
  }
  Tag getTag() const { return static_cast<Tag>(value_.index()); }
  template <Tag kTag>
  const auto& get() const {
    return std::get<static_cast<std::size_t>(kTag)>(value_);
  }

  binder_status_t readFromParcel(const AParcel* parcel);
  binder_status_t writeToParcel(AParcel* parcel) const;
  static const ::ndk::parcelable_stability_t _aidl_stability = ::ndk::STABILITY_LOCAL;
  bool operator==(const Choice& rhs) const { return value_ == rhs.value_; }
  std::string toString() const;

 private:
  std::variant<std::vector<int32_t>, std::string, Point, Color> value_;
};

class IShape : public ::ndk::ICInterface {
 public:
  static const char* descriptor;
  static std::shared_ptr<IShape> fromBinder(const ::ndk::SpAIBinder& binder);
  static binder_status_t writeToParcel(AParcel* parcel, const std::shared_ptr<IShape>& instance);
  static binder_status_t readFromParcel(const AParcel* parcel, std::shared_ptr<IShape>* instance);
  // Adds one to each coordinate, and says what color it was called with.
  virtual ::ndk::ScopedAStatus move(const std::vector<Point>& points, Color color,
                                    std::optional<std::vector<std::optional<Point>>>* out_moved,
                                    std::string* _aidl_return) = 0;
};

// One field of each kind.
class Everything {
 public:
  class Nested {
   public:
    typedef std::false_type fixed_size;
    static constexpr const char* descriptor = "newer.Everything.Nested";
    std::string text;
    binder_status_t readFromParcel(const AParcel* parcel);
    binder_status_t writeToParcel(AParcel* parcel) const;
    static const ::ndk::parcelable_stability_t _aidl_stability = ::ndk::STABILITY_LOCAL;
    bool operator==(const Nested& rhs) const { return text == rhs.text; }
    std::string toString() const { return "Nested{text: " + text + "}"; }
  };

  typedef std::false_type fixed_size;
  static constexpr const char* descriptor = "newer.Everything";

  bool boolean = false;
  int8_t byte = 0;
  char16_t character = u'\0';
  int32_t number = 0;
  int64_t large = 0;
  float real = 0;
  double precise = 0;
  Size size = Size::SMALL;
  Color color = Color::RED;
  Distance distance = Distance::NEAR;
  std::vector<uint8_t> bytes;
  std::vector<bool> booleans;
  std::vector<char16_t> characters;
  std::vector<Size> sizes;
  std::vector<Color> colors;
  std::vector<Distance> distances;
  std::vector<float> reals;
  std::vector<std::string> texts;
  std::vector<Point> points;
  std::vector<Choice> choices;
  std::vector<::ndk::SpAIBinder> objects;
  std::vector<std::shared_ptr<IShape>> shapes;
  std::array<int32_t, 3> three{};
  std::array<std::array<uint8_t, 2>, 2> square{};
  std::array<std::string, 2> two_texts;
  std::array<Point, 2> two_points;
  std::array<bool, 2> two_booleans{};
  std::optional<std::string> maybe_text;
  std::optional<Point> maybe_point;
  std::unique_ptr<Nested> maybe_nested;  // @nullable(heap=true)
  std::optional<std::vector<int32_t>> maybe_numbers;
  std::optional<std::vector<std::optional<std::string>>> maybe_texts;
  std::optional<std::vector<std::optional<Point>>> maybe_points;
  std::optional<std::vector<::ndk::SpAIBinder>> maybe_objects;
  std::optional<std::array<std::optional<std::string>, 2>> maybe_two_texts;
  std::optional<std::array<std::array<int32_t, 2>, 2>> maybe_square;
  std::optional<std::vector<Color>> maybe_colors;
  std::shared_ptr<IShape> maybe_shape;
  ::ndk::SpAIBinder maybe_object;
  ::ndk::ScopedFileDescriptor maybe_file;
  std::vector<::ndk::ScopedFileDescriptor> files;
  Choice choice;
  Nested nested;
  ::ndk::AParcelableHolder extension{::ndk::STABILITY_LOCAL};

  binder_status_t readFromParcel(const AParcel* parcel);
  binder_status_t writeToParcel(AParcel* parcel) const;
  static const ::ndk::parcelable_stability_t _aidl_stability = ::ndk::STABILITY_LOCAL;
  bool operator==(const Everything& rhs) const { return this == &rhs; }
};

class BpShape : public ::ndk::BpCInterface<IShape> {
 public:
  explicit BpShape(const ::ndk::SpAIBinder& binder) : BpCInterface(binder) {}
  ::ndk::ScopedAStatus move(const std::vector<Point>& points, Color color,
                            std::optional<std::vector<std::optional<Point>>>* out_moved,
                            std::string* _aidl_return) override;
};

class BnShape : public ::ndk::BnCInterface<IShape> {
 protected:
  ::ndk::SpAIBinder createBinder() override;
};

class Shape : public BnShape {
 public:
  ::ndk::ScopedAStatus move(const std::vector<Point>& points, Color color,
                            std::optional<std::vector<std::optional<Point>>>* out_moved,
                            std::string* _aidl_return) override;
};

}  // namespace aidl::newer

namespace ndk::internal {

template <>
constexpr inline std::array<aidl::newer::Size, 2> enum_values<aidl::newer::Size> = {
    aidl::newer::Size::SMALL, aidl::newer::Size::LARGE};
template <>
constexpr inline std::array<aidl::newer::Color, 2> enum_values<aidl::newer::Color> = {
    aidl::newer::Color::RED, aidl::newer::Color::GREEN};

}  // namespace ndk::internal
