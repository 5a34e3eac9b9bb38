// SPDX-License-Identifier: Apache-2.0
//
// Requests of HTTP on the admin socket and on [metrics]: the input is what a stranger sends,
// however it comes in pieces. What is taken of it gets smaller with each request, and the end is
// the same whether it came at once or byte by byte.
#include <algorithm>
#include <string>
#include <variant>
#include <vector>

#include "core/base/check.h"
#include "node-agent/http.h"
#include "tests/fuzz/seeds.h"

namespace netbinder::fuzz {
namespace {

// The result of reading: the requests, and a status if one was refused.
struct Read {
  std::vector<std::string> requests;
  unsigned refused = 0;
};

// False: nothing can follow.
bool take_all(std::string& bytes, Read& read) {
  while (!bytes.empty()) {
    const std::size_t before = bytes.size();
    const auto taken = http::take_request(bytes);
    if (std::holds_alternative<http::Incomplete>(taken)) {
      NB_CHECK(bytes.size() == before && before <= http::kMaxHeaderBytes);
      return true;
    }
    if (const auto* refused = std::get_if<http::Refused>(&taken)) {
      NB_CHECK(refused->status >= 400 && refused->status < 500 && !refused->reason.empty());
      read.refused = refused->status;
      return false;
    }
    NB_CHECK(bytes.size() < before);
    const auto& request = std::get<http::Request>(taken);
    NB_CHECK(request.path.find('?') == std::string::npos);
    read.requests.push_back(request.method + " " + request.path +
                            (request.keep_alive ? " keeps" : " ends"));
  }
  return true;
}

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  const auto add = [&](const char* name, const std::string& text) {
    Seed seed{.name = name, .bytes = {}};
    seeds.push_back(seed.text(text));
  };
  add("get", "GET /metrics?a=b HTTP/1.1\r\nHost: here\r\nAccept: text/plain\r\n\r\n");
  add("head-of-1-0", "HEAD /healthz HTTP/1.0\r\n\r\n");
  add("two", "GET /readyz HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n");
  add("post", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
  add("no-body", "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  add("chunked", "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
  add("folded", "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n");
  add("upgrade", "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n");
  add("large", "GET / HTTP/1.1\r\nX: " + std::string(8200, 'x'));
  add("none", "\x16\x03\x01");
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder;
  const std::string all(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, 20000));
  fuzz::Read at_once;
  std::string bytes = all;
  (void)fuzz::take_all(bytes, at_once);
  // Much of it would take long byte by byte, as each is read from the start.
  const std::size_t step = all.size() < 512 ? 1 : 97;
  fuzz::Read in_pieces;
  bytes.clear();
  for (std::size_t at = 0; at < all.size(); at += step) {
    bytes += all.substr(at, step);
    if (!fuzz::take_all(bytes, in_pieces)) break;
  }
  NB_CHECK(at_once.requests == in_pieces.requests);
  NB_CHECK((at_once.refused == 0) == (in_pieces.refused == 0));
  return 0;
}
