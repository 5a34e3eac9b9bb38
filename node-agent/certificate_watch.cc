// SPDX-License-Identifier: Apache-2.0
#include "node-agent/certificate_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <filesystem>

#include "host/data_plane.h"
#include "transport/log.h"
#include "transport/tcp/certificate.h"

namespace netbinder {

namespace {

// The wait after a change, since certificate and key are written one after the other.
constexpr std::chrono::milliseconds kSettleTime(300);
constexpr std::chrono::minutes kLookInterval(10);

}  // namespace

Expiry expiry(std::int64_t end_s, std::int64_t now_s) {
  constexpr std::int64_t kHour = 60 * 60;
  const std::int64_t left_s = end_s - now_s;
  if (left_s <= 0) return Expiry::kOver;
  if (left_s <= kHour) return Expiry::kOneHour;
  if (left_s <= 24 * kHour) return Expiry::kOneDay;
  if (left_s <= 14 * 24 * kHour) return Expiry::kTwoWeeks;
  return Expiry::kFar;
}

CertificateWatch::CertificateWatch(boost::asio::io_context& io, const TlsConfig& files, Calls calls)
    : calls_(std::move(calls)), events_(io), settled_(io), look_(io) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd >= 0) {
    events_.assign(fd);
    wait_for_events();
  } else {
    log::transport.warn("certificates are not watched ({}): tell the agent of new ones by a reload",
              std::strerror(errno));
  }
  set_files(files);
  look_at_ends();
}

bool CertificateWatch::set_files(const TlsConfig& files) {
  const std::array names{files.certificate, files.key, files.ca, files.crl};
  FilesStamp stamp(names);
  if (stamp == stamp_) return false;
  stamp_ = std::move(stamp);
  files_ = files;
  if (!events_.is_open()) return true;
  for (const int watch : watches_) ::inotify_rm_watch(events_.native_handle(), watch);
  watches_.clear();
  // The folders are watched, as files are often replaced instead of written to.
  for (const std::string& file : names) {
    if (file.empty()) continue;
    const std::filesystem::path folder = std::filesystem::path(file).parent_path();
    const int watch =
        ::inotify_add_watch(events_.native_handle(), folder.empty() ? "." : folder.c_str(),
                            IN_CLOSE_WRITE | IN_MOVED_TO);
    if (watch >= 0) watches_.push_back(watch);
  }
  return true;
}

void CertificateWatch::wait_for_events() {
  events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& error) {
                       if (error) return;
                       take_events();
                       wait_for_events();
                     });
}

void CertificateWatch::take_events() {
  NB_ON_DATA_PLANE();
  alignas(inotify_event) std::array<char, 4096> bytes;
  bool ours = false;
  const ssize_t got = ::read(events_.native_handle(), bytes.data(), bytes.size());
  for (ssize_t at = 0; at < got;) {
    inotify_event event;
    std::memcpy(&event, bytes.data() + at, sizeof event);
    const char* const name = bytes.data() + at + sizeof event;
    for (const std::string& file : {files_.certificate, files_.key, files_.ca, files_.crl}) {
      if (event.len > 0 && !file.empty() && std::filesystem::path(file).filename() == name)
        ours = true;
    }
    at += static_cast<ssize_t>(sizeof event + event.len);
  }
  if (ours) settle();
}

void CertificateWatch::settle() {
  settled_.expires_after(kSettleTime);
  settled_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    calls_.files_changed();
    look_at_ends();
  });
}

void CertificateWatch::look_at_ends() {
  const std::int64_t now_s = std::time(nullptr);
  if (const auto own = tcp::read_certificate(files_.certificate)) {
    own_end_s_ = own->end_s;
    warn(fmt::format("this host's certificate ({})", files_.certificate), own->end_s, now_s);
  }
  if (!files_.crl.empty()) {
    const auto list = tcp::read_revocations(files_.crl);
    if (list && list->next_s != 0) {
      warn(fmt::format("the list of revoked certificates ({})", files_.crl), list->next_s, now_s);
    }
  }
  for (const LinkStatus& link : calls_.links()) {
    if (link.certificate_end_s != 0) {
      warn(fmt::format("the certificate of host '{}'", link.name), link.certificate_end_s, now_s);
    }
  }
  look_.expires_after(kLookInterval);
  look_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look_at_ends();
  });
}

void CertificateWatch::warn(const std::string& whose, std::int64_t end_s, std::int64_t now_s) {
  const Expiry near = expiry(end_s, now_s);
  Expiry& warned = warned_[whose];
  if (near <= warned) {
    warned = near;  // a new certificate is there
    return;
  }
  warned = near;
  if (near == Expiry::kOver) {
    log::transport.error("{} has expired on {}: no new link can be made with it", whose,
               tcp::format_time(end_s));
  } else {
    log::transport.warn("{} expires on {}", whose, tcp::format_time(end_s));
  }
}

}  // namespace netbinder
