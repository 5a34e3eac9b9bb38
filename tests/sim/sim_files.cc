// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sim_files.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "host/node_host.h"
#include "tests/sim/world.h"

namespace netbinder::sim {

namespace {

// The part of a reference that goes to another host.
struct Carried {
  FileId id = 0;
  std::uint64_t call = 0;
  std::uint64_t of_reply = 0;
};

}  // namespace

void SimFiles::fail(const std::string& what) {
  world_.oracle().fail("host " + std::to_string(id_.value()) + ": " + what);
}

// ---- programs ----

FileToken SimFiles::take_in(OpenFile file) {
  const FileToken token{++last_token_};
  in_flight_.emplace(token, std::move(file));
  return token;
}

OpenFile SimFiles::take(FileToken token, const char* what) {
  const auto found = in_flight_.find(token);
  if (found == in_flight_.end()) {
    fail("descriptor " + std::to_string(token.value()) + " is " + what +
         ", and is not in flight any more");
    return {};
  }
  OpenFile file = std::move(found->second);
  in_flight_.erase(found);
  return file;
}

std::vector<OpenFile> SimFiles::take_out(std::span<const FileToken> tokens) {
  std::vector<OpenFile> files;
  for (const FileToken token : tokens) files.push_back(take(token, "installed"));
  return files;
}

void SimFiles::drop(FileToken file) { (void)take(file, "dropped"); }

std::size_t SimFiles::held() const {
  std::size_t held = in_flight_.size();
  for (const auto& [id, peer] : peers_) held += peer.outgoing.size() + peer.offers.size();
  return held;
}

// ---- peers ----

std::expected<FileNumber, FileRefusal> SimFiles::export_file(HostId peer, FileToken file) {
  OpenFile taken = take(file, "exported");
  if (world_.random().one_in(200)) {  // as a descriptor of a kind that cannot travel
    if (taken) world_.oracle().may_fail(taken.errand().call);
    return std::unexpected(FileRefusal{.error = -EPERM, .reason = "it is not to travel"});
  }
  const FileNumber number{++last_number_};
  peers_[peer].outgoing.emplace(number, std::move(taken));
  return number;
}

void SimFiles::withdraw(HostId peer, FileNumber file) {
  if (peers_[peer].outgoing.erase(file) == 0) fail("a descriptor is withdrawn that was sent");
}

void SimFiles::send_offers(HostId peer) {
  for (const auto& [number, file] : std::exchange(peers_[peer].outgoing, {})) {
    const Carried carried{
        .id = file.id(), .call = file.errand().call, .of_reply = file.errand().of_reply ? 1ULL : 0};
    peer::FileData data;
    data.bytes.resize(sizeof carried);
    std::memcpy(data.bytes.data(), &carried, sizeof carried);
    host_->send_about_file(peer,
                           {.file = number,
                            .content = peer::FileOffered{.kind = peer::FileOffered::Kind::kContent,
                                                         .size = sizeof carried}});
    host_->send_about_file(peer, {.file = number, .content = std::move(data)});
  }
}

const char* SimFiles::message_arrived(HostId peer, peer::FileMessage message) {
  const auto* data = std::get_if<peer::FileData>(&message.content);
  if (data == nullptr) return nullptr;
  Carried carried;
  if (data->bytes.size() != sizeof carried) return "a file of another size";
  std::memcpy(&carried, data->bytes.data(), sizeof carried);
  auto& offers = peers_[peer].offers;
  if (offers.contains(message.file)) return "a file offered twice";
  offers.emplace(message.file, OpenFile(world_.files(), carried.id,
                                        {.call = carried.call, .of_reply = carried.of_reply != 0}));
  return nullptr;
}

std::expected<FileToken, int> SimFiles::import_file(HostId peer, FileNumber file) {
  auto& offers = peers_[peer].offers;
  const auto found = offers.find(file);
  if (found == offers.end()) return std::unexpected(-ENOENT);
  OpenFile taken = std::move(found->second);
  offers.erase(found);
  if (world_.random().one_in(200)) {  // as an agent that is short of descriptors
    world_.oracle().may_fail(taken.errand().call);
    return std::unexpected(-EMFILE);
  }
  return take_in(std::move(taken));
}

void SimFiles::drop_offers(HostId peer) {
  if (const auto found = peers_.find(peer); found != peers_.end()) found->second.offers.clear();
}

}  // namespace netbinder::sim
