// SPDX-License-Identifier: Apache-2.0
//
// Serves pages to browsers of this machine: HTTP, GET and HEAD only. Whoever asks is untrusted:
// - Connections are answered if they are the user's own or root's, as the kernel tells; or, if that
//   is wanted, everybody's.
// - A request that a page of another site makes, after its name was pointed here (DNS rebinding),
//   has that site's name as its Host: only addresses and "localhost" are taken.
// Connections, requests and their time are bounded. Each connection has a thread.
//
// Used by one thread; `answer` is called on others, also after this has ended.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "node-agent/http.h"
#include "node-agent/unique_fd.h"

namespace netbinder::tools {

enum class Asker : std::uint8_t { kThisUser, kAnybody };

// Whether that is a Host by which a page of another site cannot come here.
[[nodiscard]] bool is_own_host(std::string_view host);

class PageServer {
 public:
  using Answer = std::function<http::Answer(const std::string& path)>;

  static constexpr std::size_t kMostConnections = 16;
  static constexpr int kIdleS = 30;

  // "ip:port"; port 0: a free one. Other addresses than loopback ones are for anybody. Throws
  // std::runtime_error with what is wrong.
  PageServer(const std::string& address, Asker for_whom, Answer answer);
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  [[nodiscard]] std::string url() const;
  // Takes a connection, if one comes within that time.
  void serve_ms(int most_ms);

 private:
  struct Shared {
    Asker for_whom;
    Answer answer;
    std::atomic<std::size_t> connections = 0;
  };

  static void serve(const Shared& shared, int socket);
  static http::Answer answer_of(const Shared& shared, int socket, const http::Request& request);

  UniqueFd listener_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace netbinder::tools
