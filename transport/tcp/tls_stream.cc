// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/tls_stream.h"

#include <openssl/x509v3.h>

#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/system/system_error.hpp>
#include <stdexcept>

namespace netbinder::tcp {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

std::shared_ptr<ssl::context> make_tls_context(const TlsConfig& config) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  const auto require = [](const error_code& error, const std::string& file) {
    if (error) throw std::invalid_argument(file + " cannot be used for TLS: " + error.message());
  };
  if (config.certificate.empty() || config.key.empty() || config.ca.empty()) {
    throw std::invalid_argument("TLS needs a certificate, its key and a ca");
  }
  error_code error;
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  // TLS sessions are not resumed: netbinder's own protocol resumes sessions.
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  context->use_certificate_chain_file(config.certificate, error);
  require(error, config.certificate);
  context->use_private_key_file(config.key, ssl::context::pem, error);
  require(error, config.key);
  context->load_verify_file(config.ca, error);
  require(error, config.ca);
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    throw std::invalid_argument(config.key + " is not the key of " + config.certificate);
  }
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return context;
}

TlsStream::TlsStream(boost::asio::ip::tcp::socket socket, std::shared_ptr<ssl::context> context,
                     const std::string& dialed)
    : context_(std::move(context)),
      stream_(std::make_shared<SslStream>(std::move(socket), *context_)),
      dialer_(!dialed.empty()) {
  if (!dialer_) return;
  error_code ignored;  // a callback cannot fail to be set
  stream_->set_verify_callback(ssl::host_name_verification(dialed), ignored);
}

void TlsStream::handshake(std::shared_ptr<StreamEvents> events) {
  stream_->async_handshake(dialer_ ? ssl::stream_base::client : ssl::stream_base::server,
                           [events = std::move(events), kept = stream_](const error_code& error) {
                             events->ready(error);
                           });
}

void TlsStream::read(const ReadBuffers& buffers, std::shared_ptr<StreamEvents> events) {
  stream_->async_read_some(buffers, [events = std::move(events), kept = stream_](
                                        const error_code& error, std::size_t bytes) {
    events->read_done(error, bytes);
  });
}

std::size_t TlsStream::write_now(WriteBuffers /*buffers*/, error_code& /*error*/) {
  return 0;  // a record that was begun has to be written to its end, so the loop does it all
}

void TlsStream::write(WriteBuffers buffers, std::shared_ptr<StreamEvents> events) {
  stream_->async_write_some(buffers, [events = std::move(events), kept = stream_](
                                         const error_code& error, std::size_t bytes) {
    events->write_done(error, bytes);
  });
}

void TlsStream::close() {
  // No close_notify: frames carry their length, and a session says goodbye itself.
  error_code ignored;
  stream_->next_layer().shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
  stream_->next_layer().close(ignored);
}

bool TlsStream::peer_is(const std::string& host_name) const {
  SSL* const handle = const_cast<SslStream&>(*stream_).native_handle();
  if (SSL_get_verify_result(handle) != X509_V_OK) return false;
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(handle),
                                                                &X509_free);
  return certificate != nullptr &&
         X509_check_host(certificate.get(), host_name.data(), host_name.size(), 0, nullptr) == 1;
}

}  // namespace netbinder::tcp
