// SPDX-License-Identifier: Apache-2.0
//
// Facts about certificates in files, before they are used.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "transport/config.h"

namespace netbinder::tcp {

struct CertificateFacts {
  std::string subject;
  std::string issuer;
  std::vector<std::string> dns_names;  // subjectAltName
  std::int64_t begin_s = 0;            // since 1970
  std::int64_t end_s = 0;
};

// The first certificate of a PEM file, or why it cannot be read.
[[nodiscard]] std::expected<CertificateFacts, std::string> read_certificate(const std::string& file);

// An authority's statement about the certificates that it has revoked.
struct RevocationFacts {
  std::string issuer;
  std::size_t revoked = 0;
  std::int64_t next_s = 0;  // when the next list is due, and this one is over; 0: it does not say
};
// The first list of a PEM file, or why it cannot be read.
[[nodiscard]] std::expected<RevocationFacts, std::string> read_revocations(const std::string& file);

struct CertificateFinding {
  enum class Weight : std::uint8_t { kFine, kWarning, kError };
  Weight weight = Weight::kFine;
  std::string text;
};

// Checks the files of a host: that they can be read, that key and certificate belong together, that
// the authority has signed it and not revoked it, that it is this host's (by its subjectAltName), and
// the dates of both.
[[nodiscard]] std::vector<CertificateFinding> check_certificates(const TlsConfig& files,
                                                                 const std::string& host,
                                                                 std::int64_t now_s);

// "2027-01-31 12:00:00 UTC"
[[nodiscard]] std::string format_time(std::int64_t time_s);

}  // namespace netbinder::tcp
