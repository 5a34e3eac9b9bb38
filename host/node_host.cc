// SPDX-License-Identifier: Apache-2.0
#include "host/node_host.h"

#include <algorithm>
#include <cerrno>

#include "core/base/check.h"
#include "host/builtin_manager.h"
#include "host/data_plane.h"
#include "host/message_log.h"
#include "host/name_claim_key.h"
#include "host/stored_name_claims.h"

namespace netbinder {

namespace {

bool may_name_files(const PeerMessage& message) {
  return std::holds_alternative<peer::Call>(message) ||
         std::holds_alternative<peer::Reply>(message);
}

}  // namespace

NodeHost::NodeHost(NodeHostSetup setup, Timer& timer, Files& files, Surroundings& surroundings)
    : host_names_(std::move(setup.host_names)),
      timer_(timer),
      files_(files),
      surroundings_(surroundings) {
  Effects& effects = *this;
  driver_ = std::make_unique<Driver>(std::move(setup.driver), effects);
  driver_->set_time(timer_.now_ms());
  set_policy(setup.policy != nullptr ? std::move(setup.policy) : std::make_shared<const Policy>());
}

NodeHost::~NodeHost() {
  processes_.clear();
  managers_.clear();
  driver_.reset();
}

std::string_view NodeHost::name_of(HostId host) const {
  const auto found = host_names_.find(host);
  return found == host_names_.end() ? std::string_view() : found->second;
}

// ---- policy and contexts ----

void NodeHost::set_policy(std::shared_ptr<const Policy> policy) {
  policy_ = std::move(policy);
  for (const Driver::ContextView& context : driver_->contexts()) {
    driver_->set_manage_rules(context.name, policy_->manage_rules(context.name));
  }
  for (const auto& manager : managers_) manager->service().set_policy(policy_);
}

int NodeHost::add_context(ContextSetup setup) {
  setup.manage_rules = policy_->manage_rules(setup.name);
  return driver_->add_context(std::move(setup));
}

// ---- processes ----

void NodeHost::add_process(ProcessId process, ProcessHost& host) {
  processes_[process.value()] = &host;
}

void NodeHost::close_process(ProcessId process, std::span<std::byte> arena) {
  driver_->close(process);
  if (transport_ != nullptr) transport_->memory_ends(arena);
  processes_.erase(process.value());
}

ProcessHost* NodeHost::host_of(ProcessId process) const {
  const auto found = processes_.find(process.value());
  return found == processes_.end() ? nullptr : found->second;
}

// ---- managers ----

void NodeHost::start_manager(ServiceManagerSetup setup) {
  const std::string context = setup.context;
  setup.policy = policy_;
  auto manager =
      std::make_unique<BuiltinManager>(*driver_, context, std::move(setup), managers_have_work_);
  add_process(manager->id(), manager->host());
  name_claims_.push_back(std::make_unique<StoredNameClaims>(surroundings_, context));
  manager->service().unique_names().set_claims(*name_claims_.back());
  manager->service().questions().set_answers(answer_peer_);
  manager->start();
  managers_.push_back(std::move(manager));
}

// ---- claims ----

void NodeHost::claim_answered(const std::string& claim, ClaimAnswer answer) {
  if (const auto key = NameClaimKey::of(claim)) {
    unique_names(key->context).answered(key->name, answer);
    begin_looking();
  } else {
    driver_->claim_answered(claim, answer);
  }
}

void NodeHost::claim_lost(const std::string& claim) {
  if (const auto key = NameClaimKey::of(claim)) {
    unique_names(key->context).lost(key->name);
    begin_looking();
  } else {
    driver_->claim_lost(claim);
  }
}

UniqueNames& NodeHost::unique_names(std::string_view context) {
  const auto found =
      std::ranges::find(managers_, context, [](const auto& each) { return each->context(); });
  NB_CHECK(found != managers_.end());
  return (*found)->service().unique_names();
}

void NodeHost::run_managers() {
  constexpr int kRoundsAtOnce = 4;
  bool any = false;
  bool more = true;
  for (int round = 0; more && round < kRoundsAtOnce; ++round) {
    managers_have_work_ = false;
    more = false;
    for (const auto& manager : managers_) more = manager->run() || more;
    any = any || more;
  }
  if (more) managers_have_work_ = true;  // for go_on()
  if (any) begin_looking();
}

void NodeHost::begin_looking() {
  if (look_deadline_ms_) return;
  const bool wanted = std::any_of(managers_.begin(), managers_.end(), [](const auto& manager) {
    return manager->service().needs_looks();
  });
  if (!wanted) return;
  look_deadline_ms_ = timer_.now_ms() + ServiceManager::kLookIntervalMs;
  set_earliest_timer();
}

// ---- questions to other hosts' agents ----

void NodeHost::answer_peers(HostQuestions::AnswerFor answer) {
  answer_peer_ = std::move(answer);
  for (const auto& manager : managers_) manager->service().questions().set_answers(answer_peer_);
}

void NodeHost::ask_peer(std::string_view host, std::uint32_t uid, const std::string& question,
                        HostQuestions::Heard heard) {
  const auto named =
      std::ranges::find(host_names_, host, &std::pair<const HostId, std::string>::second);
  if (named == host_names_.end()) {
    return heard(std::unexpected("the cluster has no host of that name"));
  }
  const auto manager = std::ranges::find_if(
      managers_, [&](const auto& each) { return each->service().knows_manager_of(named->first); });
  if (manager == managers_.end()) {
    return heard(std::unexpected(
        "it is not connected, or shares no context of the cluster that has a built-in manager"));
  }
  (*manager)->service().questions().ask(named->first, uid, question, std::move(heard));
  after_event();
}

// ---- after events ----

void NodeHost::after_event() {
  if (managers_have_work_ || driver_->has_new_peer_managers()) run_managers();
  if (!unsent_) surroundings_.respond();
  if (!to_give_up_.empty() && transport_ != nullptr) {
    for (const auto& [peer, reason] : std::exchange(to_give_up_, {})) {
      transport_->give_up(peer, reason);
    }
  }
}

bool NodeHost::go_on() {
  if (!has_more()) return false;
  NB_ON_DATA_PLANE();
  driver_->go_on();
  after_event();
  return true;
}

void NodeHost::flush() {
  if (transport_ != nullptr) transport_->flush();
  unsent_ = false;
  surroundings_.respond();
}

// ---- time ----

void NodeHost::set_earliest_timer() {
  std::optional<std::uint64_t> earliest;
  if (!driver_deadlines_ms_.empty()) earliest = *driver_deadlines_ms_.begin();
  if (look_deadline_ms_ && (!earliest || *look_deadline_ms_ < *earliest)) {
    earliest = look_deadline_ms_;
  }
  if (!earliest || (timer_deadline_ms_ && *timer_deadline_ms_ <= *earliest)) return;
  timer_deadline_ms_ = earliest;
  timer_.set(*earliest);
}

void NodeHost::timer_expired() {
  NB_ON_DATA_PLANE();
  timer_deadline_ms_.reset();
  const std::uint64_t now_ms = timer_.now_ms();
  if (now_ms > driver_->now_us() / 1000) driver_->set_time(now_ms);
  const auto future = driver_deadlines_ms_.upper_bound(now_ms);
  if (future != driver_deadlines_ms_.begin()) {
    driver_deadlines_ms_.erase(driver_deadlines_ms_.begin(), future);
    driver_->timer_expired();
    after_event();
  }
  if (look_deadline_ms_ && *look_deadline_ms_ <= now_ms) {
    look_deadline_ms_.reset();
    for (const auto& manager : managers_) manager->service().look();
    after_event();
    begin_looking();
  }
  set_earliest_timer();
}

void NodeHost::set_timer(std::uint64_t deadline_ms) {
  driver_deadlines_ms_.insert(deadline_ms);
  set_earliest_timer();
}

// ---- effects on programs ----

int NodeHost::read_memory(ProcessId process, ThreadId thread, std::uint64_t address,
                          std::span<std::byte> into) {
  ProcessHost* host = host_of(process);
  return host == nullptr ? -EFAULT : host->read_memory(thread, address, into);
}

std::expected<FileToken, int> NodeHost::take_file(ProcessId process, ThreadId thread, int fd) {
  ProcessHost* host = host_of(process);
  if (host == nullptr) return std::unexpected(-EBADF);
  return host->take_file(thread, fd);
}

void NodeHost::install_files(ProcessId process, ThreadId thread, std::span<const FileToken> files) {
  if (ProcessHost* host = host_of(process)) {
    host->install_files(thread, files);
  } else {
    for (const FileToken file : files) files_.drop(file);
  }
}

void NodeHost::ioctl_done(ProcessId process, ThreadId thread, const IoctlResult& result) {
  ++work_.ioctls_done;
  if (ProcessHost* host = host_of(process)) host->ioctl_done(thread, result);
}

std::optional<PostedRead> NodeHost::take_posted_read(ProcessId process, ThreadId thread) {
  ProcessHost* host = host_of(process);
  return host == nullptr ? std::nullopt : host->take_posted_read(thread);
}

void NodeHost::readiness_changed(ProcessId process, bool readable) {
  if (ProcessHost* host = host_of(process)) host->readiness_changed(readable);
}

// ---- effects on descriptors ----

void NodeHost::drop_file(FileToken file) { files_.drop(file); }

std::expected<FileNumber, FileRefusal> NodeHost::export_file(HostId peer, FileToken file) {
  auto number = files_.export_file(peer, file);
  if (number) to_offer_.insert(peer);
  return number;
}

void NodeHost::withdraw_file(HostId peer, FileNumber file) { files_.withdraw(peer, file); }

std::expected<FileToken, int> NodeHost::import_file(HostId peer, FileNumber file) {
  return files_.import_file(peer, file);
}

// ---- effects on peers ----

Payload NodeHost::new_payload(HostId peer, std::uint64_t bytes) {
  return transport_->new_payload(peer, bytes);
}

void NodeHost::send(HostId peer, PeerMessage message, Payload payload) {
  NB_CHECK(transport_ != nullptr);
  if (!to_offer_.empty() && may_name_files(message) && to_offer_.erase(peer) > 0) {
    files_.send_offers(peer);
  }
  ++work_.messages_sent;
  work_.payload_bytes += payload.size();
  if (wants_message_log()) [[unlikely]]
    log_message(MessageWay::kTo, name_of(peer), message);
  unsent_ = true;
  transport_->send(peer, std::move(message), std::move(payload));
}

void NodeHost::send_about_file(HostId peer, peer::FileMessage message) {
  NB_ON_DATA_PLANE();
  send(peer, std::move(message), {});
}

void NodeHost::give_up_peer(HostId peer, std::string_view reason) {
  surroundings_.protocol_broken(peer, reason);
  give_up(peer, std::string(reason));
}

// ---- peers ----

void NodeHost::session_established(HostId peer, Incarnation incarnation, WireVersion version) {
  NB_ON_DATA_PLANE();
  surroundings_.peer_connected(peer);
  ++connected_peers_;
  driver_->peer_connected(peer, incarnation, std::string(name_of(peer)), version);
  for (const auto& manager : managers_) manager->service().host_reachable(peer);
  after_event();
}

void NodeHost::session_lost(HostId peer) {
  NB_ON_DATA_PLANE();
  surroundings_.peer_lost(peer);
  --connected_peers_;
  driver_->peer_lost(peer);
  files_.peer_lost(peer);
  to_offer_.erase(peer);
  may_have_offered_.erase(peer);
  after_event();
}

PayloadDestination NodeHost::payload_arriving(HostId peer, const PeerMessage& message,
                                              std::uint64_t payload_bytes, LeaseId lease) {
  NB_ON_DATA_PLANE();
  work_.payload_bytes += payload_bytes;
  const PayloadPlace place = driver_->payload_arriving(peer, message, lease);
  ProcessHost* host = host_of(place.process);
  if (host == nullptr || place.bytes.size() != payload_bytes) return {};
  return {.bytes = place.bytes, .owner = host->arena_owner()};
}

void NodeHost::payload_abandoned(HostId peer, const PeerMessage& /*message*/) {
  NB_ON_DATA_PLANE();
  driver_->payload_abandoned(peer);
  after_event();
}

void NodeHost::message_arrived(HostId peer, PeerMessage message) {
  NB_ON_DATA_PLANE();
  ++work_.messages_received;
  if (wants_message_log()) [[unlikely]]
    log_message(MessageWay::kFrom, name_of(peer), message);
  if (auto* about_file = std::get_if<peer::FileMessage>(&message)) {
    may_have_offered_.insert(peer);
    if (const char* broken = files_.message_arrived(peer, std::move(*about_file))) {
      give_up_peer(peer, broken);
    }
  } else {
    const bool named_files = may_name_files(message);
    driver_->message_arrived(peer, std::move(message));
    if (named_files && !may_have_offered_.empty() && may_have_offered_.erase(peer) > 0) {
      files_.drop_offers(peer);
    }
  }
  after_event();
}

std::optional<LeasedPlace> NodeHost::lease_wanted(HostId peer, const LeaseRequest& request) {
  NB_ON_DATA_PLANE();
  const auto lease = driver_->lease(peer, request);
  if (!lease) return std::nullopt;
  ProcessHost* host = host_of(lease->process);
  NB_CHECK(host != nullptr);
  return LeasedPlace{.id = lease->id,
                     .process = lease->process,
                     .place = {.bytes = lease->bytes, .owner = host->arena_owner()},
                     .arena = lease->arena};
}

void NodeHost::lease_ended(HostId peer, LeaseId lease) {
  NB_ON_DATA_PLANE();
  driver_->end_lease(peer, lease);
  after_event();
}

}  // namespace netbinder
