// SPDX-License-Identifier: Apache-2.0
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl.hpp>
#include <stdexcept>

#include "membership/etcd/connection_of.h"

namespace netbinder::etcd {

namespace {

namespace ssl = boost::asio::ssl;

ssl::context make_context(const MembershipTlsSettings& files) {
  ssl::context context(ssl::context::tls_client);
  const auto use = [](const std::string& file, const char* what, auto&& load) {
    boost::system::error_code error;
    load(error);
    if (error) throw std::runtime_error(std::string(what) + " " + file + ": " + error.message());
  };
  if (files.ca.empty()) {
    context.set_default_verify_paths();
  } else {
    use(files.ca, "membership.tls.ca",
        [&](auto& error) { context.load_verify_file(files.ca, error); });
  }
  if (!files.certificate.empty()) {
    use(files.certificate, "membership.tls.certificate",
        [&](auto& error) { context.use_certificate_chain_file(files.certificate, error); });
    use(files.key, "membership.tls.key",
        [&](auto& error) { context.use_private_key_file(files.key, ssl::context::pem, error); });
  }
  context.set_verify_mode(ssl::verify_peer);
  return context;
}

class TlsLayer {
 public:
  using Stream = ssl::stream<boost::asio::ip::tcp::socket>;
  TlsLayer(boost::asio::io_context& io, const Endpoint& endpoint,
           const MembershipTlsSettings& files)
      : io_(io), host_(endpoint.host), context_(make_context(files)) {
    renew();
  }
  Stream& stream() { return *stream_; }
  boost::asio::ip::tcp::socket& socket() { return stream_->next_layer(); }
  template <typename Handler>
  void prepare(Handler handler) {
    stream_->async_handshake(ssl::stream_base::client, std::move(handler));
  }
  [[nodiscard]] std::string reason(const boost::system::error_code& error) {
    const long verdict = SSL_get_verify_result(stream_->native_handle());
    if (verdict == X509_V_OK) return error.message();
    return X509_verify_cert_error_string(verdict);
  }
  // A stream of TLS is used once.
  void renew() {
    stream_.emplace(io_, context_);
    boost::system::error_code not_numeric;
    (void)boost::asio::ip::make_address(host_, not_numeric);
    if (not_numeric) SSL_set_tlsext_host_name(stream_->native_handle(), host_.c_str());
    stream_->set_verify_callback(ssl::host_name_verification(host_));
  }

 private:
  boost::asio::io_context& io_;
  std::string host_;
  ssl::context context_;
  std::optional<Stream> stream_;
};

}  // namespace

std::string problem_with(const MembershipTlsSettings& files) {
  try {
    (void)make_context(files);
    return {};
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

std::shared_ptr<Connection> make_tls_connection(boost::asio::io_context& io,
                                                const Endpoint& endpoint,
                                                const MembershipTlsSettings& files) {
  return std::make_shared<ConnectionOf<TlsLayer>>(io, endpoint, files);
}

}  // namespace netbinder::etcd
