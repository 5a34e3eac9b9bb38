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
#include <stdexcept>

#include "core/driver.h"
#include "node-agent/admin_answer.h"
#include "node-agent/agent.h"
#include "node-agent/client_channel.h"
#include "node-agent/debug_json.h"
#include "node-agent/debug_text.h"
#include "transport/transport.h"

namespace netbinder {

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
          self->reply = answer_admin(self->agent, line) + "\n";
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
  // No other agent serves here, or the agent's own socket would have been taken. A file of any
  // other kind is not ours to remove.
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
    // Most likely there are no descriptors left, so it does not try again at once.
    resume_.expires_after(std::chrono::milliseconds(kRetryMs));
    resume_.async_wait([this](const boost::system::error_code& stopped) {
      if (!stopped) accept();
    });
  });
}

}  // namespace netbinder
