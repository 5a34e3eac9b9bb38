// SPDX-License-Identifier: Apache-2.0
//
// Programs that use the service manager; each writes parcels as its version of Android does. The
// numbers and layouts here are the clients' own, independent of those the manager is built with.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/service-manager/managed_cluster.h"

namespace netbinder::testing {

// Addresses of a client's nodes: its first one, and a callback.
inline constexpr std::uint64_t kNode = 0x1000;
inline constexpr std::uint64_t kCallback = 0x3000;

// A version of Android as it appears in parcels. A code of 0 means that it lacks the method.
struct Android {
  std::string name;     // for messages
  std::string dialect;  // as NETBINDER_DIALECT and the configuration have it
  int token_words;      // in front of the interface's name
  std::uint32_t get, get2, check, check2, add, list, listen, unlisten, declared, instances, apex,
      updatable, connection, client_callback, try_unregister, debug_info;
  std::uint32_t system, vintf, null;  // stability words; only with three words in the token

  [[nodiscard]] bool has_status() const { return token_words == 3; }
};
inline void PrintTo(const Android& version, std::ostream* out) { *out << version.name; }
const std::vector<Android>& androids();
// The versions that have a method.
inline std::vector<Android> androids_with(std::uint32_t Android::*code) {
  std::vector<Android> having;
  for (const Android& version : androids()) {
    if (version.*code != 0) having.push_back(version);
  }
  return having;
}
const Android& android(const std::string& name);

class Request {
 public:
  Request& i32(std::int64_t value);
  Request& string16(const std::string& text);
  Request& token(const Android& version, std::uint32_t header = 0x53595354,
                 const std::string& interface = "android.os.IServiceManager");
  // A binder of the sender, with its stability word if the version has any.
  Request& binder(const Android& version, std::uint64_t ptr, std::uint64_t cookie);
  Request& handle(const Android& version, std::uint32_t handle);
  Request& null_binder(const Android& version);
  // The manager, as who has it as handle 0 writes it: libbinder leaves it out of the offsets.
  Request& manager_itself(const Android& version);
  [[nodiscard]] const Payload& payload() const { return payload_; }
  [[nodiscard]] Payload& payload() { return payload_; }

 private:
  Payload payload_;
};

// A received parcel, read from its beginning. Reading anything that is not there fails the test.
class Received {
 public:
  std::uint32_t flags = 0;
  std::uint32_t code = 0;
  std::uint64_t target = 0;
  std::vector<std::byte> data;
  std::vector<binder_size_t> offsets;

  std::int32_t i32();
  std::uint32_t u32() { return static_cast<std::uint32_t>(i32()); }
  std::string string16();
  // A handle; nothing for the null binder, which is not among the objects.
  std::optional<std::uint32_t> handle();
  [[nodiscard]] std::size_t left() const { return data.size() - position_; }
  [[nodiscard]] bool is_status() const { return (flags & TF_STATUS_CODE) != 0; }

 private:
  std::size_t position_ = 0;
};

class ServiceClient {
 public:
  ServiceClient(ManagedCluster& cluster, std::size_t host, std::int32_t pid,
                const Android& version, std::uint32_t euid = 1000);

  // A call of handle 0, or of another. Handles in the reply are held until the program ends.
  Received call(std::uint32_t code, const Request& request, std::uint32_t handle = 0);
  [[nodiscard]] Request request() const { return Request().token(version_); }

  // 0, or the exception; -1 for the classic failure.
  std::int32_t add(const std::string& name, std::uint64_t ptr, std::int32_t priority = 8);
  std::optional<std::uint32_t> check(const std::string& name);
  std::vector<std::string> list();
  std::int32_t listen(const std::string& name, std::uint64_t ptr);
  std::int32_t unlisten(const std::string& name, std::uint64_t ptr);

  // 0, or the exception, for a name whose service is the node `ptr`.
  std::int32_t watch_clients(const std::string& name, std::uint64_t ptr, std::uint64_t callback);
  std::int32_t try_unregister(const std::string& name, std::uint64_t ptr);
  // Send tryUnregisterService or addService without waiting for the answer; answer() is it, once it
  // is there.
  void start_leaving(const std::string& name, std::uint64_t ptr);
  void start_adding(const std::string& name, std::uint64_t ptr);
  std::optional<std::int32_t> answer();

  // A oneway call.
  void send(std::uint32_t handle, std::uint32_t code, const Request& request);
  // The oldest oneway call that has come in and was not taken yet.
  std::optional<Received> incoming();
  // Gives back a reference to a handle that a reply held.
  void drop(std::uint32_t handle);
  void die() {
    program_.close();
    cluster_.settle();
  }
  [[nodiscard]] const Android& version() const { return version_; }
  [[nodiscard]] Program& program() { return program_; }

 private:
  Received receive(const binder_transaction_data& data);
  void answer_references(const Outcome& outcome, Commands& answers);
  void take_work();

  static constexpr std::uint32_t kCaller = 1;
  static constexpr std::uint32_t kLooper = 2;

  ManagedCluster& cluster_;
  const Android& version_;
  Program program_;
  std::deque<Received> received_;
};

}  // namespace netbinder::testing
