// SPDX-License-Identifier: Apache-2.0
//
// The bytes of one connection: plain TCP, or TLS over it (tls_stream.h). Owned by its Connection,
// which is also where completions go; an operation keeps the Connection alive, and with it the
// memory the operation uses. At most one read and one write at a time.
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
  // Whatever has to happen before the first byte; then events->ready().
  virtual void handshake(std::shared_ptr<StreamEvents> events) = 0;
  // Whether read() puts bytes into the buffers only before it completes or is closed, so that they
  // may be a payload's final place.
  [[nodiscard]] virtual bool reads_in_place() const = 0;
  // Reads what is there, at least a byte.
  virtual void read(const ReadBuffers& buffers, std::shared_ptr<StreamEvents> events) = 0;
  // Writes what can be written at once; 0 if nothing can.
  virtual std::size_t write_now(WriteBuffers buffers, boost::system::error_code& error) = 0;
  // Writes at least a byte. The buffers, and the array they are listed in, stay until it is done.
  virtual void write(WriteBuffers buffers, std::shared_ptr<StreamEvents> events) = 0;
  // Ends all operations, with an error, and the connection. What was written still arrives.
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

// What every connection's socket is set to.
void configure_socket(boost::asio::ip::tcp::socket& socket, boost::system::error_code& error);

}  // namespace netbinder::tcp
