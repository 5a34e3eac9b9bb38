// SPDX-License-Identifier: Apache-2.0
//
// Watches the certificates of links: this host's files, which are used as soon as they have
// changed, and the end dates of all certificates, of which it warns in time.
//
// Owned by the Agent, if there is TLS. Thread: the data-plane thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "node-agent/files_stamp.h"
#include "transport/config.h"
#include "transport/transport.h"

namespace netbinder {

// How near the end of a certificate is. There is one warning for each of these steps.
enum class Expiry : std::uint8_t { kFar, kTwoWeeks, kOneDay, kOneHour, kOver };
[[nodiscard]] Expiry expiry(std::int64_t end_s, std::int64_t now_s);

class CertificateWatch {
 public:
  struct Calls {
    std::function<void()> files_changed;                // to read them again
    std::function<std::vector<LinkStatus>()> links;     // for the ends of peers' certificates
  };
  CertificateWatch(boost::asio::io_context& io, const TlsConfig& files, Calls calls);
  ~CertificateWatch() = default;
  CertificateWatch(const CertificateWatch&) = delete;
  CertificateWatch& operator=(const CertificateWatch&) = delete;

  // Watches these files from now on. Whether they are others than before, or have changed.
  bool set_files(const TlsConfig& files);
  // The end of this host's certificate, since 1970, as it was last looked at; 0: not known.
  [[nodiscard]] std::int64_t own_end_s() const { return own_end_s_; }

 private:
  void wait_for_events();
  void take_events();
  void settle();
  void look_at_ends();
  void warn(const std::string& whose, std::int64_t end_s, std::int64_t now_s);

  Calls calls_;
  TlsConfig files_;
  FilesStamp stamp_;  // of the files that were set last
  boost::asio::posix::stream_descriptor events_;  // of inotify; closed if there is no inotify
  boost::asio::steady_timer settled_;
  boost::asio::steady_timer look_;
  std::vector<int> watches_;
  std::int64_t own_end_s_ = 0;
  std::map<std::string, Expiry> warned_;  // the last step warned of, by certificate's owner
};

}  // namespace netbinder
