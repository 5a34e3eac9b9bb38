// SPDX-License-Identifier: Apache-2.0
//
// A connection on which a test can write anything, and which notices when it is closed.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <boost/asio.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "transport/cluster_key.h"
#include "transport/codec.h"
#include "transport/limits.h"

namespace netbinder {

class Stranger {
 public:
  Stranger(boost::asio::io_context& io, std::uint16_t port) : socket_(io) {
    socket_.connect(boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
    socket_.non_blocking(true);
    read();
  }
  void write(std::vector<std::byte> bytes) {
    auto kept = std::make_shared<std::vector<std::byte>>(std::move(bytes));
    boost::asio::async_write(socket_, boost::asio::buffer(*kept),
                             [kept](const boost::system::error_code&, std::size_t) {});
  }
  void write(const Frame& frame, std::uint64_t payload_bytes = 0) {
    std::vector<std::byte> bytes;
    EXPECT_TRUE(encode_frame(frame, payload_bytes, bytes));
    write(std::move(bytes));
  }
  bool closed() const { return closed_; }
  // Everything it was told, without payloads.
  std::vector<Frame> answers() const {
    std::vector<Frame> frames;
    std::span<const std::byte> rest = received_;
    while (rest.size() >= kFramePrefixBytes) {
      const auto prefix = decode_prefix(rest.first(kFramePrefixBytes), limits::kMaxMessageBytes);
      EXPECT_TRUE(prefix);
      if (!prefix || rest.size() < kFramePrefixBytes + prefix->message_bytes) break;
      auto frame = decode_frame(rest.subspan(kFramePrefixBytes, prefix->message_bytes), 0);
      EXPECT_TRUE(frame);
      if (!frame) break;
      frames.push_back(*std::move(frame));
      rest = rest.subspan(kFramePrefixBytes + prefix->message_bytes);
    }
    return frames;
  }
  // Says Hello in the name of a host, and answers the challenge with that key. `wait` runs the loop
  // until something holds.
  void greet(const frame::Hello& hello, const ClusterKey& key,
             const std::function<bool(const std::function<bool()>&)>& wait) {
    write(hello);
    const bool asked = wait([&] { return answer().has_value(); });
    const auto said = answer();
    ASSERT_TRUE(asked && std::holds_alternative<frame::Challenge>(*said));
    write(frame::Answer{key.of_dialer(hello, std::get<frame::Challenge>(*said))});
  }
  // The first frame it was told.
  std::optional<Frame> answer() const {
    const auto all = answers();
    return all.empty() ? std::nullopt : std::optional(all.front());
  }

 private:
  void read() {
    socket_.async_read_some(boost::asio::buffer(buffer_),
                            [this](const boost::system::error_code& error, std::size_t bytes) {
                              if (error == boost::asio::error::operation_aborted) return;
                              received_.insert(
                                  received_.end(), buffer_.begin(),
                                  buffer_.begin() + static_cast<std::ptrdiff_t>(bytes));
                              if (error) {
                                closed_ = true;
                              } else {
                                read();
                              }
                            });
  }
  boost::asio::ip::tcp::socket socket_;
  std::array<std::byte, 4096> buffer_;
  std::vector<std::byte> received_;
  bool closed_ = false;
};

}  // namespace netbinder
