// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/certificate.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

#include "transport/tcp/freed_by.h"

namespace netbinder::tcp {

namespace {

using Certificate = std::unique_ptr<X509, FreedBy<X509_free>>;
using Context = std::unique_ptr<SSL_CTX, FreedBy<SSL_CTX_free>>;
using Store = std::unique_ptr<X509_STORE, FreedBy<X509_STORE_free>>;
using StoreContext = std::unique_ptr<X509_STORE_CTX, FreedBy<X509_STORE_CTX_free>>;
using Revocations = std::unique_ptr<X509_CRL, FreedBy<X509_CRL_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>>;

std::string last_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "no PEM of the right kind";
}

std::expected<Certificate, std::string> read_pem(const std::string& file) {
  const std::unique_ptr<std::FILE, FreedBy<std::fclose>> stream(std::fopen(file.c_str(), "re"));
  if (!stream) return std::unexpected(file + " cannot be read: " + std::strerror(errno));
  ERR_clear_error();
  Certificate certificate(PEM_read_X509(stream.get(), nullptr, nullptr, nullptr));
  if (!certificate) return std::unexpected(file + " holds no certificate: " + last_error());
  return certificate;
}

std::expected<Revocations, std::string> read_crl(const std::string& file) {
  const std::unique_ptr<std::FILE, FreedBy<std::fclose>> stream(std::fopen(file.c_str(), "re"));
  if (!stream) return std::unexpected(file + " cannot be read: " + std::strerror(errno));
  ERR_clear_error();
  Revocations list(PEM_read_X509_CRL(stream.get(), nullptr, nullptr, nullptr));
  if (!list)
    return std::unexpected(file + " holds no list of revoked certificates: " + last_error());
  return list;
}

std::string name_of(const X509_NAME* name) {
  char text[256] = {};
  X509_NAME_oneline(name, text, sizeof text);
  return text;
}

std::int64_t seconds(const ASN1_TIME* time) {
  std::tm broken{};
  return ASN1_TIME_to_tm(time, &broken) == 1 ? ::timegm(&broken) : 0;
}

CertificateFacts facts_of(X509* certificate) {
  CertificateFacts facts;
  facts.subject = name_of(X509_get_subject_name(certificate));
  facts.issuer = name_of(X509_get_issuer_name(certificate));
  facts.begin_s = seconds(X509_get0_notBefore(certificate));
  facts.end_s = seconds(X509_get0_notAfter(certificate));
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    facts.dns_names.emplace_back(
        reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
        static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
  }
  return facts;
}

// Why the authority's file does not vouch for the certificate; empty if it does. Dates are looked at
// elsewhere.
std::string not_signed(X509* certificate, const std::string& ca) {
  const Store store(X509_STORE_new());
  const StoreContext context(X509_STORE_CTX_new());
  ERR_clear_error();
  if (!store || !context || X509_STORE_load_file(store.get(), ca.c_str()) != 1) {
    return ca + " cannot be read: " + last_error();
  }
  X509_STORE_set_flags(store.get(), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_STORE_CTX_init(context.get(), store.get(), certificate, nullptr) != 1) {
    return last_error();
  }
  if (X509_verify_cert(context.get()) == 1) return {};
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

using Weight = CertificateFinding::Weight;

CertificateFinding examine_revocations(X509* certificate, const TlsConfig& files,
                                       std::int64_t now_s) {
  const auto list = read_crl(files.crl);
  if (!list) return {.weight = Weight::kError, .text = list.error()};
  const auto ca = read_pem(files.ca);
  if (ca && X509_CRL_verify(list->get(), X509_get0_pubkey(ca->get())) != 1) {
    return {.weight = Weight::kError,
            .text = fmt::format("{} is not signed by the authority of {}", files.crl, files.ca)};
  }
  const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list->get());
  const std::int64_t next_s = next != nullptr ? seconds(next) : 0;
  if (next_s != 0 && next_s <= now_s) {
    return {.weight = Weight::kError,
            .text = fmt::format("{} is over since {}, so nobody is let in; make a new one",
                                files.crl, format_time(next_s))};
  }
  X509_REVOKED* revoked = nullptr;
  if (X509_CRL_get0_by_cert(list->get(), &revoked, certificate) == 1) {
    return {.weight = Weight::kError,
            .text = fmt::format("{} is revoked by {}", files.certificate, files.crl)};
  }
  return {.weight = Weight::kFine,
          .text = next_s == 0 ? fmt::format("{} does not revoke it", files.crl)
                              : fmt::format("{} does not revoke it, and is valid until {}",
                                            files.crl, format_time(next_s))};
}

}  // namespace

