// SPDX-License-Identifier: Apache-2.0
//
// The interface of a benchmark's peer. A program offers one or more of them
// (peers()), and gets the rest (its processes, their places, what is measured) from the library
// around it.
//
// A call is `point.bytes` there, where the server can read them, and an empty answer back; of an
// echo, the same bytes back, as a string up to kMostTextBytes and as bytes above. Oneway, nothing
// comes back but that the request is queued for the server.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/peers/child.h"
#include "bench/point.h"

namespace netbinder::bench {

enum class Kind : std::uint8_t {
  kNetbinder,
  kPeer,
  kLimit,  // no call, but a part of one that nobody can do without
  kEcho,   // calls by generated stubs, whose answers are what the requests were
};

inline constexpr std::size_t kMostTextBytes = 4096;

// One turn of a peer, as its processes see it.
struct Turn {
  Point point;
  double seconds = 0.2;
  std::string folder;  // of this turn's own, for sockets and files
  Place server;
  Place client;
};

// A client's connection to the server. Errors are exceptions.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void call() = 0;
};

class Peer {
 public:
  virtual ~Peer() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string what() const = 0;  // one line for readers
  [[nodiscard]] virtual Kind kind() const { return Kind::kPeer; }
  [[nodiscard]] virtual bool has(Mode mode) const = 0;
  [[nodiscard]] virtual bool has(Work work) const { return work == Work::kCall; }

  // Programs that serve both sides, such as a broker; they are started first and counted as well.
  [[nodiscard]] virtual std::vector<Child> start_helpers(const Turn&) const { return {}; }
  // In a process of its own: listens, calls `ready` with the address for clients, and serves until
  // it is killed.
  virtual void serve(const Turn& turn,
                     const std::function<void(const std::string& address)>& ready) const = 0;
  // In a process of its own for each client.
  [[nodiscard]] virtual std::unique_ptr<Connection> connect(const Turn& turn,
                                                            const std::string& address) const = 0;
};

// Defined by each program. What they point at lives as long as the program.
std::vector<const Peer*> peers();
// Likewise; before anything else is done. `argv` is the program's own.
void prepare(char** argv);

}  // namespace netbinder::bench
