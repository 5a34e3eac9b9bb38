// SPDX-License-Identifier: Apache-2.0
//
// A program's descriptors: those that it sends, correctly or not, and those that it receives. Each
// travels as a copy made for that one call or reply, which its errand identifies; so whoever has it
// knows what it came with.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "tests/sim/program.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

constexpr int kNoFd = 1'000'000;
constexpr std::size_t kMaxKept = 8;

}  // namespace

bool Program::call_accepts_files(std::uint64_t number) const {
  return mix(number + world_.settings().seed * 3) % 5 != 0;
}

// ---- sending ----

int Program::put_file(OpenFile file) {
  const int fd = next_fd_++;
  fds_.emplace(fd, std::move(file));
  return fd;
}

// A copy of one of the program's files, or of a new one, only for this errand.
int Program::lend_file(Thread& thread, Errand errand) {
  Random& random = world_.random();
  OpenFile file;
  if (fds_.empty() || random.one_in(2)) {
    const OpenFile created = world_.files().create();
    file = created.duplicate(errand);
    if (fds_.size() < kMaxKept) put_file(created.duplicate({}));
  } else {
    auto at = fds_.begin();
    std::advance(at, random.below(fds_.size()));
    file = at->second.duplicate(errand);
  }
  ++world_.oracle().statistics.files_sent;
  const int fd = put_file(std::move(file));
  thread.lent.push_back(fd);
  return fd;
}

Program::Cargo Program::some_cargo(Thread& thread, Errand errand, FilesAccepted accepted,
                                   std::optional<HostId> to) {
  Cargo cargo{.things = some_things(), .block = std::nullopt};
  if (world_.random().one_in(5)) {
    cargo.block.emplace();
    cargo.block->leaf = world_.random().one_in(2);
  }
  if (accepted == FilesAccepted::kYes || world_.random().one_in(10)) {
    add_files(thread, cargo, errand, accepted, to);
  }
  return cargo;
}

void Program::add_files(Thread& thread, Cargo& cargo, Errand errand, FilesAccepted accepted,
                        std::optional<HostId> to) {
  Random& random = world_.random();
  Oracle& oracle = world_.oracle();
  std::size_t files = 0;
  bool bad = false;
  const auto fd = [&] {
    ++files;
    const int lent = lend_file(thread, errand);
    if (!random.one_in(60)) return lent;
    bad = true;
    return kNoFd;
  };
  const auto id_of = [this](int of) { return of == kNoFd ? FileId{0} : fds_.at(of).id(); };
  if (random.one_in(4)) {
    for (std::uint64_t count = random.between(1, 2); count > 0; --count) {
      const int sent = fd();
      Thing thing{.uid = id_of(sent),
                  .since_ms = world_.clock().now_ms(),
                  .kind = ThingKind::kFile,
                  .object = {}};
      thing.object.hdr.type = BINDER_TYPE_FD;
      thing.object.handle = static_cast<std::uint32_t>(sent);
      cargo.things.push_back(thing);
    }
  }
  if (cargo.block) {
    ++oracle.statistics.arrays;
    std::uint64_t count = random.below(5);
    if (random.one_in(20)) {
      count = random.between(250, 256);
      ++oracle.statistics.large_arrays;
    }
    for (; count > 0; --count) {
      const int sent = fd();
      cargo.block->fds.push_back(sent);
      cargo.block->files.push_back(id_of(sent));
    }
  }
  if (files == 0) return;
  if (bad) ++oracle.statistics.bad_files;
  const bool too_many = files > kMaxFilesOfMessage;
  if (bad || accepted == FilesAccepted::kNo || (too_many && to && *to != host_)) {
    oracle.must_fail(errand.call, errand.of_reply);
  } else if (too_many && !to) {
    oracle.may_fail(errand.call);
  }
}

std::expected<FileToken, int> Program::take_file(ThreadId /*thread*/, int fd) {
  const auto found = fds_.find(fd);
  if (!alive_ || found == fds_.end()) return std::unexpected(-EBADF);
  // The driver gets a copy with the same errand.
  return world_.host(host_)->files().take_in(found->second.duplicate(found->second.errand()));
}

// ---- receiving ----

