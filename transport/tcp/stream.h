// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one connection: plain TCP, or TLS over it (tls_stream.h). Never blocks: reading and
// writing do what can be done at once, and whoever wants more waits for the stream to be readable
// or writable. While arrivals are expected soon, nobody need wait: reading in vain is one system
// call, while waiting takes the event loop three.
//
// Owned by its Connection, which also receives the events. A wait keeps the Connection alive.
//
// Thread: the data-plane thread.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace netbinder::tcp {

// Events come from the event loop, never from inside the call that asked for them. After close()
// they may still come.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void ready(const boost::system::error_code& error) = 0;
  virtual void readable() = 0;
  virtual void writable() = 0;
};

// As the kernel sees a connection; 0: not known.
struct TcpFacts {
  std::uint64_t round_trip_us = 0;
  std::uint64_t retransmitted = 0;  // segments, since it was made
};

// For status displays.
struct StreamFacts {
  TcpFacts tcp;
  std::int64_t certificate_end_s = 0;    // of the peer's, since 1970; 0: there is none
};

class Stream {
 public:
  using ReadBuffers = std::array<boost::asio::mutable_buffer, 2>;
  using WriteBuffers = std::span<const boost::asio::const_buffer>;

  virtual ~Stream() = default;
  // Does everything that must precede the first byte, then calls events->ready().
  virtual void handshake(std::shared_ptr<StreamEvents> events) = 0;
  // Reads what has arrived; 0 without an error: nothing has. The end of the stream is an error. If
  // the buffers are not filled, nothing more was there.
  virtual std::size_t read_now(const ReadBuffers& buffers, boost::system::error_code& error) = 0;
  // Writes as much as can be written at once; 0 without an error: nothing can. The bytes that were
  // not written must come first in the next call.
  virtual std::size_t write_now(WriteBuffers buffers, boost::system::error_code& error) = 0;
  // Calls events->readable() once read_now has something to say. At most one such wait at a time,
  // and likewise for wait_writable.
  virtual void wait_readable(std::shared_ptr<StreamEvents> events) = 0;
  virtual void wait_writable(std::shared_ptr<StreamEvents> events) = 0;
  // Ends the connection and all waits. Bytes already written still arrive.
  virtual void close() = 0;
  // Whether the other end has proved to be this host, as far as the stream proves anything.
  [[nodiscard]] virtual bool peer_is(const std::string& host_name) const = 0;
  // More about why the handshake has failed, in words; empty if there is nothing more to say.
  [[nodiscard]] virtual std::string handshake_failure() const { return {}; }
  [[nodiscard]] virtual StreamFacts facts() const { return {}; }
};

class PlainStream : public Stream {
 public:
  explicit PlainStream(boost::asio::ip::tcp::socket socket);

  void handshake(std::shared_ptr<StreamEvents> events) override;
  std::size_t read_now(const ReadBuffers& buffers, boost::system::error_code& error) override;
  std::size_t write_now(WriteBuffers buffers, boost::system::error_code& error) override;
  void wait_readable(std::shared_ptr<StreamEvents> events) override;
  void wait_writable(std::shared_ptr<StreamEvents> events) override;
  void close() override;
  [[nodiscard]] bool peer_is(const std::string& host_name) const override;
  [[nodiscard]] StreamFacts facts() const override;

 private:
  boost::asio::ip::tcp::socket socket_;
};

// The facts of a connected socket.
[[nodiscard]] TcpFacts tcp_facts(int socket);

// Sets the options that every connection's socket has.
void configure_socket(boost::asio::ip::tcp::socket& socket, boost::system::error_code& error);

}  // namespace netbinder::tcp
