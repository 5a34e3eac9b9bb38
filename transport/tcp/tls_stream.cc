// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>
#include <stdexcept>

#include "core/base/check.h"
#include "transport/tcp/socket_bio.h"

namespace netbinder::tcp {

namespace ssl = boost::asio::ssl;
using boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

// The most that one record holds (RFC 8446, 5.1).
constexpr std::size_t kRecordBytes = 16U << 10;

}  // namespace

std::shared_ptr<ssl::context> make_tls_context(const TlsConfig& config) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  const auto require = [](const error_code& error, const std::string& file) {
    if (error) throw std::invalid_argument(file + " cannot be used for TLS: " + error.message());
  };
  if (config.certificate.empty() || config.key.empty() || config.ca.empty()) {
    throw std::invalid_argument("TLS needs a certificate, its key and a ca");
  }
  error_code error;
  SSL_CTX* const handle = context->native_handle();
  SSL_CTX_set_min_proto_version(handle, TLS1_3_VERSION);
  // TLS sessions are not resumed: netbinder's own protocol resumes sessions.
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(handle, 0);
  SSL_CTX_set_read_ahead(handle, 1);
  SSL_CTX_set_mode(handle, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  context->use_certificate_chain_file(config.certificate, error);
  require(error, config.certificate);
  context->use_private_key_file(config.key, ssl::context::pem, error);
  require(error, config.key);
  context->load_verify_file(config.ca, error);
  require(error, config.ca);
  if (!config.crl.empty()) {
    X509_STORE* const store = SSL_CTX_get_cert_store(handle);
    X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    ERR_clear_error();
    if (lookup == nullptr ||
        X509_load_crl_file(lookup, config.crl.c_str(), X509_FILETYPE_PEM) < 1) {
      require(error_code(static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category()),
              config.crl);
      throw std::invalid_argument(config.crl + " holds no list of revoked certificates");
    }
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  }
  if (SSL_CTX_check_private_key(handle) != 1) {
    throw std::invalid_argument(config.key + " is not the key of " + config.certificate);
  }
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return context;
}

TlsStream::TlsStream(tcp::socket socket, std::shared_ptr<ssl::context> context,
                     const std::string& dialed)
    : context_(std::move(context)),
      socket_(std::move(socket)),
      ssl_(SSL_new(context_->native_handle())),
      dialer_(!dialed.empty()) {
  BIO* const bio = ssl_ ? make_socket_bio(socket_.native_handle()) : nullptr;
  if (bio == nullptr) throw std::bad_alloc();
  SSL_set_bio(ssl_.get(), bio, bio);
  // A host is named by subjectAltName; the common name is for people.
  SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (dialer_ && SSL_set1_host(ssl_.get(), dialed.c_str()) != 1) throw std::bad_alloc();
}

TlsStream::Done TlsStream::ended(int result, error_code& error) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Done::kWouldBlock;
    case SSL_ERROR_ZERO_RETURN:
      error = boost::asio::error::eof;
      return Done::kFailed;
    case SSL_ERROR_SYSCALL:
      error = errno != 0 ? error_code(errno, boost::asio::error::get_system_category())
                         : error_code(boost::asio::error::eof);
      return Done::kFailed;
    default:
      error = error_code(static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category());
      // The other end closes without a word, as frames carry their length.
      if (ERR_GET_REASON(static_cast<unsigned long>(error.value())) ==
          SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        error = boost::asio::error::eof;
      }
      return Done::kFailed;
  }
}

void TlsStream::handshake(std::shared_ptr<StreamEvents> events) {
  boost::asio::post(socket_.get_executor(), [this, events = std::move(events)]() mutable {
    // The events' owner has this stream.
    shake_hands(std::move(events));
  });
}

void TlsStream::shake_hands(std::shared_ptr<StreamEvents> events) {
  if (!socket_.is_open()) return;
  ERR_clear_error();
  errno = 0;
  const int result = dialer_ ? SSL_connect(ssl_.get()) : SSL_accept(ssl_.get());
  error_code error;
  if (result == 1 || ended(result, error) == Done::kFailed) {
    events->ready(error);
    return;
  }
  const auto next = SSL_want_write(ssl_.get()) ? tcp::socket::wait_write : tcp::socket::wait_read;
  socket_.async_wait(next, [this, events = std::move(events)](const error_code& waited) mutable {
    if (waited != boost::asio::error::operation_aborted) shake_hands(std::move(events));
  });
}

