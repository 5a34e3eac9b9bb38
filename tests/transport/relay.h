// SPDX-License-Identifier: Apache-2.0
//
// A TCP relay on loopback, in the test's event loop. It passes bytes both ways between a client and
// its target, and can cut its connections, also after a given number of bytes, freeze them (the
// link is half open: nothing arrives and nobody is notified), or let no new ones through.
#pragma once

#include <array>
#include <boost/asio.hpp>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>

namespace netbinder {

class Relay {
  using tcp = boost::asio::ip::tcp;
  using error_code = boost::system::error_code;

 public:
  explicit Relay(boost::asio::io_context& io)
      : io_(io), acceptor_(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
    accept();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void set_target(std::uint16_t port) { target_ = port; }
  std::uint16_t target() const { return target_; }

  void cut() {
    for (auto& pipe : pipes_) pipe->close();
    pipes_.clear();
  }
  void hold(bool held) { held_ = held; }
  // Cuts everything when this many bytes more have gone through.
  void cut_after(std::uint64_t bytes) { budget_ = bytes; }
  void freeze() {
    for (auto& pipe : pipes_) pipe->frozen = true;
  }
  std::uint64_t connections() const { return connections_; }

 private:
  struct Pipe : std::enable_shared_from_this<Pipe> {
    Pipe(Relay& owner, tcp::socket client)
        : relay(owner), ends{std::move(client), tcp::socket(owner.io_)} {}

    void start() {
      ends[1].async_connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), relay.target_),
                            [self = shared_from_this()](const error_code& error) {
                              if (error) return self->close();
                              error_code ignored;
                              for (auto& end : self->ends) {
                                end.set_option(tcp::no_delay(true), ignored);
                              }
                              self->pass(0);
                              self->pass(1);
                            });
    }
    void pass(std::size_t from) {
      if (closed) return;
      ends[from].async_read_some(
          boost::asio::buffer(buffers[from]),
          [self = shared_from_this(), from](const error_code& error, std::size_t bytes) {
            if (self->closed) return;
            if (self->frozen) return;
            if (error) return self->close();
            auto& budget = self->relay.budget_;
            const bool last = bytes >= budget;
            if (last) bytes = budget;
            budget -= bytes;
            boost::asio::async_write(
                self->ends[1 - from], boost::asio::buffer(self->buffers[from], bytes),
                [self, from, last](const error_code& failure, std::size_t) {
                  if (self->closed) return;
                  if (failure) return self->close();
                  if (last) {
                    self->relay.budget_ = std::numeric_limits<std::uint64_t>::max();
                    self->relay.cut();
                    return;
                  }
                  self->pass(from);
                });
          });
    }
    void close() {
      closed = true;
      error_code ignored;
      for (auto& end : ends) end.close(ignored);
    }

    Relay& relay;
    std::array<tcp::socket, 2> ends;
    std::array<std::array<char, 65536>, 2> buffers;
    bool closed = false;
    bool frozen = false;
  };

  void accept() {
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (error) return;
      ++connections_;
      std::erase_if(pipes_, [](const auto& pipe) { return pipe->closed; });
      if (!held_ && target_ != 0) {
        pipes_.push_back(std::make_shared<Pipe>(*this, std::move(socket)));
        pipes_.back()->start();
      }
      accept();
    });
  }

  boost::asio::io_context& io_;
  tcp::acceptor acceptor_;
  std::uint16_t target_ = 0;
  bool held_ = false;
  std::uint64_t budget_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t connections_ = 0;
  std::list<std::shared_ptr<Pipe>> pipes_;
};

}  // namespace netbinder
