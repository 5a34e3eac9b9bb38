// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/stalling_programs.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>

#include "channel/scm_rights.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/classic_request.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

using Ready = std::function<void()>;

// ---- descriptors ----

// A TCP socket whose last close waits: it has unsent bytes, and lingers for `seconds`.
int lingering_socket(int seconds) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int small = 1;
  (void)::setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener, 1) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return -1;
  }
  const int sender = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(sender, reinterpret_cast<sockaddr*>(&address), size) != 0) return -1;
  const linger waits{.l_onoff = 1, .l_linger = seconds};
  if (::setsockopt(sender, SOL_SOCKET, SO_LINGER, &waits, sizeof waits) != 0) return -1;
  const std::vector<char> bytes(1U << 20);
  while (::send(sender, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  return sender;  // nobody accepts the connection, or reads
}

void send_with(int socket, const void* bytes, std::size_t size, std::vector<int> fds) {
  iovec part{.iov_base = const_cast<void*>(bytes), .iov_len = size};
  RightsBuffer<kMaxRights> rights;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  attach_rights(packet, rights.bytes, fds);
  (void)::sendmsg(socket, &packet, MSG_NOSIGNAL);
}

// Each way in which a stranger's descriptor comes to the agent and is closed by it.
int lingering_closes(const std::string& socket, const Ready& ready) {
  constexpr int kSeconds = 2;
  const auto give_away = [](int to, const void* bytes, std::size_t size, int count) {
    std::vector<int> fds;
    for (int i = 0; i < count; ++i) fds.push_back(lingering_socket(kSeconds));
    send_with(to, bytes, size, fds);
    for (const int fd : fds) ::close(fd);
  };
  give_away(connect_to(socket), "x", 1, 3);  // no Hello
  const Hello hello = hello_with();
  give_away(connect_to(socket), &hello, sizeof hello, 3);
  ::close(connect_to(socket));
  const int dropped = connect_to(socket);
  give_away(dropped, "x", 1, 1);
  ::close(dropped);
  ChannelClient client(socket);
  give_away(client.socket(), "x", 1, 2);       // on the binder descriptor itself
  give_away(client.side_socket(), "x", 1, 2);  // on the side socket, no message of its own
  (void)client.control(1, BINDER_VERSION);
  ready();
  return ::pause();
}

// ---- opens ----

int opens_and_closes(const std::string& socket, const Ready& ready) {
  ready();
  for (;;) {
    const int fd = connect_to(socket);
    const Hello hello = hello_with();
    (void)::send(fd, &hello, sizeof hello, MSG_NOSIGNAL);
    ::close(fd);
  }
}

// The same as the shim opens: it sends the socket along and waits for the agent's answer.
int whole_opens_and_closes(const std::string& socket, const Ready& ready) {
  ready();
  for (;;) {
    const int fd = connect_to(socket);
    const Hello hello = hello_with();
    send_with(fd, &hello, sizeof hello, {fd});
    std::array<int, kHelloDescriptors> descriptors{-1, -1, -1, -1};
    (void)receive_hello_reply(fd, &descriptors);
    for (const int each : descriptors) ::close(each);
    ::close(fd);
  }
}

// Opens that say that they close, and stay.
int closes_that_do_not_come(const std::string& socket, const Ready& ready) {
  std::vector<std::unique_ptr<ChannelClient>> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<ChannelClient>(socket));
    if (clients.back()->error() != 0) break;
    Mailbox& box = clients.back()->mailbox(0);
    box.request = {};
    box.request.operation = kOpClose;
    clients.back()->set_state(0, kRequested);
  }
  ready();
  return ::pause();
}

// ---- commands ----

// Every mailbox has the longest write buffer there can be.
int long_write_buffers(const std::string& socket, const Ready& ready) {
  ChannelClient client(socket);
  if (client.map() != 0) return 2;
  Stream commands;
  while (commands.bytes().size() < kMaxCommandBytes - 8) {
    commands.put(BC_INCREFS, std::uint32_t{77});  // there is no such handle
  }
  constexpr std::uint32_t kAtOnce = 64;  // a gigabyte of address space would do no more
  ready();
  for (;;) {
    for (std::uint32_t i = 0; i < kAtOnce; ++i) {
      client.begin_write_read(i, 100 + i, commands.bytes(), 0);
    }
    for (std::uint32_t i = 0; i < kAtOnce; ++i) (void)client.await(i);
  }
}

