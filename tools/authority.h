// SPDX-License-Identifier: Apache-2.0
//
// A small authority for the certificates of a cluster's hosts: a folder with ca.pem, ca.key and, for
// each host that was issued one, HOST.pem and HOST.key. Keys can be read by their owner only.
//
// Errors are std::runtime_errors.
#pragma once

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

  [[nodiscard]] std::string path(const std::string& file) const { return folder_ + "/" + file; }

 private:
  std::string folder_;
};

}  // namespace netbinder::tools
