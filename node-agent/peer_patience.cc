// SPDX-License-Identifier: Apache-2.0
#include "node-agent/peer_patience.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <expected>
#include <memory>
#include <utility>

#include "host/node_host.h"

namespace netbinder {

namespace {

struct Waiting {
  PeerQuestion::Heard heard;
  boost::asio::steady_timer limit;

  void end(std::expected<std::string, std::string> how) {
    limit.cancel();
    if (const auto hears = std::exchange(heard, {})) hears(std::move(how));
  }
};

}  // namespace

void ask_peer_in_time(boost::asio::io_context& io, NodeHost& host, const std::string& name,
                      std::uint32_t uid, const std::string& question, PeerQuestion::Heard heard,
                      std::chrono::seconds patience) {
  const auto waiting = std::make_shared<Waiting>(
      Waiting{.heard = std::move(heard), .limit = boost::asio::steady_timer(io)});
  waiting->limit.expires_after(patience);
  waiting->limit.async_wait([waiting](const boost::system::error_code& error) {
    if (!error) waiting->end(std::unexpected("it has not answered in time"));
  });
  host.ask_peer(name, uid, question, [waiting](std::expected<std::string, std::string> answer) {
    waiting->end(std::move(answer));
  });
}

}  // namespace netbinder
