// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/connection_of.h"

namespace netbinder::etcd {

namespace {

class PlainLayer {
 public:
  PlainLayer(boost::asio::io_context& io, const Endpoint& /*endpoint*/) : socket_(io) {}
  boost::asio::ip::tcp::socket& stream() { return socket_; }
  boost::asio::ip::tcp::socket& socket() { return socket_; }
  template <typename Handler>
  void prepare(Handler handler) {
    handler(boost::system::error_code());
  }
  [[nodiscard]] static std::string reason(const boost::system::error_code& error) {
    return error.message();
  }
  void renew() {}

 private:
  boost::asio::ip::tcp::socket socket_;
};

}  // namespace

std::shared_ptr<Connection> make_plain_connection(boost::asio::io_context& io,
                                                  const Endpoint& endpoint) {
  return std::make_shared<ConnectionOf<PlainLayer>>(io, endpoint);
}

}  // namespace netbinder::etcd
