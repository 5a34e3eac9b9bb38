// SPDX-License-Identifier: Apache-2.0
//
// Takes the place of libibverbs' verbs when netbinder is built without it.
#include "transport/rdma/ibverbs_device.h"

namespace netbinder::rdma {
namespace {

class NoVerbs : public Verbs {
 public:
  [[nodiscard]] std::expected<std::unique_ptr<Device>, std::string> open(
      const DeviceChoice& /*choice*/) override {
    return std::unexpected("this netbinder was built without RDMA (NETBINDER_RDMA=OFF)");
  }
};

}  // namespace

std::unique_ptr<Verbs> make_ibverbs() { return std::make_unique<NoVerbs>(); }

}  // namespace netbinder::rdma
