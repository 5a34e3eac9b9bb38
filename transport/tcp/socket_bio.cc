// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/socket_bio.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <memory>

#include "transport/tcp/freed_by.h"

namespace netbinder::tcp {

namespace {

int socket_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int read_bytes(BIO* bio, char* into, std::size_t bytes, std::size_t* done) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(socket_of(bio), into, bytes, 0);
  if (got > 0) {
    *done = static_cast<std::size_t>(got);
    return 1;
  }
  if (got == 0) {
    BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  } else if (would_block(errno)) {
    BIO_set_retry_read(bio);
  }
  return 0;
}

int write_bytes(BIO* bio, const char* from, std::size_t bytes, std::size_t* done) {
  BIO_clear_retry_flags(bio);
  const ssize_t put = ::send(socket_of(bio), from, bytes, MSG_NOSIGNAL);
  if (put >= 0) {
    *done = static_cast<std::size_t>(put);
    return 1;
  }
  if (would_block(errno)) BIO_set_retry_write(bio);
  return 0;
}

long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

using Method = std::unique_ptr<BIO_METHOD, FreedBy<BIO_meth_free>>;

Method make_method() {
  Method method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "netbinder socket"));
  if (!method || BIO_meth_set_read_ex(method.get(), read_bytes) != 1 ||
      BIO_meth_set_write_ex(method.get(), write_bytes) != 1 ||
      BIO_meth_set_ctrl(method.get(), control) != 1) {
    return nullptr;
  }
  return method;
}

}  // namespace

BIO* make_socket_bio(int socket) {
  static const Method kMethod = make_method();
  BIO* const bio = kMethod ? BIO_new(kMethod.get()) : nullptr;
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace netbinder::tcp
