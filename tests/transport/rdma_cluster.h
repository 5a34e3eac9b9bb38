// SPDX-License-Identifier: Apache-2.0
//
// Transports with RDMA devices made of memory, or with the real device of this machine, which they
// all share.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "tests/transport/memory_verbs.h"
#include "tests/transport/tcp_cluster.h"
#include "transport/rdma/ibverbs_device.h"

namespace netbinder {

// Each transport owns what opens its device; the device's host is the order of opening.
class SharedVerbs : public rdma::Verbs {
 public:
  explicit SharedVerbs(rdma::Verbs& verbs) : SharedVerbs(verbs, nullptr, 0) {}
  // Without a device while `missing` has `number`.
  SharedVerbs(rdma::Verbs& verbs, const std::set<std::size_t>* missing, std::size_t number)
      : verbs_(verbs), missing_(missing), number_(number) {}
  std::expected<std::unique_ptr<rdma::Device>, std::string> open(
      const rdma::DeviceChoice& choice) override {
    if (missing_ != nullptr && missing_->contains(number_))
      return std::unexpected("no RDMA device");
    return verbs_.open(choice);
  }

 private:
  rdma::Verbs& verbs_;
  const std::set<std::size_t>* missing_;
  const std::size_t number_;
};

class RdmaCluster : public TcpCluster {
 public:
  RdmaCluster()
      : memory_verbs({.execution = rdma::MemoryVerbsOptions::Execution::kLazily,
                      .seed = 7,
                      .max_inline_bytes = 512}) {
    verbs = [this] {
      return std::make_unique<SharedVerbs>(memory_verbs, &without_device, ++started_);
    };
    of_cluster = [](TransportConfig& config) {
      config.rdma.use = RdmaUse::kRequired;
      config.rdma.retry_min_ms = 5;
      config.rdma.retry_max_ms = 50;
      config.rdma.staging_bytes = 16U << 20;
    };
    memory_verbs.on_work([this] {
      if (std::exchange(stepping_, true)) return;
      boost::asio::post(io(), [this] { step(); });
    });
  }

  bool run_until_fastest(Host& a, std::uint32_t a_id, Host& b, std::uint32_t b_id) override {
    return run_until([&] {
      return a.sees(b_id) && b.sees(a_id) && a.status(b_id).transport == "rdma" &&
             b.status(a_id).transport == "rdma";
    });
  }

  // Cuts queue pairs and connections in turn.
  void cut_after(std::uint64_t bytes) override {
    if (++cuts_ % 3 == 0) {
      TcpCluster::cut_after(bytes % 2000);
    } else {
      steps_to_cut_ = 1 + bytes % 97;
    }
  }

  rdma::MemoryVerbs memory_verbs;
  // Transports that can open no device, by the order of their starts, from 1.
  std::set<std::size_t> without_device;

 private:
  void step() {
    stepping_ = false;
    if (steps_to_cut_ > 0 && --steps_to_cut_ == 0) {
      memory_verbs.fail_next_send(0, rdma::SendRequest::Kind::kSend,
                                  rdma::CompletionStatus::kRetriesExceeded, cuts_ % 2 == 0);
    }
    (void)memory_verbs.step();
  }

  std::size_t started_ = 0;
  bool stepping_ = false;
  std::uint64_t cuts_ = 0;
  std::uint64_t steps_to_cut_ = 0;
};

// Runs on the real device. A test can make it fail only by ending the connection with which its
// queue pairs live and die.
class RealRdmaCluster : public TcpCluster {
 public:
  // The obstacle, if there is no device. Empty if there is one.
  static std::string missing() {
    const auto device = rdma::make_ibverbs()->open({});
    return device ? std::string() : device.error();
  }

  RealRdmaCluster() {
    verbs = [] { return rdma::make_ibverbs(); };
    of_cluster = [](TransportConfig& config) {
      config.rdma.use = RdmaUse::kRequired;
      config.rdma.retry_min_ms = 5;
      config.rdma.retry_max_ms = 50;
      // Setting a queue pair up takes a while on an emulated processor.
      config.timing = {.timeout_ms = 2000,
                       .heartbeat_ms = 100,
                       .suspect_ms = 1000,
                       .handshake_ms = 1000,
                       .ack_delay_ms = 5};
    };
  }

  bool run_until_fastest(Host& a, std::uint32_t a_id, Host& b, std::uint32_t b_id) override {
    return run_until([&] {
      return a.sees(b_id) && b.sees(a_id) && a.status(b_id).transport == "rdma" &&
             b.status(a_id).transport == "rdma";
    });
  }

  // After so many turns of the event loop; every third time in the next link's handshake, too.
  void cut_after(std::uint64_t bytes) override {
    if (++cuts_ % 3 == 0) TcpCluster::cut_after(bytes % 2000);
    if (std::exchange(turns_to_cut_, 1 + bytes % 97) == 0) count_turn();
  }

 private:
  void count_turn() {
    boost::asio::post(io(), [this] {
      if (--turns_to_cut_ > 0) return count_turn();
      relay(1).cut();
    });
  }

  std::uint64_t cuts_ = 0;
  std::uint64_t turns_to_cut_ = 0;
};

}  // namespace netbinder
