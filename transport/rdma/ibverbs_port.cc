// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/ibverbs_port.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace netbinder::rdma {
namespace {

using Failure = std::unexpected<std::string>;

bool is_ipv4(const Gid& gid) {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(kMapped.begin(), kMapped.end(), gid.begin());
}

std::string to_text(const Gid& gid) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool ipv4 = is_ipv4(gid);
  inet_ntop(ipv4 ? AF_INET : AF_INET6, gid.data() + (ipv4 ? 12 : 0), text.data(), text.size());
  return text.data();
}

Gid to_gid(const ibv_gid& from) {
  Gid gid;
  std::memcpy(gid.data(), from.raw, gid.size());
  return gid;
}

// The preference for a gid entry: lower is better.
int rank(const ibv_gid_entry& entry) {
  if (entry.gid_type != IBV_GID_TYPE_ROCE_V2) {
    return 2;
  }
  return is_ipv4(to_gid(entry.gid)) ? 0 : 1;
}

std::expected<void, std::string> choose_gid(IbvPort& port, int wanted) {
  // On InfiniBand the lid is all that a peer of the same subnet needs.
  if (!port.is_ethernet() && wanted < 0) {
    return {};
  }
  std::optional<ibv_gid_entry> best;
  const int first = wanted < 0 ? 0 : wanted;
  const int end = std::min(wanted < 0 ? port.attributes.gid_tbl_len : wanted + 1,
                           std::min(port.attributes.gid_tbl_len, 256));
  for (int i = first; i < end; ++i) {
    ibv_gid_entry entry{};
    if (ibv_query_gid_ex(port.context.get(), port.number, static_cast<std::uint32_t>(i), &entry,
                         0) == 0 &&
        (!best || rank(entry) < rank(*best))) {
      best = entry;
    }
  }
  if (!best) {
    return Failure(wanted < 0 ? "no gid: its network interface has no address"
                              : "no gid " + std::to_string(wanted));
  }
  port.gid_index = static_cast<std::uint8_t>(best->gid_index);
  port.gid = to_gid(best->gid);
  return {};
}

const char* to_text(ibv_port_state state) {
  return state == IBV_PORT_DOWN ? "is down" : "is not active";
}

// Chooses the first active port among those that are wanted.
std::expected<void, std::string> choose_port(IbvPort& port, const DeviceChoice& choice) {
  if (choice.port > port.device.phys_port_cnt) {
    return Failure("no port " + std::to_string(choice.port));
  }
  const std::uint32_t first = choice.port == 0 ? 1 : choice.port;
  const std::uint32_t last = choice.port == 0 ? port.device.phys_port_cnt : choice.port;
  std::string why = "no port";
  for (std::uint32_t number = first; number <= last; ++number) {
    port.number = static_cast<std::uint8_t>(number);
    if (const int error = ibv_query_port(port.context.get(), port.number, &port.attributes)) {
      why = ibv_failure("port " + std::to_string(number), error);
    } else if (port.attributes.state != IBV_PORT_ACTIVE) {
      why = "port " + std::to_string(number) + " " + to_text(port.attributes.state);
    } else if (auto chosen = choose_gid(port, choice.gid_index); !chosen) {
      why = "port " + std::to_string(number) + ": " + chosen.error();
    } else {
      return {};
    }
  }
  return Failure(why);
}

// If opening fails, libibverbs searches elsewhere and then reports only that the device is absent.
int error_of_open(const std::string& file) {
  const int error = errno;
  return faccessat(AT_FDCWD, file.c_str(), R_OK | W_OK, AT_EACCESS) == 0 ? error : errno;
}

std::expected<IbvPort, std::string> try_device(ibv_device* device, const DeviceChoice& choice) {
  IbvPort port;
  port.name = ibv_get_device_name(device);
  if (device->transport_type != IBV_TRANSPORT_IB) {
    return Failure(port.name + " is neither InfiniBand nor RoCE");
  }
  port.context.reset(ibv_open_device(device));
  if (!port.context) {
    const std::string file = std::string("/dev/infiniband/") + device->dev_name;
    return Failure(ibv_failure(port.name + ": cannot open " + file, error_of_open(file)));
  }
  if (const int error = ibv_query_device(port.context.get(), &port.device)) {
    return Failure(ibv_failure(port.name, error));
  }
  if (auto chosen = choose_port(port, choice); !chosen) {
    return Failure(port.name + ": " + chosen.error());
  }
  return port;
}

}  // namespace

std::expected<IbvPort, std::string> open_ibv_port(const DeviceChoice& choice) {
  struct FreeList {
    void operator()(ibv_device** list) const { ibv_free_device_list(list); }
  };
  int count = 0;
  const std::unique_ptr<ibv_device*, FreeList> list(ibv_get_device_list(&count));
  std::string tried;
  for (int i = 0; list != nullptr && i < count; ++i) {
    ibv_device* device = list.get()[i];
    if (!choice.name.empty() && choice.name != ibv_get_device_name(device)) {
      continue;
    }
    auto port = try_device(device, choice);
    if (port) {
      return port;
    }
    tried += (tried.empty() ? "" : "; ") + port.error();
  }
  if (!tried.empty()) {
    return Failure("no usable RDMA device: " + tried);
  }
  if (!choice.name.empty()) {
    return Failure("there is no RDMA device " + choice.name);
  }
  return Failure("this machine has no RDMA device");
}

bool IbvPort::has_its_gid() const {
  ibv_gid_entry entry{};
  return gid == Gid{} || (ibv_query_gid_ex(context.get(), number, gid_index, &entry, 0) == 0 &&
                          to_gid(entry.gid) == gid);
}

std::string IbvPort::description() const {
  std::string text = name + " port " + std::to_string(number);
  if (gid == Gid{}) {
    return text + " lid " + std::to_string(attributes.lid);
  }
  return text + " gid " + std::to_string(gid_index) + " (" + to_text(gid) + ")";
}

std::uint32_t bytes_of(ibv_mtu mtu) { return 128U << mtu; }

}  // namespace netbinder::rdma
