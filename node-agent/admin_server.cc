// SPDX-License-Identifier: Apache-2.0
#include "node-agent/admin_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "core/view/viewer.h"

namespace netbinder {

AdminServer::AdminServer(boost::asio::io_context& io, const std::string& path,
                         const SocketAccess& access, Agent& agent, HttpPages& pages,
                         Reload& reload)
    : io_(io),
      file_(path, SOCK_STREAM, access),
      shared_(new AdminConnection::Shared{
          .agent = agent, .pages = pages, .reload = &reload, .connections = {}, .accounts = {}}),
      acceptor_(io, file_.release(), [this](ForeignFd socket) { accepted(std::move(socket)); }) {}

void AdminServer::accepted(ForeignFd socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
  const MetricsPage::Shown shown{.users = true,
                                 .viewer = Viewer::of_user(credentials.uid, ::geteuid())};
  AdminConnection::begin(io_, std::move(socket), credentials.uid, shown, shared_);
}

}  // namespace netbinder
