// SPDX-License-Identifier: Apache-2.0
#include "transport/cluster_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/check.h"

namespace netbinder {

namespace {

// All that both ends have said, each value where only it can be.
class Transcript {
 public:
  explicit Transcript(std::string_view whose) { text(whose); }
  Transcript& number(std::uint64_t value) {
    for (int i = 0; i < 8; ++i) bytes_.push_back(static_cast<char>(value >> (8 * i)));
    return *this;
  }
  Transcript& text(std::string_view value) {
    number(value.size());
    bytes_ += value;
    return *this;
  }
  Transcript& nonce(const Nonce& value) {
    return text({reinterpret_cast<const char*>(value.data()), value.size()});
  }
  Transcript& greeting(const frame::Hello& hello, const frame::Challenge& challenge) {
    return number(hello.version.value())
        .text(hello.cluster)
        .number(hello.host.value())
        .text(hello.host_name)
        .number(hello.incarnation.value())
        .number(hello.peer.value())
        .number(hello.peer_incarnation.value())
        .number(hello.session.value())
        .number(hello.received.value())
        .nonce(hello.nonce)
        .number(challenge.host.value())
        .text(challenge.host_name)
        .number(challenge.incarnation.value())
        .nonce(challenge.nonce);
  }
  [[nodiscard]] std::string_view bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace

Proof ClusterKey::of(std::string_view transcript) const {
  Proof proof{};
  unsigned int bytes = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
           reinterpret_cast<const unsigned char*>(transcript.data()), transcript.size(),
           proof.data(), &bytes);
  NB_CHECK(made != nullptr && bytes == proof.size());
  return proof;
}

Proof ClusterKey::of_dialer(const frame::Hello& hello, const frame::Challenge& challenge) const {
  return of(Transcript("netbinder dialer").greeting(hello, challenge).bytes());
}

Proof ClusterKey::of_acceptor(const frame::Hello& hello, const frame::Challenge& challenge,
                              const frame::Welcome& welcome) const {
  return of(Transcript("netbinder acceptor")
                .greeting(hello, challenge)
                .number(welcome.session.value())
                .number(welcome.received.value())
                .bytes());
}

bool ClusterKey::same(const Proof& one, const Proof& other) {
  return CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace netbinder
