// SPDX-License-Identifier: Apache-2.0
//
// A Connection over a stream of Asio's. To be included by plain_connection.cc and tls_connection.cc
// alone.
#pragma once

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <chrono>
#include <concepts>
#include <deque>
#include <optional>
#include <utility>

#include "membership/etcd/connection.h"

namespace netbinder::etcd {

// `Layer` has the stream, and what is done between connecting and the first request:
//   stream(), socket(), prepare(handler(error_code))
template <typename Layer>
class ConnectionOf final : public Connection,
                           public std::enable_shared_from_this<ConnectionOf<Layer>> {
 public:
  template <typename... Arguments>
  ConnectionOf(boost::asio::io_context& io, Endpoint endpoint, Arguments&&... arguments)
      : io_(io),
        endpoint_(std::move(endpoint)),
        layer_(io, endpoint_, std::forward<Arguments>(arguments)...),
        resolver_(io),
        timer_(io) {}

  void call(HttpRequest request, std::uint32_t timeout_ms, Answered answered) override {
    queue_.push_back({std::move(request), timeout_ms, std::move(answered), {}, {}});
    if (queue_.size() == 1) begin();
  }
  void stream(HttpRequest request, std::uint32_t timeout_ms, Line line, Ended ended) override {
    queue_.push_back({std::move(request), timeout_ms, {}, std::move(line), std::move(ended)});
    if (queue_.size() == 1) begin();
  }
  void close() override {
    closed_ = true;
    queue_.clear();
    timer_.cancel();
    resolver_.cancel();
    boost::system::error_code ignored;
    layer_.socket().close(ignored);
  }

 private:
  using Error = boost::system::error_code;
  using Tcp = boost::asio::ip::tcp;
  struct Job {
    HttpRequest request;
    std::uint32_t timeout_ms = 0;
    Answered answered;  // of a call
    Line line;          // of a stream
    Ended ended;
  };

  // A handler that is called only while the connection is open.
  template <typename Function>
  auto guarded(Function function) {
    return [ self = this->shared_from_this(), function = std::move(function) ]<typename... More>(
        Error error, More && ... more) mutable requires std::invocable<Function&, Error, More...> {
      if (!self->closed_) function(error, std::forward<More>(more)...);
    };
  }

  void begin() {
    timer_.expires_after(std::chrono::milliseconds(queue_.front().timeout_ms));
    timer_.async_wait(guarded([this](Error error) {
      // It may have expired just before it was set anew.
      if (!error && timer_.expiry() <= std::chrono::steady_clock::now()) end("no answer in time");
    }));
    if (connected_) return write();
    resolver_.async_resolve(endpoint_.host, endpoint_.port,
                            guarded([this](Error error, const Tcp::resolver::results_type& found) {
                              if (error)
                                return end("its name cannot be looked up: " + error.message());
                              connect(found);
                            }));
  }

  void connect(const Tcp::resolver::results_type& found) {
    boost::asio::async_connect(
        layer_.socket(), found, guarded([this](Error error, const Tcp::endpoint&) {
          if (error) return end("cannot be reached: " + error.message());
          Error ignored;
          layer_.socket().set_option(Tcp::no_delay(true), ignored);
          layer_.socket().set_option(boost::asio::socket_base::keep_alive(true), ignored);
          layer_.prepare(guarded([this](Error failed) {
            if (failed) return end("no TLS: " + layer_.reason(failed));
            connected_ = true;
            write();
          }));
        }));
  }

  void write() {
    namespace http = boost::beast::http;
    const HttpRequest& request = queue_.front().request;
    message_.emplace(request.body.empty() ? http::verb::get : http::verb::post, request.path, 11);
    message_->set(http::field::host, endpoint_.host + ":" + endpoint_.port);
    message_->set(http::field::content_type, "application/json");
    if (!request.token.empty()) message_->set(http::field::authorization, request.token);
    message_->body() = request.body;
    message_->prepare_payload();
    http::async_write(layer_.stream(), *message_, guarded([this](Error error, std::size_t) {
                        if (error) return end(error.message());
                        if (queue_.front().line) return read_head();
                        read();
                      }));
  }

  void read() {
    namespace http = boost::beast::http;
    answer_.emplace();
    answer_->body_limit(kMaxAnswerBytes);
    http::async_read(layer_.stream(), buffer_, *answer_, guarded([this](Error error, std::size_t) {
                       if (error) return end(error.message());
                       timer_.cancel();
                       const Job job = std::move(queue_.front());
                       queue_.pop_front();
                       auto message = answer_->release();
                       const bool goes_on = message.keep_alive();
                       if (!goes_on) reopen();
                       if (!queue_.empty()) begin();
                       job.answered(HttpAnswer{.status = static_cast<int>(message.result_int()),
                                               .body = std::move(message.body())});
                     }));
  }

  void reopen() {
    connected_ = false;
    buffer_.clear();
    boost::system::error_code ignored;
    layer_.socket().close(ignored);
    layer_.renew();
  }

  // ---- streams ----

  void read_head() {
    namespace http = boost::beast::http;
    stream_.emplace();
    stream_->body_limit(boost::none);
    http::async_read_header(layer_.stream(), buffer_, *stream_,
                            guarded([this](Error error, std::size_t) {
                              if (error) return end(error.message());
                              timer_.cancel();
                              read_more();
                            }));
  }

  void read_more() {
    namespace http = boost::beast::http;
    auto& body = stream_->get().body();
    body.data = bytes_.data();
    body.size = bytes_.size();
    body.more = true;
    http::async_read_some(layer_.stream(), buffer_, *stream_,
                          guarded([this](Error error, std::size_t) {
                            if (error && error != http::error::need_buffer)
                              return end(error.message());
                            text_.append(bytes_.data(), bytes_.size() - stream_->get().body().size);
                            if (stream_->get().result() == http::status::ok && !take_lines())
                              return;
                            if (text_.size() > kMaxAnswerBytes) return end("a line has no end");
                            if (stream_->is_done()) return end(last_words());
                            read_more();
                          }));
  }

  // False: it was closed by a handler.
  bool take_lines() {
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      const std::string line = text_.substr(0, end);
      text_.erase(0, end + 1);
      const Line tell = queue_.front().line;
      if (!line.empty()) tell(line);
      if (closed_) return false;
    }
    return true;
  }

  [[nodiscard]] std::string last_words() const {
    return text_.empty() ? "etcd has ended it" : text_.substr(0, 500);
  }

  void end(const std::string& reason) {
    auto jobs = std::exchange(queue_, {});
    const auto self = this->shared_from_this();
    close();
    for (const Job& job : jobs) {
      if (job.answered) job.answered(std::unexpected(reason));
      if (job.ended) job.ended(reason);
    }
  }

  boost::asio::io_context& io_;
  Endpoint endpoint_;
  Layer layer_;
  Tcp::resolver resolver_;
  boost::asio::steady_timer timer_;
  bool connected_ = false;
  bool closed_ = false;
  std::deque<Job> queue_;  // the first one is under way
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request<boost::beast::http::string_body>> message_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::string_body>> answer_;
  std::optional<boost::beast::http::response_parser<boost::beast::http::buffer_body>> stream_;
  std::array<char, 16384> bytes_;
  std::string text_;
};

}  // namespace netbinder::etcd