// As many buffer objects as a payload can have.
int many_objects(const std::string& socket, const Ready& ready) {
  ChannelClient server(socket);
  ChannelClient client(socket);
  if (server.map(kMaxMapBytes) != 0 || client.map() != 0) return 2;
  if (!Caller(server, 1).add("large", 0x5000)) return 3;
  const std::uint32_t handle = Caller(client, 1).find("large");
  constexpr std::size_t kObjects = 40'000;
  std::vector<binder_buffer_object> objects(kObjects);
  std::vector<binder_size_t> offsets(kObjects);
  std::uint64_t word = 7;
  for (std::size_t i = 0; i < kObjects; ++i) {
    objects[i] = {.hdr = {.type = BINDER_TYPE_PTR},
                  .flags = 0,
                  .buffer = reinterpret_cast<binder_uintptr_t>(&word),
                  .length = sizeof word,
                  .parent = 0,
                  .parent_offset = 0};
    offsets[i] = i * sizeof(binder_buffer_object);
  }
  ready();
  for (;;) {
    binder_transaction_data_sg data{};
    data.transaction_data.target.handle = handle;
    data.transaction_data.flags = TF_ONE_WAY;
    data.transaction_data.data_size = objects.size() * sizeof objects.front();
    data.transaction_data.offsets_size = offsets.size() * sizeof offsets.front();
    data.transaction_data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(objects.data());
    data.transaction_data.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(offsets.data());
    data.buffers_size = kObjects * sizeof word;
    (void)client.write_read(1, Stream().put(BC_TRANSACTION_SG, data).bytes(),
                            kFlagReads | kFlagFreshRead | kFlagNonblocking);
  }
}

