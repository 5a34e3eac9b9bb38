// SPDX-License-Identifier: Apache-2.0
#include "tools/binder_client.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>
#include <stdexcept>

#include "parcel/commands.h"
#include "parcel/reader.h"

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

ParcelView BinderClient::Reply::parcel() const { return parcel_of(data); }

void BinderClient::exchange(const std::function<void(const Return&)>& handle) {
  binder_write_read io{};
  io.write_buffer = reinterpret_cast<binder_uintptr_t>(commands_.data());
  io.write_size = commands_.size();
  io.read_buffer = reinterpret_cast<binder_uintptr_t>(read_.data());
  io.read_size = read_.size();
  while (::ioctl(fd_, BINDER_WRITE_READ, &io) != 0) {
    if (errno != EINTR) fail("the driver is gone");
  }
  commands_.clear();
  Returns returns({read_.data(), io.read_consumed});
  while (const auto got = returns.next()) {
    if (!acknowledge_reference(*got, commands_)) handle(*got);
  }
}

std::expected<BinderClient::Reply, std::string> BinderClient::call(std::uint32_t handle,
                                                                   std::uint32_t code,
                                                                   const ParcelBytes& request) {
  binder_transaction_data data = transaction_of(request.view());
  data.target.handle = handle;
  data.code = code;
  put_command(commands_, BC_TRANSACTION, data);
  std::optional<Reply> reply;
  const char* failure = nullptr;
  while (!reply && failure == nullptr) {
    exchange([&](const Return& got) {
      if (got.name == BR_REPLY) reply = Reply{got.as<binder_transaction_data>()};
      if (failure == nullptr) failure = failure_of_call(got);
    });
  }
  if (!reply) return std::unexpected(failure);
  return *reply;
}

void BinderClient::free(const Reply& reply) {
  put_command(commands_, BC_FREE_BUFFER, binder_uintptr_t{reply.data.data.ptr.buffer});
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
  if (handle) put_command(commands_, BC_ACQUIRE, handle->value());
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
  const bool added = (reply->data.flags & TF_STATUS_CODE) == 0 && dialect().begin_result(reader);
  free(*reply);
  return added;
}

std::optional<std::vector<ServiceFacts>> BinderClient::service_facts() {
  std::vector<ServiceFacts> all;
  for (std::string after; all.size() < kMaxServices;) {
    ParcelWriter writer;
    writer.string16(after);
    const auto reply = call(0, ServiceFacts::kCode, writer.take());
    if (!reply) return std::nullopt;
    const bool refused = (reply->data.flags & TF_STATUS_CODE) != 0;
    auto more = refused ? std::nullopt : read_service_facts(reply->parcel());
    free(*reply);
    if (!more) return std::nullopt;
    if (more->empty()) break;
    after = more->back().name;
    std::move(more->begin(), more->end(), std::back_inserter(all));
  }
  return all;
}

std::map<std::string, std::int32_t> BinderClient::service_pids() {
  for (const ManagerDialect::Request& request : dialect().debug_info()) {
    const auto reply = ask(request);
    if (!reply) return {};
    ParcelReader reader(reply->parcel());
    const bool told = (reply->data.flags & TF_STATUS_CODE) == 0 && dialect().begin_result(reader);
    std::map<std::string, std::int32_t> pids;
    const auto count = told ? reader.i32() : std::nullopt;
    for (std::int32_t i = 0; i < count.value_or(0); ++i) {
      const auto present = reader.i32();
      const std::size_t start = reader.position();
      const auto bytes = reader.i32();
      const auto name = reader.string16();
      const auto pid = reader.i32();
      if (present != 1 || !bytes || *bytes < 0 || !name || !pid) break;
      pids[*name] = *pid;
      reader.seek(start + static_cast<std::size_t>(*bytes));
    }
    free(*reply);
    if (count) return pids;
  }
  return {};
}

std::optional<bool> BinderClient::is_lazy(const std::string& name) {
  if (!dialect().tells_lazy()) return std::nullopt;
  const auto reply = ask(dialect().check_with_metadata(name));
  if (!reply) return std::nullopt;
  const bool refused = (reply->data.flags & TF_STATUS_CODE) != 0;
  const auto lazy = refused ? std::nullopt : dialect().lazy_in(reply->parcel());
  free(*reply);
  return lazy;
}

std::optional<std::string> BinderClient::interface_of(std::uint32_t handle) {
  const auto reply = call(handle, B_PACK_CHARS('_', 'N', 'T', 'F'), ParcelBytes{});
  if (!reply) return std::nullopt;
  ParcelReader reader(reply->parcel());
  const bool refused = (reply->data.flags & TF_STATUS_CODE) != 0;
  auto interface = refused ? std::nullopt : reader.string16();
  free(*reply);
  return interface;
}

void BinderClient::serve_echo() {
  put_command(commands_, BC_ENTER_LOOPER);
  for (;;) {
    std::optional<binder_transaction_data> request;
    exchange([&](const Return& got) {
      if (got.name != BR_TRANSACTION && got.name != BR_TRANSACTION_SEC_CTX) return;
      request = got.as<binder_transaction_data>();  // which begins the other one, too
    });
    if (!request) continue;
    if ((request->flags & TF_ONE_WAY) == 0) {
      // The reply is sent from the request's buffer, which is freed after it.
      binder_transaction_data reply{};
      reply.data_size = request->data_size;
      reply.data.ptr.buffer = request->data.ptr.buffer;
      put_command(commands_, BC_REPLY, reply);
    }
    put_command(commands_, BC_FREE_BUFFER, binder_uintptr_t{request->data.ptr.buffer});
  }
}

}  // namespace netbinder::tools
