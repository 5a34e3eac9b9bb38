// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one connection: plain TCP, or TLS over it (tls_stream.h). Owned by its Connection,
// which also receives the completions. An operation keeps the Connection alive, and with it the
// memory that the operation uses. At most one read and one write at a time.
//
// Thread: the data-plane thread.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace netbinder::tcp {

// Completions come from the event loop, never from inside the call that started the operation.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  virtual void ready(const boost::system::error_code& error) = 0;
  virtual void read_done(const boost::system::error_code& error, std::size_t bytes) = 0;
  virtual void write_done(const boost::system::error_code& error, std::size_t bytes) = 0;
};

class Stream {
 public:
  using ReadBuffers = std::array<boost::asio::mutable_buffer, 2>;
  using WriteBuffers = std::span<const boost::asio::const_buffer>;

  virtual ~Stream() = default;
  // Does everything that must precede the first byte, then calls events->ready().
  virtual void handshake(std::shared_ptr<StreamEvents> events) = 0;
  // Whether read() puts bytes into the buffers only before it completes or is closed, so that they
  // may be a payload's final place.
  [[nodiscard]] virtual bool reads_in_place() const = 0;
  // Reads the available bytes, at least one.
  virtual void read(const ReadBuffers& buffers, std::shared_ptr<StreamEvents> events) = 0;
  // Writes as much as can be written at once; 0 if nothing can.
  virtual std::size_t write_now(WriteBuffers buffers, boost::system::error_code& error) = 0;
  // Writes at least a byte. The buffers, and the array they are listed in, must stay until it is
  // done.
  virtual void write(WriteBuffers buffers, std::shared_ptr<StreamEvents> events) = 0;
  // Ends the connection, and all operations with an error. Bytes already written still arrive.
  virtual void close() = 0;
  // Whether the other end has proved to be this host, as far as the stream proves anything.
  [[nodiscard]] virtual bool peer_is(const std::string& host_name) const = 0;
};

class PlainStream : public Stream {
 public:
  explicit PlainStream(boost::asio::ip::tcp::socket socket);

  void handshake(std::shared_ptr<StreamEvents> events) override;
  [[nodiscard]] bool reads_in_place() const override { return true; }
  void read(const ReadBuffers& buffers, std::shared_ptr<StreamEvents> events) override;
  std::size_t write_now(WriteBuffers buffers, boost::system::error_code& error) override;
  void write(WriteBuffers buffers, std::shared_ptr<StreamEvents> events) override;
  void close() override;
  [[nodiscard]] bool peer_is(const std::string& host_name) const override;

 private:
  boost::asio::ip::tcp::socket socket_;
};

// Sets the options that every connection's socket has.
void configure_socket(boost::asio::ip::tcp::socket& socket, boost::system::error_code& error);

}  // namespace netbinder::tcp
