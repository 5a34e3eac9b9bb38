// SPDX-License-Identifier: Apache-2.0
//
// netbinder certs: a small authority to start with, and a look at what an agent would use.
#include <fmt/core.h>

#include <ctime>
#include <string>

#include "tools/authority.h"
#include "tools/commands.h"
#include "transport/tcp/certificate.h"

namespace netbinder::tools {

namespace {

int check_certificate(const CertsOptions& options) {
  using Weight = tcp::CertificateFinding::Weight;
  int status = 0;
  for (const auto& finding : tcp::check_certificates({.certificate = options.certificate,
                             .key = options.key,
                             .ca = options.ca,
                             .crl = options.crl},
                                                     options.host, std::time(nullptr))) {
    switch (finding.weight) {
      case Weight::kFine:
        fmt::print("ok: {}\n", finding.text);
        break;
      case Weight::kWarning:
        fmt::print("warning: {}\n", finding.text);
        status = std::max(status, 1);
        break;
      case Weight::kError:
        fmt::print("error: {}\n", finding.text);
        status = 2;
        break;
    }
  }
  return status;
}

}  // namespace

int carry_out(const CertsOptions& options, char** /*argv*/) {
  const Authority authority(options.folder);
  switch (options.action) {
    case CertsOptions::Action::kInit:
      Authority::make(options.folder, options.name);
      fmt::print("{} and its key are made. Keep ca.key where nobody else reads it.\n",
                 authority.path("ca.pem"));
      return 0;
    case CertsOptions::Action::kHost:
      authority.issue(options.host, options.days,
                      options.renews ? Authority::IfThere::kReplace : Authority::IfThere::kFail);
      fmt::print(
          "In the configuration of {}:\n[tls]\ncertificate = \"{}\"\nkey = \"{}\"\nca = \"{}\"\n",
          options.host, authority.path(options.host + ".pem"),
          authority.path(options.host + ".key"), authority.path("ca.pem"));
      return 0;
    case CertsOptions::Action::kRevoke: {
      const std::size_t revoked = authority.revoke(options.host, options.days);
      fmt::print("{} takes {} certificates back. Copy it to every host, where tls.crl names it.\n",
                 authority.path("crl.pem"), revoked);
      return 0;
    }
    case CertsOptions::Action::kCheck:
      return check_certificate(options);
  }
  return 1;
}

}  // namespace netbinder::tools
