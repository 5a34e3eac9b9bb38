// SPDX-License-Identifier: Apache-2.0
#include "transport/plain_messages.h"

#include <array>
#include <bit>
#include <cstring>
#include <type_traits>

#include "core/base/check.h"

namespace netbinder::codec {
namespace {

static_assert(std::endian::native == std::endian::little, "Cap'n Proto's numbers, as they are");

constexpr std::size_t kPayloadBytesAt = 8;  // in the prefix
constexpr std::size_t kWord = 8;

// Set to find a number's place: what every limit allows, in one byte of it.
constexpr unsigned char kProbe = 8;

// Calls `visit` with each number of the message, always in the same order.
template <typename Message, typename SomeSequence, typename Visit>
void each_number(SomeSequence& sequence, SomeSequence& received, Message& message, Visit visit) {
  visit(sequence);
  visit(received);
  visit(message.call);
  visit(message.caller);
  visit(message.code);
  visit(message.flags);
  visit(message.sender_euid);
  visit(message.shape.data_size);
  visit(message.shape.offsets_size);
  visit(message.shape.extra_size);
  if constexpr (std::is_same_v<std::remove_const_t<Message>, peer::Call>) {
    visit(message.target);
    visit(message.nice);
    visit(message.wants_acceptance);
    visit(message.trace);
    visit(message.span);
    for (auto& ancestor : message.ancestors) {
      visit(ancestor.host);
      visit(ancestor.call);
    }
  }
}

// The kinds of plain messages. A oneway call has no ancestors, and a synchronous one that is not
// nested has one, itself.
struct OnewayCall {
  using Message = peer::Call;
  static constexpr std::size_t kAncestors = 0;
};
struct SynchronousCall {
  using Message = peer::Call;
  static constexpr std::size_t kAncestors = 1;
};
struct Reply {
  using Message = peer::Reply;
};

template <typename Kind>
void make_room(typename Kind::Message& message) {
  if constexpr (requires { message.ancestors; }) message.ancestors.resize(Kind::kAncestors);
}

// How the codec encodes the plain messages of a kind.
template <typename Kind>
class Layout {
 public:
  using Message = typename Kind::Message;

  static const Layout& the() {
    static const Layout layout;
    return layout;
  }

  void encode(Sequence sequence, Sequence received, const Message& message,
              std::uint64_t payload_bytes, std::vector<std::byte>& out) const {
    out.assign(frame_.begin(), frame_.end());
    std::memcpy(out.data() + kPayloadBytesAt, &payload_bytes, sizeof payload_bytes);
    const Place* place = places_.data();
    each_number(sequence, received, message, [&]<typename T>(const T& number) {
      std::byte* at = out.data() + kFramePrefixBytes + place->offset;
      if constexpr (std::is_same_v<T, bool>) {
        if (number) *at |= place->bit;
      } else {
        std::memcpy(at, &number, sizeof number);
      }
      ++place;
    });
  }

  [[nodiscard]] bool matches(std::span<const std::byte> bytes) const {
    if (bytes.size() != kWord * words_.size()) return false;
    std::uint64_t difference = 0;
    const std::byte* at = bytes.data();
    for (const Word& each : words_) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, kWord);
      difference |= (word ^ each.value) & each.fixed;
      at += kWord;
    }
    return difference == 0;
  }

  void decode(std::span<const std::byte> bytes, Sequence& sequence, Sequence& received,
              Message& message) const {
    const Place* place = places_.data();
    each_number(sequence, received, message, [&]<typename T>(T& number) {
      const std::byte* at = bytes.data() + place->offset;
      if constexpr (std::is_same_v<T, bool>) {
        number = (*at & place->bit) != std::byte{0};
      } else {
        std::memcpy(&number, at, sizeof number);
      }
      ++place;
    });
  }

 private:
  struct Place {
    std::size_t offset = 0;  // in the message
    std::byte bit{};         // of a bool
  };
  struct Word {
    std::uint64_t value = 0;
    std::uint64_t fixed = 0;  // the bits that are the same in all plain messages
  };
  static constexpr std::size_t kMaxNumbers = 18;

  Layout() : frame_(encoded({}, {}, {})) {
    std::vector<std::byte> fixed(frame_.size() - kFramePrefixBytes, std::byte{0xFF});
    while (find_place(fixed)) {
    }
    words_.resize(fixed.size() / kWord);
    for (std::size_t i = 0; i < words_.size(); ++i) {
      std::memcpy(&words_[i].value, frame_.data() + kFramePrefixBytes + kWord * i, kWord);
      std::memcpy(&words_[i].fixed, fixed.data() + kWord * i, kWord);
    }
  }

