// SPDX-License-Identifier: Apache-2.0
#include "node-agent/admin_server.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <istream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "core/driver.h"
#include "node-agent/agent.h"
#include "node-agent/client_channel.h"
#include "node-agent/debug_json.h"
#include "node-agent/debug_text.h"
#include "transport/transport.h"

namespace netbinder {

namespace {

using nlohmann::json;

json status_of(const Agent& agent) {
  json status;
  const Driver::Counts counts = agent.driver().counts();
  status["host"] = agent.config().host;
  status["cluster"] = agent.config().cluster;
  status["pid"] = ::getpid();
  status["incarnation"] = agent.incarnation().value();
  status["hosts_configured"] = agent.config().hosts.size();
  status["hosts_connected"] = agent.connected_peers() + 1;
  status["counts"] = {{"processes", counts.processes},
                      {"threads", counts.threads},
                      {"nodes", counts.nodes},
                      {"refs", counts.refs},
                      {"transactions", counts.transactions},
                      {"deaths", counts.deaths},
                      {"buffers", counts.buffers},
                      {"relays", agent.relays()}};
  for (const Driver::ContextView& context : agent.driver().contexts()) {
    status["contexts"].push_back({{"name", context.name},
                                  {"scope", context.cluster_wide ? "cluster" : "host"},
                                  {"manager", context.manager}});
  }
  status["links"] = json::array();
  for (const LinkStatus& link : agent.links()) {
    status["links"].push_back({{"host", link.name},
                               {"address", link.address},
                               {"transport", link.transport},
                               {"transport_reason", link.transport_reason},
                               {"state", link.state},
                               {"bytes_sent", link.bytes_sent},
                               {"bytes_received", link.bytes_received},
                               {"messages_sent", link.messages_sent},
                               {"messages_received", link.messages_received},
                               {"reconnects", link.reconnects},
                               {"unacknowledged_bytes", link.unacknowledged_bytes},
                               {"payload_bytes_written", link.payload_bytes_written},
                               {"payload_bytes_copied", link.payload_bytes_copied},
                               {"payload_bytes_written_here", link.payload_bytes_written_here},
                               {"payload_bytes_copied_here", link.payload_bytes_copied_here}});
  }
  const ChannelStatistics& channels = agent.channel_statistics();
  const Statistics& driver = agent.driver().statistics();
  status["statistics"] = {{"requests", channels.requests},
                          {"doorbells", channels.doorbells},
                          {"wakeups", channels.wakeups},
                          {"bytes_read_direct", channels.bytes_read_direct},
                          {"bytes_read_staged", channels.bytes_read_staged},
                          {"calls_local", driver.calls_local},
                          {"calls_to_peers", driver.calls_to_peers},
                          {"calls_from_peers", driver.calls_from_peers},
                          {"failed_calls", driver.failed_calls},
                          {"payload_bytes_copied", driver.payload_bytes_copied}};
  return status;
}

json answer(Agent& agent, const std::string& line) {
  const json request = json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
    return {{"error", "a request is one line of JSON with a \"command\""}};
  }
  const std::string command = request["command"];
  if (command == "status") return status_of(agent);
  agent.take_posted_reads();
  const auto as_json = request.find("json");
  if (as_json != request.end() && *as_json == true) {
    if (auto view = debug_file_json(agent.driver(), command)) return *std::move(view);
  } else if (auto text = debug_file_text(agent.driver(), command)) {
    return {{"text", *std::move(text)}};
  }
  return {{"error", "unknown command: " + command}};
}

}  // namespace

struct AdminServer::Connection : std::enable_shared_from_this<Connection> {
  Connection(boost::asio::local::stream_protocol::socket accepted, Agent& of,
             std::shared_ptr<std::size_t> count)
      : socket(std::move(accepted)), agent(of), connections(std::move(count)) {
    ++*connections;
  }
  ~Connection() { --*connections; }

  void read() {
    boost::asio::async_read_until(
        socket, request, '\n',
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
          if (error) return;
          std::istream stream(&self->request);
          std::string line;
          std::getline(stream, line);
          self->reply = answer(self->agent, line).dump() + "\n";
          boost::asio::async_write(
              self->socket, boost::asio::buffer(self->reply),
              [self](const boost::system::error_code& write_error, std::size_t) {
                if (!write_error) self->read();
              });
        });
  }

  boost::asio::local::stream_protocol::socket socket;
  boost::asio::streambuf request{kMaxRequestBytes};
  std::string reply;
  Agent& agent;
  std::shared_ptr<std::size_t> connections;
};

AdminServer::AdminServer(boost::asio::io_context& io, const std::string& path, Agent& agent)
    : agent_(agent), path_(path), acceptor_(io), resume_(io) {
  // The agent's own socket has shown that no other agent serves here. A file of any other kind is
  // not ours to remove.
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(path.c_str());
  try {
    const boost::asio::local::stream_protocol::endpoint endpoint(path);
    acceptor_.open(endpoint.protocol());
    acceptor_.bind(endpoint);
    ::chmod(path.c_str(), 0666);
    acceptor_.listen();
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error(path + ": cannot listen: " + error.code().message());
  }
  accept();
}

AdminServer::~AdminServer() { ::unlink(path_.c_str()); }

void AdminServer::accept() {
  acceptor_.async_accept([this](const boost::system::error_code& error,
                                boost::asio::local::stream_protocol::socket socket) {
    if (error == boost::asio::error::operation_aborted) return;
    if (!error && *connections_ < kMaxConnections) {
      std::make_shared<Connection>(std::move(socket), agent_, connections_)->read();
    }
    if (!error) return accept();
    // Out of descriptors, most likely: not to be tried again at once.
    resume_.expires_after(std::chrono::milliseconds(kRetryMs));
    resume_.async_wait([this](const boost::system::error_code& stopped) {
      if (!stopped) accept();
    });
  });
}

}  // namespace netbinder