std::expected<RevocationFacts, std::string> read_revocations(const std::string& file) {
  const auto list = read_crl(file);
  if (!list) return std::unexpected(list.error());
  const ASN1_TIME* const next = X509_CRL_get0_nextUpdate(list->get());
  const int revoked = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(list->get()));
  return RevocationFacts{.issuer = name_of(X509_CRL_get_issuer(list->get())),
                         .revoked = static_cast<std::size_t>(std::max(revoked, 0)),
                         .next_s = next != nullptr ? seconds(next) : 0};
}

std::expected<CertificateFacts, std::string> read_certificate(const std::string& file) {
  const auto certificate = read_pem(file);
  if (!certificate) return std::unexpected(certificate.error());
  return facts_of(certificate->get());
}

std::vector<CertificateFinding> check_certificates(const TlsConfig& files, const std::string& host,
                                                   std::int64_t now_s) {
  constexpr std::int64_t kDay = 24 * 60 * 60;
  std::vector<CertificateFinding> findings;
  const auto say = [&](Weight weight, std::string text) {
    findings.push_back({.weight = weight, .text = std::move(text)});
  };
  const auto certificate = read_pem(files.certificate);
  if (!certificate) {
    say(Weight::kError, certificate.error());
    return findings;
  }
  const CertificateFacts facts = facts_of(certificate->get());

  const Context context(SSL_CTX_new(TLS_method()));
  ERR_clear_error();
  if (!context ||
      SSL_CTX_use_certificate_chain_file(context.get(), files.certificate.c_str()) != 1) {
    say(Weight::kError, files.certificate + " cannot be used: " + last_error());
  } else if (SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    // OpenSSL compares it with the certificate at once.
    const bool another = ERR_GET_REASON(ERR_peek_error()) == X509_R_KEY_VALUES_MISMATCH;
    say(Weight::kError, another ? files.key + " is not the key of " + files.certificate
                                : files.key + " cannot be used: " + last_error());
  } else {
    say(Weight::kFine, files.key + " is the key of " + files.certificate);
  }
  struct stat key {};
  if (::stat(files.key.c_str(), &key) == 0 && (key.st_mode & 077) != 0) {
    say(Weight::kWarning, fmt::format("{} can be read by others (mode {:04o}): chmod 600 {}",
                                      files.key, key.st_mode & 07777, files.key));
  }

  if (const std::string why = not_signed(certificate->get(), files.ca); !why.empty()) {
    say(Weight::kError, fmt::format("{} is not vouched for by {}: {}", files.certificate, files.ca, why));
  } else {
    say(Weight::kFine, fmt::format("{} is signed by {}", files.certificate, facts.issuer));
  }

  if (std::ranges::find(facts.dns_names, host) == facts.dns_names.end()) {
    say(Weight::kError,
        facts.dns_names.empty()
            ? fmt::format("{} names no host (it has no subjectAltName)", files.certificate)
            : fmt::format("{} is that of {}, and not of {}", files.certificate,
                          fmt::join(facts.dns_names, ", "), host));
  } else {
    say(Weight::kFine, fmt::format("{} is that of {}", files.certificate, host));
  }

  if (now_s < facts.begin_s) {
    say(Weight::kError, fmt::format("{} is not valid before {}: is the clock right?",
                                    files.certificate, format_time(facts.begin_s)));
  } else if (now_s >= facts.end_s) {
    say(Weight::kError,
        fmt::format("{} has expired on {}", files.certificate, format_time(facts.end_s)));
  } else {
    say(facts.end_s - now_s < 14 * kDay ? Weight::kWarning : Weight::kFine,
        fmt::format("{} is valid until {}", files.certificate, format_time(facts.end_s)));
  }
  if (!files.crl.empty()) findings.push_back(examine_revocations(certificate->get(), files, now_s));
  return findings;
}

std::string format_time(std::int64_t time_s) {
  const std::time_t time = time_s;
  std::tm broken{};
  char text[64] = {};
  ::gmtime_r(&time, &broken);
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &broken);
  return text;
}

}  // namespace netbinder::tcp
