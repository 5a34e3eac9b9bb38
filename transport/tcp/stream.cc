// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

namespace netbinder::tcp {

using boost::system::error_code;

namespace {

// An operation that would have to wait is no error.
std::size_t done_at_once(std::size_t bytes, error_code& error) {
  if (error == boost::asio::error::would_block || error == boost::asio::error::try_again) {
    error.clear();
    return 0;
  }
  return bytes;
}

}  // namespace

void configure_socket(boost::asio::ip::tcp::socket& socket, error_code& error) {
  socket.set_option(boost::asio::ip::tcp::no_delay(true), error);
  if (error) return;
  socket.non_blocking(true, error);
}

PlainStream::PlainStream(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

void PlainStream::handshake(std::shared_ptr<StreamEvents> events) {
  boost::asio::post(socket_.get_executor(),
                    [events = std::move(events)] { events->ready(error_code{}); });
}

std::size_t PlainStream::read_now(const ReadBuffers& buffers, error_code& error) {
  const std::size_t bytes = socket_.read_some(buffers, error);
  return done_at_once(bytes, error);
}

std::size_t PlainStream::write_now(WriteBuffers buffers, error_code& error) {
  const std::size_t bytes = socket_.write_some(buffers, error);
  return done_at_once(bytes, error);
}

void PlainStream::wait_readable(std::shared_ptr<StreamEvents> events) {
  socket_.async_wait(
      boost::asio::ip::tcp::socket::wait_read,
      [events = std::move(events)](const error_code& /*read_now tells*/) { events->readable(); });
}

void PlainStream::wait_writable(std::shared_ptr<StreamEvents> events) {
  socket_.async_wait(
      boost::asio::ip::tcp::socket::wait_write,
      [events = std::move(events)](const error_code& /*write_now tells*/) { events->writable(); });
}

void PlainStream::close() {
  error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

TcpFacts tcp_facts(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  return {.round_trip_us = info.tcpi_rtt, .retransmitted = info.tcpi_total_retrans};
}

StreamFacts PlainStream::facts() const {
  const int handle = const_cast<boost::asio::ip::tcp::socket&>(socket_).native_handle();
  return {.tcp = tcp_facts(handle), .certificate_end_s = 0};
}

bool PlainStream::peer_is(const std::string& /*host_name*/) const {
  // Nothing is proved; plain streams are for loopback and for those who configured `insecure`.
  return true;
}

}  // namespace netbinder::tcp
