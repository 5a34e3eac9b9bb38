// SPDX-License-Identifier: Apache-2.0
//
// Chooses the device, port and address to use.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "transport/rdma/ibverbs_objects.h"
#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

// An open device, and its chosen port.
struct IbvPort {
  IbvOwner<ibv_context> context;
  std::string name;
  std::uint8_t number = 0;
  ibv_port_attr attributes{};
  ibv_device_attr device{};
  std::uint8_t gid_index = 0;
  Gid gid{};  // what peers use: all zero if they reach it by its lid

  [[nodiscard]] bool is_ethernet() const {
    return attributes.link_layer == IBV_LINK_LAYER_ETHERNET;
  }
  // Whether its address still exists.
  [[nodiscard]] bool has_its_gid() const;
  [[nodiscard]] std::string description() const;
};

[[nodiscard]] std::expected<IbvPort, std::string> open_ibv_port(const DeviceChoice& choice);

[[nodiscard]] std::uint32_t bytes_of(ibv_mtu mtu);

}  // namespace netbinder::rdma
