// SPDX-License-Identifier: Apache-2.0
//
// A small authority for the certificates of a cluster's hosts: a folder with ca.pem, ca.key, crl.pem if
// any certificate was revoked and, for each host that was issued one, HOST.pem and HOST.key. Keys can be read by their owner only.
//
// Errors are std::runtime_errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace netbinder::tools {

class Authority {
 public:
  static constexpr int kAuthorityDays = 3650;

  // Makes the folder, if need be, and the authority in it. Never writes over one that is there.
  static void make(const std::string& folder, const std::string& name);

  // Uses an authority that was made before.
  explicit Authority(std::string folder) : folder_(std::move(folder)) {}

  // Writes a certificate and its key for the host; `if_there` allows to write over earlier ones. The
  // files are replaced one by one, the certificate last.
  enum class IfThere : std::uint8_t { kFail, kReplace };
  void issue(const std::string& host, int days, IfThere if_there) const;

  // Adds the host's certificate, the one in the folder, to the list of those that are revoked, and
  // writes that anew, to be renewed in so many days. Without a host: only the latter. Returns how many
  // it has.
  std::size_t revoke(const std::string& host, int days) const;

  [[nodiscard]] std::string path(const std::string& file) const { return folder_ + "/" + file; }

 private:
  std::string folder_;
};

}  // namespace netbinder::tools
