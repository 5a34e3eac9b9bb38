// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/ibverbs_device.h"

#include <cerrno>
#include <utility>

#include "transport/rdma/ibverbs_port.h"
#include "transport/rdma/ibverbs_queue_pair.h"
#include "transport/rdma/ibverbs_queues.h"

namespace netbinder::rdma {
namespace {

class IbvRegion : public MemoryRegion {
 public:
  explicit IbvRegion(IbvOwner<ibv_mr> region) : region_(std::move(region)) {}
  [[nodiscard]] LocalKey local_key() const override { return LocalKey{region_->lkey}; }
  [[nodiscard]] RemoteKey remote_key() const override { return RemoteKey{region_->rkey}; }

 private:
  IbvOwner<ibv_mr> region_;
};

class IbvDomain : public ProtectionDomain {
 public:
  IbvDomain(const IbvPort& port, IbvQueues& queues, IbvOwner<ibv_pd> domain)
      : port_(port), queues_(queues), domain_(std::move(domain)) {}

  [[nodiscard]] std::expected<std::unique_ptr<MemoryRegion>, std::string> register_memory(
      std::span<std::byte> memory, Access access) override {
    int flags = IBV_ACCESS_LOCAL_WRITE;
    if (access == Access::kRemoteWrite) {
      flags |= IBV_ACCESS_REMOTE_WRITE;
    }
    IbvOwner<ibv_mr> region(ibv_reg_mr(domain_.get(), memory.data(), memory.size(), flags));
    if (!region) {
      return std::unexpected(ibv_failure(
          port_.name + ": cannot register " + std::to_string(memory.size()) + " bytes of memory",
          errno));
    }
    return std::make_unique<IbvRegion>(std::move(region));
  }

  [[nodiscard]] std::expected<std::unique_ptr<QueuePair>, std::string> create_queue_pair(
      const QueuePairLimits& limits) override {
    return IbvQueuePair::create(port_, queues_, domain_.get(), limits);
  }

 private:
  const IbvPort& port_;
  IbvQueues& queues_;
  IbvOwner<ibv_pd> domain_;
};

class IbvDevice : public Device {
 public:
  IbvDevice(std::unique_ptr<IbvPort> port, std::unique_ptr<IbvQueues> queues)
      : port_(std::move(port)), queues_(std::move(queues)) {}

  [[nodiscard]] std::string description() const override { return port_->description(); }
  [[nodiscard]] std::uint64_t max_message_bytes() const override {
    return port_->attributes.max_msg_sz;
  }
  [[nodiscard]] std::expected<std::unique_ptr<ProtectionDomain>, std::string>
  create_protection_domain() override {
    IbvOwner<ibv_pd> domain(ibv_alloc_pd(port_->context.get()));
    if (!domain) {
      return std::unexpected(
          ibv_failure(port_->name + ": cannot create a protection domain", errno));
    }
    return std::make_unique<IbvDomain>(*port_, *queues_, std::move(domain));
  }
  std::size_t poll_receives(std::span<Completion> into) override {
    return queues_->poll_receives(into);
  }
  std::size_t poll_sends(std::span<Completion> into) override { return queues_->poll_sends(into); }
  [[nodiscard]] int event_fd() const override { return queues_->event_fd(); }
  int arm() override { return queues_->arm(); }
  std::optional<std::string> take_events() override { return queues_->take_events(); }

 private:
  std::unique_ptr<IbvPort> port_;      // in one place: the others refer to it
  std::unique_ptr<IbvQueues> queues_;  // after the port: destroyed before it
};

class IbvVerbs : public Verbs {
 public:
  [[nodiscard]] std::expected<std::unique_ptr<Device>, std::string> open(
      const DeviceChoice& choice) override {
    auto opened = open_ibv_port(choice);
    if (!opened) {
      return std::unexpected(opened.error());
    }
    auto port = std::make_unique<IbvPort>(std::move(*opened));
    auto queues = IbvQueues::create(*port);
    if (!queues) {
      return std::unexpected(queues.error());
    }
    return std::make_unique<IbvDevice>(std::move(port), std::move(*queues));
  }
};

}  // namespace

std::unique_ptr<Verbs> make_ibverbs() { return std::make_unique<IbvVerbs>(); }

}  // namespace netbinder::rdma