// Called inside an event of the core, like ioctl_done; the answer follows as an event of its own.
void Program::install_files(ThreadId tid, std::span<const FileToken> tokens) {
  std::vector<OpenFile> files = world_.host(host_)->files().take_out(tokens);
  if (!alive_ || files.empty()) return;
  const Errand errand = files.front().errand();
  for (const OpenFile& file : files) {
    if (!file || file.errand() != errand) {
      fail("it is to install the descriptors of several calls");
      return;
    }
  }
  Oracle& oracle = world_.oracle();
  Thread& thread = threads_.at(tid.value());
  const bool fails = world_.random().one_in(12);
  world_.trace().note("installs",
                      {serial_, tid.value(), errand.call, files.size(), fails ? 1U : 0});
  if (fails) oracle.install_failed(errand.call, errand.of_reply);
  thread.delayed = true;
  installing_[tid.value()] = {.files = std::move(files), .fails = fails};
  world_.clock().after(world_.random().below(4),
                       [&world = world_, serial = serial_, tid = tid.value()] {
                         if (Program* program = world.program(serial)) program->finish_install(tid);
                       });
}

void Program::finish_install(std::uint32_t tid) {
  const auto found = installing_.find(tid);
  if (!alive_ || found == installing_.end()) return;
  SimHost& host = *world_.host(host_);
  if (host.stalled()) {
    world_.clock().after(20, [&world = world_, serial = serial_, tid] {
      if (Program* program = world.program(serial)) program->finish_install(tid);
    });
    return;
  }
  Installing installing = std::move(found->second);
  installing_.erase(found);
  std::vector<int> fds;
  if (!installing.fails) {
    for (OpenFile& file : installing.files) {
      fds.push_back(put_file(std::move(file)));
      ++world_.oracle().statistics.files_installed;
    }
  }
  installing.files.clear();
  host.before_event();
  if (installing.fails) {
    host.driver().files_installed(id_, ThreadId{tid}, std::unexpected(-EMFILE));
  } else {
    host.driver().files_installed(id_, ThreadId{tid}, std::span<const int>(fds));
  }
  host.after_event();
  world_.flush(host_);
}

void Program::take_file_thing(const Thing& thing, Errand errand) {
  const int fd = static_cast<int>(thing.object.handle);
  const auto found = fds_.find(fd);
  if (thing.object.hdr.type != BINDER_TYPE_FD || found == fds_.end()) {
    fail("a descriptor came that is not there");
  } else if (found->second.id() != thing.uid || found->second.errand() != errand) {
    fail("file " + std::to_string(thing.uid) + " came as file " +
         std::to_string(found->second.id()));
  }
}

void Program::take_block(Buffer& buffer, const binder_transaction_data& data,
                         std::span<const std::byte> objects, std::uint32_t count,
                         std::uint64_t first, Errand errand) {
  const std::uint64_t behind = data.data.ptr.offsets - user_base_ + data.offsets_size;
  const auto memory = [&](std::uint64_t address,
                          std::uint64_t bytes) -> std::optional<std::span<const std::byte>> {
    const std::uint64_t offset = address - user_base_;
    if (address < user_base_ || offset < behind || offset > arena_bytes_ ||
        bytes > arena_bytes_ - offset) {
      return std::nullopt;
    }
    return std::span<const std::byte>(arena_.get() + offset, bytes);
  };
  std::string wrong;
  const auto block = read_block(objects, count, first, errand.call, memory, wrong);
  if (!block) {
    fail(wrong);
    return;
  }
  for (std::size_t i = 0; i < block->fds.size(); ++i) {
    const auto found = fds_.find(block->fds[i]);
    if (found == fds_.end() || found->second.id() != block->files[i] ||
        found->second.errand() != errand) {
      fail("descriptor " + std::to_string(i) + " of an array is not what was sent");
      return;
    }
    array_fds_.insert(block->fds[i]);
    buffer.array.push_back(block->fds[i]);
  }
}

// ---- closing ----

void Program::free_array(Buffer& buffer) {
  for (const int fd : std::exchange(buffer.array, {})) {
    array_fds_.erase(fd);
    closing_fds_.insert(fd);  // the driver is to have it closed
  }
}

void Program::closed_by_driver(std::span<const int> fds) {
  for (const int fd : fds) {
    if (closing_fds_.erase(fd) == 0) {
      fail("it was told to close descriptor " + std::to_string(fd) + ", which it may keep");
    }
    fds_.erase(fd);
  }
}

void Program::close_some_file() {
  if (fds_.empty() || !world_.random().one_in(2)) return;
  auto at = fds_.begin();
  std::advance(at, world_.random().below(fds_.size()));
  // A lent one is closed when its errand ends.
  if (at->second.errand().call != 0 && is_lent(at->first)) return;
  if (array_fds_.contains(at->first) || closing_fds_.contains(at->first)) return;
  fds_.erase(at);
}

bool Program::is_lent(int fd) const {
  return std::ranges::any_of(threads_, [fd](const auto& each) {
    return std::ranges::find(each.second.lent, fd) != each.second.lent.end();
  });
}

}  // namespace netbinder::sim
