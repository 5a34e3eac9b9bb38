// SPDX-License-Identifier: Apache-2.0
//
// Mutual TLS over TCP. Both ends show a certificate signed by the cluster's authority. The dialer
// insists that it belongs to the host it dials; the acceptor compares it with the Hello's name
// through peer_is(). TLS 1.3 only.
//
// Owned like any Stream. The SSL context is shared by all streams of a transport.
// Thread: the data-plane thread.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <memory>
#include <string>

#include "transport/config.h"
#include "transport/tcp/stream.h"

namespace netbinder::tcp {

// Throws std::invalid_argument if a file cannot be used.
[[nodiscard]] std::shared_ptr<boost::asio::ssl::context> make_tls_context(const TlsConfig& config);

class TlsStream : public Stream {
 public:
  // `dialed` is the host name that the certificate must have; it is empty if the peer dialed us.
  TlsStream(boost::asio::ip::tcp::socket socket, std::shared_ptr<boost::asio::ssl::context> context,
            const std::string& dialed);

  void handshake(std::shared_ptr<StreamEvents> events) override;
  // A record that is there when the stream is closed may still be decrypted afterwards.
  [[nodiscard]] bool reads_in_place() const override { return false; }
  void read(const ReadBuffers& buffers, std::shared_ptr<StreamEvents> events) override;
  std::size_t write_now(WriteBuffers buffers, boost::system::error_code& error) override;
  void write(WriteBuffers buffers, std::shared_ptr<StreamEvents> events) override;
  void close() override;
  [[nodiscard]] bool peer_is(const std::string& host_name) const override;

 private:
  std::shared_ptr<boost::asio::ssl::context> context_;
  // When Asio's operations are cancelled they use the stream once more, so they keep it alive.
  using SslStream = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
  std::shared_ptr<SslStream> stream_;
  const bool dialer_;
};

}  // namespace netbinder::tcp
