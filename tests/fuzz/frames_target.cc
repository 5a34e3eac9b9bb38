// SPDX-License-Identifier: Apache-2.0
//
// The bytes that anybody who reaches an agent's port can send over a connection, in pieces of any
// size. Each frame that the codec lets through is within the limits, and stays the same when it is
// encoded and decoded again.
//
// The input: a byte, odd where a session's frames are expected; then the connection's bytes. Pieces
// are as long as the bytes at their front say.
#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <memory>

#include "core/base/check.h"
#include "tests/fuzz/seeds.h"
#include "tests/fuzz/some_frames.h"
#include "transport/codec.h"
#include "transport/limits.h"
#include "transport/plain_messages.h"
#include "transport/tcp/connection.h"

namespace netbinder::fuzz {
namespace {

using boost::system::error_code;

// The stranger's end: gives what is left of the input, and hangs up at its end.
class InputStream : public tcp::Stream {
 public:
  InputStream(boost::asio::io_context& io, std::span<const std::uint8_t> bytes)
      : io_(io), bytes_(bytes) {}

  void handshake(std::shared_ptr<tcp::StreamEvents> events) override {
    boost::asio::post(io_, [events] { events->ready({}); });
  }
  std::size_t read_now(const ReadBuffers& buffers, error_code& error) override {
    NB_CHECK(!closed_ && !waiting_);
    if (bytes_.empty()) {
      error = boost::asio::error::eof;
      return 0;
    }
    const std::size_t wanted = bytes_[0] < 128 ? bytes_[0] + 1U : bytes_.size();
    const std::size_t read = boost::asio::buffer_copy(
        buffers, boost::asio::buffer(bytes_.data(), std::min(wanted, bytes_.size())));
    NB_CHECK(read > 0);
    bytes_ = bytes_.subspan(read);
    return read;
  }
  std::size_t write_now(WriteBuffers, error_code&) override { NB_UNREACHABLE(); }
  void wait_readable(std::shared_ptr<tcp::StreamEvents> events) override {
    NB_CHECK(!std::exchange(waiting_, true));
    boost::asio::post(io_, [this, events] {
      waiting_ = false;
      events->readable();
    });
  }
  void wait_writable(std::shared_ptr<tcp::StreamEvents>) override { NB_UNREACHABLE(); }
  void close() override { closed_ = true; }
  [[nodiscard]] bool peer_is(const std::string&) const override { return true; }

 private:
  boost::asio::io_context& io_;
  std::span<const std::uint8_t> bytes_;
  bool waiting_ = false;
  bool closed_ = false;
};

void check_limits(const Frame& frame) {
  if (const auto* hello = std::get_if<frame::Hello>(&frame)) {
    NB_CHECK(hello->cluster.size() <= limits::kMaxClusterNameBytes);
    NB_CHECK(hello->host_name.size() <= limits::kMaxHostNameBytes);
  }
  const auto* message = std::get_if<frame::Message>(&frame);
  if (message == nullptr) return;
  const auto check_objects = [](const std::vector<WireObject>& objects, const PayloadShape& shape) {
    NB_CHECK(shape.valid() && objects.size() <= limits::kMaxObjects);
    for (std::size_t i = 0; i < objects.size(); ++i) {
      NB_CHECK(objects[i].offset < shape.data_size);
      NB_CHECK(i == 0 || objects[i - 1].offset < objects[i].offset);
    }
  };
  if (const auto* call = std::get_if<peer::Call>(&message->content)) {
    NB_CHECK(call->security_context.size() <= limits::kMaxSecurityContextBytes);
    NB_CHECK(call->ancestors.size() <= limits::kMaxAncestors);
    check_objects(call->objects, call->shape);
  }
  if (const auto* reply = std::get_if<peer::Reply>(&message->content)) {
    check_objects(reply->objects, reply->shape);
  }
}

void check_comes_back(const Frame& frame, std::uint64_t payload_bytes) {
  std::vector<std::byte> bytes;
  const auto encoded = encode_frame(frame, payload_bytes, bytes);
  NB_CHECK(encoded);
  const auto prefix = decode_prefix(bytes, limits::kMaxMessageBytes);
  NB_CHECK(prefix && prefix->payload_bytes == payload_bytes);
  const auto message = std::span(bytes).subspan(kFramePrefixBytes);
  NB_CHECK(message.size() == prefix->message_bytes);
  const auto decoded = decode_frame(message, payload_bytes);
  NB_CHECK(decoded && *decoded == frame);
  // A message may have two ways to be decoded, which must not differ.
  const auto any = codec::decode_any(message, payload_bytes);
  NB_CHECK(any && *any == frame);
}

class Owner : public tcp::ConnectionOwner {
 public:
  void opened(tcp::Connection&) override {}
  void heard(tcp::Connection&) override {}
  FrameOutcome frame_arrived(tcp::Connection&, Frame frame, std::uint64_t payload_bytes) override {
    NB_CHECK(!awaits_payload_ && !stopped_);
    check_limits(frame);
    check_comes_back(frame, payload_bytes);
    if (payload_bytes == 0) return {};
    awaits_payload_ = true;
    // A large one is nowhere to be put, as when there is no room for it.
    constexpr std::uint64_t kMostKept = 4096;
    if (payload_bytes > kMostKept) {
      place_.reset();
      return {.next = FrameOutcome::Next::kPayload, .destination = {}};
    }
    place_ = std::make_shared<std::vector<std::byte>>(payload_bytes);
    return {.next = FrameOutcome::Next::kPayload,
            .destination = {.bytes = *place_, .owner = place_}};
  }
  FrameOutcome payload_arrived(tcp::Connection&) override {
    NB_CHECK(std::exchange(awaits_payload_, false));
    return {};
  }
  void settle(tcp::Connection&) override {}
  std::shared_ptr<const OutgoingFrame> next_frame(tcp::Connection&) override { return nullptr; }
  void failed(tcp::Connection& connection, const std::string& reason, bool) override {
    NB_CHECK(!std::exchange(stopped_, true) && !reason.empty());
    connection.close();
  }
  [[nodiscard]] bool stopped() const { return stopped_; }

 private:
  bool awaits_payload_ = false;
  bool stopped_ = false;
  std::shared_ptr<std::vector<std::byte>> place_;
};

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  Seed all{.name = "several", .bytes = {1}};
  for (const auto& [name, frame] : some_frames()) {
    std::vector<std::byte> head;
    const std::uint64_t payload_bytes = payload_of(frame);
    NB_CHECK(encode_frame(frame, payload_bytes, head));
    const std::vector<std::byte> payload(payload_bytes, std::byte{0x5A});
    Seed seed{.name = name, .bytes = {1}};
    seeds.push_back(seed.raw(head).raw(payload));
    if (seeds.size() % 6 == 0) all.raw(head).raw(payload);
  }
  seeds.push_back(all);
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder;
  if (size == 0) return 0;
  boost::asio::io_context io;
  fuzz::Owner owner;
  auto connection = std::make_shared<tcp::Connection>(
      io.get_executor(), std::make_unique<fuzz::InputStream>(io, std::span(data, size).subspan(1)),
      owner, "stranger");
  if (data[0] % 2 == 1) connection->allow_session_frames();
  connection->start();
  io.run();
  NB_CHECK(owner.stopped());
  return 0;
}
