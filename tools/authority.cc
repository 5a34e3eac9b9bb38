// SPDX-License-Identifier: Apache-2.0
#include "tools/authority.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>

#include "transport/tcp/freed_by.h"

namespace netbinder::tools {

namespace {

using Key = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreedBy<X509_free>>;
using Revocations = std::unique_ptr<X509_CRL, FreedBy<X509_CRL_free>>;
using Revoked = std::unique_ptr<X509_REVOKED, FreedBy<X509_REVOKED_free>>;
using Time = std::unique_ptr<ASN1_TIME, FreedBy<ASN1_TIME_free>>;
using File = std::unique_ptr<std::FILE, FreedBy<std::fclose>>;

void require(bool done, const std::string& what) {
  if (done) return;
  const char* const reason = ERR_reason_error_string(ERR_get_error());
  throw std::runtime_error(what + (reason != nullptr ? std::string(": ") + reason : ""));
}

// Writes a file beside it and puts it in its place, so that nobody reads half of one.
void write(const std::string& path, mode_t mode, const std::function<int(std::FILE*)>& content) {
  const std::string beside = path + ".new";
  (void)::unlink(beside.c_str());
  const int fd = ::open(beside.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
  if (fd < 0) throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
  File file(::fdopen(fd, "w"));
  const bool written = file && content(file.get()) == 1 && std::fflush(file.get()) == 0;
  file.reset();
  if (!written || ::rename(beside.c_str(), path.c_str()) != 0) {
    (void)::unlink(beside.c_str());
    throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
  }
}

void write_key(const std::string& path, EVP_PKEY* key) {
  write(path, 0600, [key](std::FILE* file) {
    return PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

void write_certificate(const std::string& path, X509* certificate) {
  write(path, 0644, [certificate](std::FILE* file) { return PEM_write_X509(file, certificate); });
}

template <typename Object, typename Read>
Object read(const std::string& path, Read read_pem) {
  const File file(std::fopen(path.c_str(), "re"));
  if (!file) throw std::runtime_error("cannot read " + path + ": " + std::strerror(errno));
  Object object(read_pem(file.get(), nullptr, nullptr, nullptr));
  require(object != nullptr, path + " is not what it should be");
  return object;
}

void add(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  require(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1,
          "cannot make a certificate");
  X509_EXTENSION_free(extension);
}

// Without extensions, and not signed. Issued by itself if there is no issuer.
Certificate begin(const std::string& name, EVP_PKEY* key, X509* issuer, int days) {
  Certificate made(X509_new());
  require(made != nullptr, "cannot make a certificate");
  X509_set_version(made.get(), X509_VERSION_3);
  unsigned char number[16];
  require(RAND_bytes(number, sizeof number) == 1, "no random numbers");
  number[0] &= 0x7F;  // positive
  BIGNUM* const serial = BN_bin2bn(number, sizeof number, nullptr);
  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(made.get()));
  BN_free(serial);
  constexpr long kDay = 24L * 60 * 60;
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -kDay / 24);  // clocks differ
  X509_gmtime_adj(X509_getm_notAfter(made.get()), days * kDay);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(),
                       X509_get_subject_name(issuer != nullptr ? issuer : made.get()));
  X509_set_pubkey(made.get(), key);
  return made;
}

}  // namespace

void Authority::make(const std::string& folder, const std::string& name) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw std::runtime_error("cannot make " + folder + ": " + error.message());
  const Authority made(folder);
  for (const char* file : {"ca.key", "ca.pem"}) {
    if (std::filesystem::exists(made.path(file))) {
      throw std::runtime_error(made.path(file) + " is there already");
    }
  }
  const Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "cannot make a key");
  const Certificate certificate = begin(name, key.get(), nullptr, kAuthorityDays);
  add(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  require(X509_sign(certificate.get(), key.get(), EVP_sha256()) != 0, "cannot sign");
  write_key(made.path("ca.key"), key.get());
  write_certificate(made.path("ca.pem"), certificate.get());
}

void Authority::issue(const std::string& host, int days, IfThere if_there) const {
  const std::string certificate_path = path(host + ".pem");
  const std::string key_path = path(host + ".key");
  for (const std::string& file : {certificate_path, key_path}) {
    if (if_there == IfThere::kFail && std::filesystem::exists(file)) {
      throw std::runtime_error(file + " is there already; --renew writes over it");
    }
  }
  const auto ca_key = read<Key>(path("ca.key"), PEM_read_PrivateKey);
  const auto ca = read<Certificate>(path("ca.pem"), PEM_read_X509);
  const Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "cannot make a key");
  const Certificate certificate = begin(host, key.get(), ca.get(), days);
  add(certificate.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  add(certificate.get(), ca.get(), NID_key_usage, "critical,digitalSignature");
  add(certificate.get(), ca.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  add(certificate.get(), ca.get(), NID_subject_alt_name, ("DNS:" + host).c_str());
  add(certificate.get(), ca.get(), NID_authority_key_identifier, "keyid");
  require(X509_sign(certificate.get(), ca_key.get(), EVP_sha256()) != 0, "cannot sign");
  write_key(key_path, key.get());
  write_certificate(certificate_path, certificate.get());
}

std::size_t Authority::revoke(const std::string& host, int days) const {
  const auto ca_key = read<Key>(path("ca.key"), PEM_read_PrivateKey);
  const auto ca = read<Certificate>(path("ca.pem"), PEM_read_X509);
  const bool there = std::filesystem::exists(path("crl.pem"));
  const Revocations list =
      there ? read<Revocations>(path("crl.pem"), PEM_read_X509_CRL) : Revocations(X509_CRL_new());
  require(list != nullptr, "cannot make a list");
  constexpr long kDay = 24L * 60 * 60;
  const Time now(X509_gmtime_adj(nullptr, -kDay / 24));  // clocks differ
  const Time next(X509_gmtime_adj(nullptr, days * kDay));
  if (!there) {
    X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(ca.get()));
  }
  X509_CRL_set1_lastUpdate(list.get(), now.get());
  X509_CRL_set1_nextUpdate(list.get(), next.get());
  if (!host.empty()) {
    const auto certificate = read<Certificate>(path(host + ".pem"), PEM_read_X509);
    X509_REVOKED* known = nullptr;
    if (X509_CRL_get0_by_cert(list.get(), &known, certificate.get()) != 1) {
      Revoked entry(X509_REVOKED_new());
      require(entry != nullptr &&
                  X509_REVOKED_set_serialNumber(entry.get(),
                                                X509_get_serialNumber(certificate.get())) == 1 &&
                  X509_REVOKED_set_revocationDate(entry.get(), now.get()) == 1 &&
                  X509_CRL_add0_revoked(list.get(), entry.get()) == 1,
              "cannot add the certificate");
      (void)entry.release();
    }
  }
  X509_CRL_sort(list.get());
  require(X509_CRL_sign(list.get(), ca_key.get(), EVP_sha256()) != 0, "cannot sign");
  write(path("crl.pem"), 0644,
        [&](std::FILE* file) { return PEM_write_X509_CRL(file, list.get()); });
  const int revoked = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list.get()));
  return static_cast<std::size_t>(revoked > 0 ? revoked : 0);
}

}  // namespace netbinder::tools
