// SPDX-License-Identifier: Apache-2.0
//
// Mutual TLS over TCP. Both ends show a certificate signed by the cluster's authority. The dialer
// insists that it belongs to the host it dials; the acceptor compares it with the Hello's name
// through peer_is(). TLS 1.3 only.
//
// OpenSSL works on the socket directly and never blocks, as plain TCP does: so a record that can be
// written leaves at once, and one that has arrived is read without the event loop.
//
// Owned like any Stream. The SSL context is shared by all streams of a transport.
// Thread: the data-plane thread.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "transport/config.h"
#include "transport/tcp/freed_by.h"
#include "transport/tcp/stream.h"

namespace netbinder::tcp {

// Throws std::invalid_argument if a file cannot be used.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> make_tls_context(const TlsConfig& config);

class TlsStream : public Stream {
 public:
  // `dialed` is the host name that the certificate must have; it is empty if the peer dialed us.
  // Throws std::bad_alloc.
  TlsStream(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> context,
            const std::string& dialed);

  void handshake(std::shared_ptr<StreamEvents> events) override;
  std::size_t read_now(const ReadBuffers& buffers, boost::system::error_code& error) override;
  std::size_t write_now(WriteBuffers buffers, boost::system::error_code& error) override;
  void wait_readable(std::shared_ptr<StreamEvents> events) override;
  void wait_writable(std::shared_ptr<StreamEvents> events) override;
  void close() override;
  [[nodiscard]] bool peer_is(const std::string& host_name) const override;
  [[nodiscard]] std::string handshake_failure() const override;
  [[nodiscard]] StreamFacts facts() const override;

 private:
  enum class Done : std::uint8_t { kBytes, kWouldBlock, kFailed };

  // Begins to wait for the step's end, if it can only be made later.
  void shake_hands(std::shared_ptr<StreamEvents> events);
  // The meaning of a call that returned `result` (not 1).
  Done ended(int result, boost::system::error_code& error) const;

  std::shared_ptr<boost::asio::ssl::context> context_;
  boost::asio::ip::tcp::socket socket_;
  std::unique_ptr<SSL, FreedBy<SSL_free>> ssl_;
  const bool dialer_;
  // OpenSSL reads ahead, in the handshake already, so that it may have bytes when the socket has
  // none: whether read_now has ended for want of bytes, so that the socket tells when there are more.
  bool drained_ = false;
  std::vector<std::byte> record_;  // bytes of several buffers, to be written as one record
};

}  // namespace netbinder::tcp
