// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1 as the agent and `netbinder ui` serve it: requests without a body are read from bytes, as
// they come, and answers are written. Only http.cc knows Beast. Pure; what is read is untrusted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace netbinder::http {

struct Request {
  std::string method;
  std::string path;  // of the target, without what follows a '?'
  bool keep_alive = false;
  std::string host = {};  // as the header has it; empty: there is none
};
// The request is not whole yet.
struct Incomplete {};
// It is none that is served; nothing after it can be read.
struct Refused {
  unsigned status = 400;
  std::string reason;
};

// The bytes of a request line and its headers, at the most.
inline constexpr std::uint32_t kMaxHeaderBytes = 8192;

// Whether that byte begins a request of HTTP: methods are in capitals.
[[nodiscard]] inline bool begins_request(char first) { return first >= 'A' && first <= 'Z'; }

// The first request in `bytes`, which is taken from there if it is whole.
[[nodiscard]] std::variant<Incomplete, Request, Refused> take_request(std::string& bytes);

struct Answer {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
};

enum class Then : std::uint8_t { kKeepOpen, kClose };
// The bytes for whoever made a request with that method.
[[nodiscard]] std::string to_bytes(const Answer& answer, std::string_view method, Then then);

}  // namespace netbinder::http