// Very many small oneway calls of several programs that nobody reads, in an arena that is nearly
// full: each is judged by what its sender has there.
int unread_oneway_calls(const std::string& socket, const Ready& ready) {
  ChannelClient server(socket);
  ChannelClient client(socket);
  if (server.map(kMaxMapBytes) != 0 || client.map() != 0) return 2;
  if (!Caller(server, 1).add("unread", 0x5000)) return 3;
  binder_transaction_data data{};
  data.target.handle = Caller(client, 1).find("unread");
  data.flags = TF_ONE_WAY;
  Stream calls;
  for (int i = 0; i < 10'000; ++i) calls.put(BC_TRANSACTION, data);
  for (int i = 0; i < 26; ++i) (void)client.write_read(1, calls.bytes(), 0);
  ready();
  for (;;) (void)client.write_read(1, calls.bytes(), 0);
}

// ---- references and deaths ----

// Two of the user's processes: one has many nodes, the other one a reference to each of them, and
// waits for news of it.
class Hoard {
 public:
  enum class Watches { kDeaths, kFreezes };

  Hoard(const std::string& socket, const std::string& name, Watches watches = Watches::kDeaths)
      : watches_(watches), holder_(socket), owner_(std::in_place, socket) {
    works_ = holder_.map() == 0 && owner_->map() == 0 && Caller(holder_, 1).add(name, 0x5000);
    handle_ = Caller(*owner_, 1).find(name);
  }
  [[nodiscard]] bool works() const { return works_ && handle_ != 0; }

  // False: not that many.
  bool add_nodes(std::size_t count) {
    constexpr std::size_t kAtOnce = 500;
    for (std::size_t sent = 0; sent < count; sent += kAtOnce) {
      std::vector<flat_binder_object> objects(kAtOnce);
      std::vector<binder_size_t> offsets(kAtOnce);
      for (std::size_t i = 0; i < kAtOnce; ++i) {
        objects[i].hdr.type = BINDER_TYPE_BINDER;
        objects[i].binder = next_node_;
        next_node_ += 16;
        offsets[i] = i * sizeof objects[i];
      }
      binder_transaction_data data{};
      data.target.handle = handle_;
      data.flags = TF_ONE_WAY;
      data.data_size = objects.size() * sizeof objects[0];
      data.offsets_size = offsets.size() * sizeof offsets[0];
      data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(objects.data());
      data.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(offsets.data());
      if (owner_->write_read(1, Stream().put(BC_TRANSACTION, data).bytes(), 0) != 0 || !keep()) {
        return false;
      }
    }
    return true;
  }
  void end_owner() { owner_.reset(); }
  // Reads of deaths until there are no more, and does not say so.
  std::size_t read_deaths(std::size_t most) {
    constexpr std::uint32_t kThreads = 64;
    std::size_t deaths = 0;
    bool more = true;
    while (more && deaths < most) {
      more = false;
      for (std::uint32_t i = 1; i < kThreads; ++i) {
        holder_.begin_write_read(i, 100 + i, {}, kFlagReads | kFlagFreshRead | kFlagNonblocking);
      }
      for (std::uint32_t i = 1; i < kThreads; ++i) {
        std::vector<std::byte> read;
        // A thread's first read returns with nothing.
        if (holder_.end_write_read(i, &read) == 0) more = true;
        if (find_command(read, BR_DEAD_BINDER)) ++deaths;
      }
    }
    return deaths;
  }
  [[nodiscard]] ChannelClient& holder() { return holder_; }

 private:
  bool keep() {
    std::vector<std::byte> read;
    std::optional<std::vector<std::byte>> call;
    while (!call) {
      if (holder_.write_read(1, kept_.bytes(), kFlagReads | kFlagFreshRead, &read) != 0) return false;
      kept_ = {};
      call = find_command(read, BR_TRANSACTION);
    }
    binder_transaction_data data{};
    std::memcpy(&data, call->data(), sizeof data);
    for (std::size_t i = 0; i < data.offsets_size / sizeof(binder_size_t); ++i) {
      flat_binder_object object{};
      std::memcpy(&object,
                  reinterpret_cast<const std::byte*>(data.data.ptr.buffer) + i * sizeof object,
                  sizeof object);
      kept_.put(BC_ACQUIRE, object.handle);
      kept_.put(watches_ == Watches::kDeaths ? std::uint32_t{BC_REQUEST_DEATH_NOTIFICATION}
                                             : kBcRequestFreezeNotification,
                binder_handle_cookie{.handle = object.handle, .cookie = object.handle});
    }
    kept_.put(BC_FREE_BUFFER, data.data.ptr.buffer);
    return true;
  }

  Watches watches_;
  ChannelClient holder_;
  std::optional<ChannelClient> owner_;
  bool works_ = false;
  std::uint32_t handle_ = 0;
  std::uint64_t next_node_ = 0x10000;
  Stream kept_;
};

// Very many deaths that were read, and acknowledgements that fit none of them.
int wrong_acknowledgements(const std::string& socket, const Ready& ready) {
  constexpr std::size_t kDeaths = 100'000;
  Hoard hoard(socket, "hoard");
  if (!hoard.works() || !hoard.add_nodes(kDeaths)) return 2;
  hoard.end_owner();
  if (hoard.read_deaths(kDeaths - 500) < kDeaths - 500) return 3;
  Stream wrong;
  for (int i = 0; i < 20'000; ++i) wrong.put(BC_DEAD_BINDER_DONE, binder_uintptr_t{1} << 40);
  ready();
  for (;;) (void)hoard.holder().write_read(1, wrong.bytes(), 0);
}

// Processes with very many nodes and references end again and again.
int ends_of_large_processes(const std::string& socket, const Ready& ready) {
  for (int i = 0;; ++i) {
    Hoard hoard(socket, "hoard" + std::to_string(::getpid()) + "." + std::to_string(i));
    if (!hoard.works()) continue;  // the one before has not ended yet
    (void)hoard.add_nodes(100'000);
    if (i == 0) ready();
    hoard.end_owner();
  }
}

// Registers that many nodes with the service manager, by oneway calls.
void add_names(ChannelClient& client, std::uint64_t first, std::uint64_t count) {
  std::vector<std::vector<std::byte>> parcels(count);
  std::vector<binder_size_t> offsets(count);
  Stream calls;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::vector<std::byte>& data = parcels[i];
    data = classic_request("name" + std::to_string(::getpid()) + "." + std::to_string(first + i));
    offsets[i] = data.size();
    flat_binder_object object{};
    object.hdr.type = BINDER_TYPE_BINDER;
    object.binder = 0x1000 + (first + i) * 16;
    const auto* begin = reinterpret_cast<const std::byte*>(&object);
    data.insert(data.end(), begin, begin + sizeof object);
    put_word(data, 0);
    binder_transaction_data call{};
    call.code = 3;
    call.flags = TF_ONE_WAY;
    call.data_size = data.size();
    call.offsets_size = sizeof offsets[i];
    call.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(data.data());
    call.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(&offsets[i]);
    calls.put(BC_TRANSACTION, call);
  }
  (void)client.write_read(1, calls.bytes(), 0);
}

// A program with as many names as one may have ends, again and again.
int ends_with_many_names(const std::string& socket, const Ready& ready) {
  for (int round = 0;; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ChannelClient client(socket);
      if (client.map() != 0) ::_exit(1);
      for (std::uint64_t i = 0; i < 8192; i += 64) add_names(client, i, 64);
      ::_exit(0);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return 2;
    if (round == 0) ready();
  }
}

// ---- questions ----

// Anybody may ask for the state, as often as he likes.
int questions_about_many_nodes(const std::string& socket, const Ready& ready) {
  Hoard hoard(socket, "hoard");
  if (!hoard.works() || !hoard.add_nodes(100'000)) return 2;
  ready();
  for (;;) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket + ".admin";
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      const std::string question = "{\"command\":\"state\"}\n";
      (void)::send(fd, question.data(), question.size(), MSG_NOSIGNAL);
      std::vector<char> bytes(1U << 20);
      for (ssize_t got = 1; got > 0 && bytes[static_cast<std::size_t>(got) - 1] != '\n';) {
        got = ::read(fd, bytes.data(), bytes.size());
      }
    }
    ::close(fd);
  }
}

void begin_freeze(ChannelClient& client, std::uint32_t thread, const binder_freeze_info& info) {
  Mailbox& box = client.mailbox(thread);
  box.request = {};
  box.request.operation = kOpControl;
  box.request.tid = thread;
  box.request.ioctl_command = BINDER_FREEZE;
  std::memcpy(box.argument, &info, sizeof info);
  client.set_state(thread, kRequested);
}

// A program with very many nodes, whose states others watch, is frozen and thawed without end.
int freezes_of_many_nodes(const std::string& socket, const Ready& ready) {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  Hoard hoard(socket, "hoard", Hoard::Watches::kFreezes);
  if (!hoard.works() || !hoard.add_nodes(100'000)) return 2;
  ChannelClient freezer(socket);
  if (freezer.error() != 0) return 3;
  ready();
  for (std::uint32_t enable = 1;; enable = 1 - enable) {
    begin_freeze(freezer, 1, {.pid = pid, .enable = enable, .timeout_ms = 0});
    if (!freezer.await(1)) return 4;
  }
}

// Very many threads wait until a program is quiet that never is, and its calls come and go.
int freezes_that_wait(const std::string& socket, const Ready& ready) {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  EchoServer server(socket, "busy");
  ChannelClient unread(socket);
  ChannelClient client(socket);
  if (unread.map() != 0 || client.map() != 0 || !Caller(unread, 1).add("unread", 0x6000)) return 2;
  Caller caller(client, 1);
  binder_transaction_data data{};
  data.target.handle = caller.find("unread");
  data.flags = TF_ONE_WAY;
  (void)client.write_read(1, Stream().put(BC_TRANSACTION, data).bytes(), 0);
  std::vector<std::unique_ptr<ChannelClient>> freezers;
  for (int i = 0; i < 60; ++i) {
    freezers.push_back(std::make_unique<ChannelClient>(socket));
    if (freezers.back()->error() != 0) return 3;
    for (std::uint32_t thread = 1; thread <= 64; ++thread) {
      begin_freeze(*freezers.back(), thread, {.pid = pid, .enable = 1, .timeout_ms = 1'000'000});
    }
  }
  ready();
  for (;;) {
    (void)client.write_read(1, Stream().put(BC_TRANSACTION, data).bytes(),
                            kFlagReads | kFlagFreshRead | kFlagNonblocking);
  }
}

}  // namespace

const std::vector<StallingProgram>& stalling_programs() {
  static const std::vector<StallingProgram> all = {
      {"closes", "sockets that linger are handed to the agent", 1, lingering_closes},
      {"opens", "two processes open and close without end", 2, opens_and_closes},
      {"answered", "two processes open, wait for the answer and close", 2, whole_opens_and_closes},
      {"announced", "1,000 opens say that they close, and stay", 1, closes_that_do_not_come},
      {"writes", "64 mailboxes with 1 MiB of commands each", 1, long_write_buffers},
      {"objects", "calls with 40,000 objects", 1, many_objects},
      {"oneway", "100,000s of unread oneway calls, and more", 1, unread_oneway_calls},
      {"deaths", "acknowledgements that fit none of 100,000 deaths", 1, wrong_acknowledgements},
      {"ends", "processes with 100,000 nodes and references end", 1, ends_of_large_processes},
      {"names", "programs with 8,192 names end", 1, ends_with_many_names},
      {"questions", "`state` of 100,000 nodes and references", 1, questions_about_many_nodes},
      {"freezes", "3,840 threads wait in BINDER_FREEZE", 1, freezes_that_wait},
      {"thaws", "100,000 watched nodes are frozen and thawed", 1, freezes_of_many_nodes},
  };
  return all;
}

const StallingProgram& stalling_program(const std::string& name) {
  for (const StallingProgram& each : stalling_programs()) {
    if (name == each.name) return each;
  }
  throw std::runtime_error("no stalling program " + name);
}

}  // namespace netbinder::testing