  // Finds the place of the next number, by a message in which it alone is not 0. False if there is
  // no further number.
  bool find_place(std::vector<std::byte>& fixed) {
    Sequence sequence;
    Sequence received;
    Message message;
    make_room<Kind>(message);
    std::size_t bytes = 0;  // of the number
    bool is_bit = false;
    std::size_t index = 0;
    each_number(sequence, received, message, [&]<typename T>(T& number) {
      if (index++ != found_) return;
      is_bit = std::is_same_v<T, bool>;
      bytes = sizeof number;
      number = T(kProbe);
    });
    if (bytes == 0) return false;
    NB_CHECK(found_ < kMaxNumbers);
    const std::vector<std::byte> frame = encoded(sequence, received, message);
    NB_CHECK(frame.size() == frame_.size());
    std::size_t differences = 0;
    Place& place = places_[found_++];
    for (std::size_t at = kFramePrefixBytes; at < frame.size(); ++at) {
      if (frame[at] == frame_[at]) continue;
      ++differences;
      place = {.offset = at - kFramePrefixBytes, .bit = frame[at] ^ frame_[at]};
    }
    NB_CHECK(differences == 1 && place.offset + bytes <= fixed.size());
    NB_CHECK(is_bit ? std::has_single_bit(std::to_integer<unsigned>(place.bit))
                    : place.bit == std::byte{kProbe});
    for (std::size_t at = place.offset; at < place.offset + bytes; ++at) {
      const std::byte taken = is_bit ? place.bit : std::byte{0xFF};
      NB_CHECK((fixed[at] & taken) == taken);
      fixed[at] &= ~taken;
    }
    return true;
  }

  static std::vector<std::byte> encoded(Sequence sequence, Sequence received, Message message) {
    make_room<Kind>(message);
    std::vector<std::byte> frame;
    NB_CHECK(
        encode_any(sequence, received, message, message.shape.image_size(), frame).has_value());
    return frame;
  }

  std::vector<std::byte> frame_;  // of the message whose numbers are all 0
  std::vector<Word> words_;       // of the message
  std::array<Place, kMaxNumbers> places_{};
  std::size_t found_ = 0;  // how many places
};

template <typename Kind>
bool encode_as(Sequence sequence, Sequence received, const typename Kind::Message& message,
               std::uint64_t payload_bytes, std::vector<std::byte>& out) {
  if (!message.objects.empty() || !message.shape.valid() ||
      message.shape.image_size() != payload_bytes) {
    return false;
  }
  Layout<Kind>::the().encode(sequence, received, message, payload_bytes, out);
  return true;
}

template <typename Kind>
bool decode_as(std::span<const std::byte> bytes, std::uint64_t payload_bytes,
               frame::Message& into) {
  const Layout<Kind>& layout = Layout<Kind>::the();
  if (!layout.matches(bytes)) return false;
  auto& message = into.content.template emplace<typename Kind::Message>();
  make_room<Kind>(message);
  layout.decode(bytes, into.sequence, into.received, message);
  return message.shape.valid() && message.shape.image_size() == payload_bytes;
}

}  // namespace

bool encode_plain(Sequence sequence, Sequence received, const PeerMessage& content,
                  std::uint64_t payload_bytes, std::vector<std::byte>& out) {
  if (const auto* call = std::get_if<peer::Call>(&content)) {
    if (!call->security_context.empty()) return false;
    switch (call->ancestors.size()) {
      case OnewayCall::kAncestors:
        return encode_as<OnewayCall>(sequence, received, *call, payload_bytes, out);
      case SynchronousCall::kAncestors:
        return encode_as<SynchronousCall>(sequence, received, *call, payload_bytes, out);
      default:
        return false;
    }
  }
  const auto* reply = std::get_if<peer::Reply>(&content);
  return reply != nullptr && encode_as<Reply>(sequence, received, *reply, payload_bytes, out);
}

bool decode_plain(std::span<const std::byte> message, std::uint64_t payload_bytes,
                  frame::Message& into) {
  return decode_as<SynchronousCall>(message, payload_bytes, into) ||
         decode_as<Reply>(message, payload_bytes, into) ||
         decode_as<OnewayCall>(message, payload_bytes, into);
}

}  // namespace netbinder::codec