std::size_t TlsStream::read_now(const ReadBuffers& buffers, error_code& error) {
  NB_CHECK(socket_.is_open());  // OpenSSL has only its number
  std::size_t total = 0;
  for (const auto& buffer : buffers) {
    for (std::size_t filled = 0; filled < buffer.size();) {
      ERR_clear_error();
      errno = 0;
      std::size_t bytes = 0;
      const int result = SSL_read_ex(ssl_.get(), static_cast<std::byte*>(buffer.data()) + filled,
                                     buffer.size() - filled, &bytes);
      if (result != 1) {
        // Bytes read before the failure are used first; the next call fails again.
        error_code failure;
        drained_ = ended(result, failure) == Done::kWouldBlock;
        if (total == 0) error = failure;
        return total;
      }
      filled += bytes;
      total += bytes;
    }
  }
  drained_ = false;
  return total;
}

// Small buffers are put together, as each record costs bytes and time of its own. If the socket
// takes only part of a record, OpenSSL keeps the rest and wants the same bytes again: those come
// first in the next call, and at least as many.
std::size_t TlsStream::write_now(WriteBuffers buffers, error_code& error) {
  NB_CHECK(socket_.is_open());
  record_.resize(kRecordBytes);
  std::size_t total = 0;
  std::size_t buffer = 0;
  std::size_t offset = 0;
  while (buffer < buffers.size()) {
    std::size_t gathered = 0;
    std::size_t next = buffer;
    std::size_t next_offset = offset;
    while (next < buffers.size() && gathered < kRecordBytes) {
      const std::size_t bytes =
          std::min(buffers[next].size() - next_offset, kRecordBytes - gathered);
      std::memcpy(record_.data() + gathered,
                  static_cast<const std::byte*>(buffers[next].data()) + next_offset, bytes);
      gathered += bytes;
      next_offset += bytes;
      if (next_offset == buffers[next].size()) {
        ++next;
        next_offset = 0;
      }
    }
    if (gathered == 0) break;
    ERR_clear_error();
    errno = 0;
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl_.get(), record_.data(), gathered, &written);
    if (result != 1) {
      error_code failure;
      if (ended(result, failure) == Done::kFailed && total == 0) error = failure;
      return total;
    }
    total += written;
    if (written < gathered) return total;
    buffer = next;
    offset = next_offset;
  }
  return total;
}

void TlsStream::wait_readable(std::shared_ptr<StreamEvents> events) {
  if (!drained_) {
    boost::asio::post(socket_.get_executor(), [events = std::move(events)] { events->readable(); });
    return;
  }
  socket_.async_wait(tcp::socket::wait_read, [events = std::move(events)](
                                                 const error_code& /*read_now tells*/) {
    events->readable();
  });
}

void TlsStream::wait_writable(std::shared_ptr<StreamEvents> events) {
  socket_.async_wait(tcp::socket::wait_write, [events = std::move(events)](
                                                  const error_code& /*write_now tells*/) {
    events->writable();
  });
}

void TlsStream::close() {
  // No close_notify: frames carry their length, and a session says goodbye itself.
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Certificate peer_certificate(const SSL* ssl) {
  return {SSL_get1_peer_certificate(ssl), &X509_free};
}

}  // namespace

// OpenSSL says only that the certificate could not be verified; why, and whose it is, helps more.
std::string TlsStream::handshake_failure() const {
  const long result = SSL_get_verify_result(ssl_.get());
  if (result == X509_V_OK) return {};
  std::string text = X509_verify_cert_error_string(result);
  if (const Certificate certificate = peer_certificate(ssl_.get())) {
    char name[256] = {};
    X509_NAME_oneline(X509_get_subject_name(certificate.get()), name, sizeof name);
    text += " (" + std::string(name) + ")";
  }
  return text;
}

StreamFacts TlsStream::facts() const {
  StreamFacts facts;
  facts.tcp = tcp_facts(const_cast<tcp::socket&>(socket_).native_handle());
  const Certificate certificate = peer_certificate(ssl_.get());
  std::tm end{};
  if (certificate != nullptr &&
      ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) == 1) {
    facts.certificate_end_s = ::timegm(&end);
  }
  return facts;
}

bool TlsStream::peer_is(const std::string& host_name) const {
  if (SSL_get_verify_result(ssl_.get()) != X509_V_OK) return false;
  const Certificate certificate = peer_certificate(ssl_.get());
  return certificate != nullptr &&
         X509_check_host(certificate.get(), host_name.data(), host_name.size(),
                         X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
}

}  // namespace netbinder::tcp
