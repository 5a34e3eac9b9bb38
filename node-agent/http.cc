// SPDX-License-Identifier: Apache-2.0
#include "node-agent/http.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sstream>

namespace netbinder::http {

namespace beast = boost::beast::http;

std::variant<Incomplete, Request, Refused> take_request(std::string& bytes) {
  beast::request_parser<beast::empty_body> parser;
  parser.header_limit(kMaxHeaderBytes);
  parser.body_limit(std::uint64_t{0});
  boost::system::error_code error;
  const std::size_t used = parser.put(boost::asio::buffer(bytes), error);
  if (error == beast::error::need_more) {
    if (bytes.size() <= kMaxHeaderBytes) return Incomplete{};
    return Refused{.status = 431, .reason = "the headers are too large"};
  }
  if (error == beast::error::header_limit) {
    return Refused{.status = 431, .reason = "the headers are too large"};
  }
  if (error == beast::error::body_limit || error == beast::error::unexpected_body) {
    return Refused{.status = 413, .reason = "requests have no body here"};
  }
  if (error) return Refused{.status = 400, .reason = error.message()};
  if (!parser.is_header_done()) return Incomplete{};
  const auto& message = parser.get();
  if (!parser.is_done() || parser.chunked() || parser.content_length().value_or(0) != 0) {
    return Refused{.status = 413, .reason = "requests have no body here"};
  }
  Request request{.method = std::string(message.method_string()),
                  .path = std::string(message.target()),
                  .keep_alive = message.keep_alive(),
                  .host = std::string(message[beast::field::host])};
  request.path.resize(std::min(request.path.find('?'), request.path.size()));
  bytes.erase(0, used);
  return request;
}

std::string to_bytes(const Answer& answer, std::string_view method, Then then) {
  beast::response<beast::string_body> response(static_cast<beast::status>(answer.status), 11);
  response.set(beast::field::server, "netbinder");
  response.set(beast::field::content_type, answer.content_type);
  response.set(beast::field::cache_control, "no-store");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  if (answer.status == 405) response.set(beast::field::allow, "GET, HEAD");
  response.keep_alive(then == Then::kKeepOpen);
  response.content_length(answer.body.size());
  std::ostringstream text;
  text << response.base();
  if (method != "HEAD") text << answer.body;
  return text.str();
}

}  // namespace netbinder::http
