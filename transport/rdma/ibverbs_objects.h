// SPDX-License-Identifier: Apache-2.0
//
// Owners of libibverbs' objects, and its errors as text for people.
#pragma once

#include <infiniband/verbs.h>
#include <unistd.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace netbinder::rdma {

// Deletion fails only if something still uses the object: a bug that nothing here could mend.
struct IbvDeleter {
  void operator()(ibv_context* context) const { ibv_close_device(context); }
  void operator()(ibv_comp_channel* channel) const { ibv_destroy_comp_channel(channel); }
  void operator()(ibv_cq* queue) const { ibv_destroy_cq(queue); }
  void operator()(ibv_pd* domain) const { ibv_dealloc_pd(domain); }
  void operator()(ibv_mr* region) const { ibv_dereg_mr(region); }
  void operator()(ibv_qp* pair) const { ibv_destroy_qp(pair); }
};
template <typename Object>
using IbvOwner = std::unique_ptr<Object, IbvDeleter>;

class OwnedDescriptor {
 public:
  explicit OwnedDescriptor(int fd = -1) : fd_(fd) {}
  OwnedDescriptor(OwnedDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedDescriptor& operator=(OwnedDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~OwnedDescriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

// "cannot register 4096 bytes of memory: Cannot allocate memory". If the limit of locked memory may
// be the reason, it also says what that limit is and what to do.
[[nodiscard]] std::string ibv_failure(const std::string& what, int error);

}  // namespace netbinder::rdma
