// SPDX-License-Identifier: Apache-2.0
#include "tools/binder_client.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "host/service-manager/parcel_format.h"

namespace netbinder::tools {

namespace {

constexpr std::uint32_t kMaxServices = 1U << 20;

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

BinderClient::BinderClient(const std::string& device) : read_(512) {
  fd_ = ::open(device.c_str(), O_RDWR | O_CLOEXEC);
  if (fd_ < 0) fail("cannot open " + device);
  binder_version version{};
  if (::ioctl(fd_, BINDER_VERSION, &version) != 0) fail(device + " is no binder device");
  mapping_ = ::mmap(nullptr, kMapBytes, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd_, 0);
  if (mapping_ == MAP_FAILED) fail("cannot map " + device);
}

BinderClient::~BinderClient() {
  ::munmap(mapping_, kMapBytes);
  ::close(fd_);
}

ParcelView BinderClient::Reply::parcel() const {
  return {{reinterpret_cast<const std::byte*>(data.data.ptr.buffer), data.data_size},
          {reinterpret_cast<const binder_size_t*>(data.data.ptr.offsets),
           data.offsets_size / sizeof(binder_size_t)}};
}

template <typename T>
void BinderClient::command(std::uint32_t command, const T& payload) {
  const auto* name = reinterpret_cast<const std::byte*>(&command);
  const auto* bytes = reinterpret_cast<const std::byte*>(&payload);
  commands_.insert(commands_.end(), name, name + sizeof command);
  commands_.insert(commands_.end(), bytes, bytes + sizeof payload);
}

void BinderClient::exchange(const std::function<void(std::uint32_t, const std::byte*)>& handle) {
  binder_write_read io{};
  io.write_buffer = reinterpret_cast<binder_uintptr_t>(commands_.data());
  io.write_size = commands_.size();
  io.read_buffer = reinterpret_cast<binder_uintptr_t>(read_.data());
  io.read_size = read_.size();
  while (::ioctl(fd_, BINDER_WRITE_READ, &io) != 0) {
    if (errno != EINTR) fail("the driver is gone");
  }
  commands_.clear();
  const std::byte* at = read_.data();
  const std::byte* end = at + io.read_consumed;
  while (at < end) {
    std::uint32_t name = 0;
    std::memcpy(&name, at, sizeof name);
    at += sizeof name;
    switch (name) {
      case BR_INCREFS:
      case BR_ACQUIRE: {
        binder_ptr_cookie node;
        std::memcpy(&node, at, sizeof node);
        command(name == BR_INCREFS ? BC_INCREFS_DONE : BC_ACQUIRE_DONE, node);
        break;
      }
      default:
        handle(name, at);
        break;
    }
    at += _IOC_SIZE(name);
  }
}

std::expected<BinderClient::Reply, std::string> BinderClient::call(std::uint32_t handle,
                                                                   std::uint32_t code,
                                                                   const ParcelBytes& request) {
  binder_transaction_data data{};
  data.target.handle = handle;
  data.code = code;
  data.data_size = request.data.size();
  data.offsets_size = request.offsets.size() * sizeof(binder_size_t);
  data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(request.data.data());
  data.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(request.offsets.data());
  command(BC_TRANSACTION, data);
  std::optional<Reply> reply;
  std::string failure;
  while (!reply && failure.empty()) {
    exchange([&](std::uint32_t name, const std::byte* payload) {
      if (name == BR_REPLY) {
        reply.emplace();
        std::memcpy(&reply->data, payload, sizeof reply->data);
      } else if (name == BR_DEAD_REPLY) {
        failure = "BR_DEAD_REPLY";
      } else if (name == BR_FAILED_REPLY) {
        failure = "BR_FAILED_REPLY";
      } else if (name == BR_FROZEN_REPLY) {
        failure = "BR_FROZEN_REPLY";
      }
    });
  }
  if (!reply) return std::unexpected(failure);
  return *reply;
}

void BinderClient::free(const Reply& reply) {
  command(BC_FREE_BUFFER, binder_uintptr_t{reply.data.data.ptr.buffer});
}

const ManagerDialect& BinderClient::dialect() {
  if (dialect_) return *dialect_;
  std::string failure;
  for (const ManagerDialect& each : ManagerDialect::candidates()) {
    const auto reply = call(0, ManagerDialect::kQuestionCode, each.question());
    if (!reply) {
      failure = reply.error();
      continue;
    }
    dialect_ = each.understood(reply->parcel(), (reply->data.flags & TF_STATUS_CODE) != 0);
    free(*reply);
    if (dialect_) return *dialect_;
  }
  throw std::runtime_error(failure.empty() ? "the manager of this device is no service manager"
                                           : "the service manager does not answer: " + failure);
}

std::expected<BinderClient::Reply, std::string> BinderClient::ask(
    const ManagerDialect::Request& request) {
  return call(0, request.code, request.parcel);
}

std::optional<std::uint32_t> BinderClient::find_service(const std::string& name) {
  const auto reply = ask(dialect().check(name));
  if (!reply) throw std::runtime_error("the service manager does not answer: " + reply.error());
  ParcelReader reader(reply->parcel());
  const auto handle = dialect().begin_result(reader) ? reader.handle() : std::nullopt;
  if (handle) command(BC_ACQUIRE, handle->value());
  free(*reply);
  if (!handle) return std::nullopt;
  return handle->value();
}

std::vector<std::string> BinderClient::list_services() {
  std::vector<std::string> names;
  for (std::uint32_t index = 0; index < kMaxServices; ++index) {
    const auto reply = ask(dialect().list(index));
    if (!reply) throw std::runtime_error("the service manager does not answer: " + reply.error());
    ParcelReader reader(reply->parcel());
    if ((reply->data.flags & TF_STATUS_CODE) != 0 || !dialect().begin_result(reader)) {
      free(*reply);
      break;
    }
    const auto count = dialect().lists_at_once() ? reader.i32() : 1;
    bool any = false;
    for (std::int32_t i = 0; i < count.value_or(0); ++i) {
      const auto name = reader.string16();
      if (!name) break;
      names.push_back(*name);
      any = true;
    }
    free(*reply);
    if (dialect().lists_at_once() || !any) break;
  }
  return names;
}

bool BinderClient::add_service(const std::string& name, std::uint64_t ptr) {
  const auto reply = ask(dialect().add(name, ptr));
  if (!reply) return false;
  ParcelReader reader(reply->parcel());
  const bool added =
      (reply->data.flags & TF_STATUS_CODE) == 0 && dialect().begin_result(reader);
  free(*reply);
  return added;
}

void BinderClient::serve_echo() {
  const std::uint32_t enter = BC_ENTER_LOOPER;
  const auto* bytes = reinterpret_cast<const std::byte*>(&enter);
  commands_.insert(commands_.end(), bytes, bytes + sizeof enter);
  for (;;) {
    std::optional<binder_transaction_data> request;
    exchange([&](std::uint32_t name, const std::byte* payload) {
      if (name != BR_TRANSACTION && name != BR_TRANSACTION_SEC_CTX) return;
      request.emplace();
      std::memcpy(&*request, payload, sizeof *request);
    });
    if (!request) continue;
    if ((request->flags & TF_ONE_WAY) == 0) {
      // The reply is sent from the request's buffer, which is freed after it.
      binder_transaction_data reply{};
      reply.data_size = request->data_size;
      reply.data.ptr.buffer = request->data.ptr.buffer;
      command(BC_REPLY, reply);
    }
    command(BC_FREE_BUFFER, binder_uintptr_t{request->data.ptr.buffer});
  }
}

}  // namespace netbinder::tools
