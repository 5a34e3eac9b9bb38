// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/etcd_member.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "transport/log.h"

namespace netbinder::etcd {

namespace {
constexpr int kOk = 200;
constexpr int kNotFound = 404;
}  // namespace

EtcdMember::EtcdMember(MemberSetup setup, Requests& requests, MembershipEvents& events)
    : setup_(std::move(setup)),
      requests_(requests),
      events_(events),
      endpoints_(setup_.lease_s * 1000 / 6, setup_.incarnation.value()),
      directory_(setup_.prefix, setup_.reachable),
      claims_(directory_, events),
      told_(directory_, events) {}

// ---- connecting ----

void EtcdMember::use(std::vector<std::string> endpoints, std::string user) {
  endpoints_.use(std::move(endpoints));
  user_ = std::move(user);
  if (state_ != State::kIdle) connect();
}

void EtcdMember::start() {
  available_since_ms_ = now_ms_;
  connect();
}

void EtcdMember::connect() {
  state_ = State::kConnecting;
  pending_.clear();
  claims_.unreachable();
  log::membership.debug("etcd: {} is asked", endpoints_.name());
  requests_.use_endpoint(endpoints_.current());
  requests_.use_token("");
  send(Ask::kVersion, "/version", "");
  if (user_.empty()) return lease();
  const auto password = requests_.password();
  if (!password) return fail(password.error());
  send(Ask::kToken, "/v3/auth/authenticate", authenticate_body(user_, *password));
  set_timer();
}

void EtcdMember::lease() {
  state_ = State::kLeasing;
  if (lease_ != 0) {
    send(Ask::kKeepAlive, "/v3/lease/keepalive", lease_body(lease_));
  } else {
    send(Ask::kGrant, "/v3/lease/grant", grant_body(setup_.lease_s));
  }
  set_timer();
}

void EtcdMember::read() {
  state_ = State::kReading;
  send(Ask::kRead, "/v3/kv/range", to_body(directory_.range()));
  set_timer();
}

void EtcdMember::fail(const std::string& reason) {
  last_error_ = endpoints_.name() + ": " + reason;
  if (std::exchange(available_, false)) available_since_ms_ = now_ms_;
  if (logged_.insert(last_error_).second) log::membership.warn("etcd: {}", last_error_);
  pending_.clear();
  claims_.unreachable();
  state_ = State::kWaiting;
  const std::uint64_t pause_ms = endpoints_.failed();
  log::membership.trace("etcd: {} is tried in {} ms", endpoints_.name(), pause_ms);
  retry_ms_ = now_ms_ + pause_ms;
  set_timer();
}

// ---- joining ----

void EtcdMember::decide() {
  const Directory::Host* const own = directory_.host(setup_.name);
  if (own != nullptr && own->member.incarnation == setup_.incarnation) {
    return own->lease == lease_ ? joined() : join();
  }
  if (own != nullptr) {
    const bool earlier_life =
        !ever_joined_ && own->member.address == setup_.address && own->lease != 0;
    if (!earlier_life) {
      return refuse(fmt::format("another agent has joined as '{}', from {}", setup_.name,
                                own->member.address));
    }
    state_ = State::kRevoking;
    log::membership.debug("etcd: the lease of an earlier life of this host is ended");
    return send(Ask::kRevoke, "/v3/lease/revoke", lease_body(own->lease));
  }
  const auto number = directory_.id(setup_.name);
  if (!number) return take_number();
  if (id_ && *id_ != *number) {
    return refuse(fmt::format(
        "this host is number {} there, and has run as number {} so far: its agent has to be "
        "started again",
        number->value(), id_->value()));
  }
  id_ = *number;
  join();
}

void EtcdMember::take_number() {
  const HostId number = id_.value_or(directory_.next_id());
  const auto has_it = directory_.name_of(number);
  if (has_it) {
    return refuse(
        fmt::format("host '{}' is number {} there, as this one has been so far: its agent "
                    "has to be started again",
                    *has_it, number.value()));
  }
  if (number.value() == UINT32_MAX) return refuse("there are no numbers left for hosts");
  const HostId next{std::max(directory_.next_id().value(), number.value() + 1)};
  const std::int64_t seen = directory_.next_id_revision();
  Transaction transaction;
  transaction.if_all = {
      {.key = directory_.id_key(setup_.name), .what = Compare::What::kVersion, .number = 0},
      {.key = directory_.next_id_key(),
       .what = seen == 0 ? Compare::What::kVersion : Compare::What::kModRevision,
       .number = seen}};
  transaction.then = {
      {.what = Operation::What::kPut,
       .key = directory_.id_key(setup_.name),
       .value = id_value(number)},
      {.what = Operation::What::kPut, .key = directory_.next_id_key(), .value = id_value(next)}};
  transaction.otherwise = {{.what = Operation::What::kRead, .key = directory_.id_key(setup_.name)},
                           {.what = Operation::What::kRead, .key = directory_.next_id_key()}};
  wanted_ = number;
  next_after_ = next;
  state_ = State::kNumbering;
  send(Ask::kNumber, "/v3/kv/txn", to_body(transaction));
}

void EtcdMember::join() {
  const std::string key = directory_.host_key(setup_.name);
  const Directory::Host* const own = directory_.host(setup_.name);
  Transaction transaction;
  if (own != nullptr) {  // under a lease that is over soon
    transaction.if_all = {
        {.key = key, .what = Compare::What::kCreateRevision, .number = own->create_revision}};
    id_ = own->member.id;
  } else {
    transaction.if_all = {{.key = key, .what = Compare::What::kVersion, .number = 0},
                          {.key = directory_.id_key(setup_.name),
                           .what = Compare::What::kValue,
                           .value = id_value(*id_)}};
  }
  transaction.then = {
      {.what = Operation::What::kPut, .key = key, .value = to_value(self()), .lease = lease_}};
  state_ = State::kJoining;
  send(Ask::kJoin, "/v3/kv/txn", to_body(transaction));
}

void EtcdMember::joined() {
  id_ = directory_.host(setup_.name)->member.id;
  if (state_ != State::kJoined) {
    log::membership.info("etcd: this host is '{}', number {}, with {} others", setup_.name,
                         id_->value(), directory_.members().size() - 1);
  }
  state_ = State::kJoined;
  ever_joined_ = true;
  last_error_.clear();
  tell();
}

void EtcdMember::refuse(const std::string& why) {
  state_ = State::kRefused;
  last_error_ = why;
  if (logged_.insert(why).second) log::membership.error("etcd: {}", why);
  end_claims();
  tell();
}

void EtcdMember::lease_lost() {
  lease_ = 0;
  end_claims();
  log::membership.warn("etcd: this host's lease is over there; it joins again");
  lease();
}

void EtcdMember::end_claims() {
  claims_.lose_all();
  claims_.unreachable();
  std::erase_if(pending_, [](const auto& each) { return each.second.what == Ask::kClaim; });
}

// ---- requests and answers ----

void EtcdMember::send(Ask what, const std::string& path, std::string body) {
  const RequestId id{next_request_++};
  log::membership.trace("etcd: request {}: {}", id.value(), path);
  pending_[id] = {.what = what, .sent_ms = now_ms_};
  requests_.call({.id = id, .path = path, .body = std::move(body), .timeout_ms = timeout_ms()});
}

void EtcdMember::failed(RequestId id, const std::string& reason) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  if (found->second.what == Ask::kLeave) return left_();
  fail(reason);
}

void EtcdMember::answered(RequestId id, int http_status, const std::string& body) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  const Pending pending = found->second;
  pending_.erase(found);
  log::membership.trace("etcd: request {} is answered after {} ms: HTTP {}", id.value(),
                        now_ms_ - pending.sent_ms, http_status);
  if (pending.what == Ask::kLeave) return left_();
  if (pending.what == Ask::kVersion) {
    version_ = server_version(body).value_or("");
    return;
  }
  if (pending.what == Ask::kRevoke && http_status == kNotFound) return read();  // gone already
  if (http_status != kOk) {
    const std::string text = failure_text(body);
    if (text.find("lease not found") != std::string::npos && state_ != State::kLeasing) {
      return lease_lost();
    }
    return fail(fmt::format("{} (HTTP {})", text, http_status));
  }
  handle(pending, body);
  set_timer();
}

template <typename Answer>
std::optional<Answer> EtcdMember::understood(Read<Answer> answer) {
  if (answer) return *std::move(answer);
  fail(answer.error());
  return std::nullopt;
}

void EtcdMember::handle(const Pending& pending, const std::string& body) {
  switch (pending.what) {
    case Ask::kToken:
      if (const auto given = understood(token(body))) {
        requests_.use_token(*given);
        lease();
      }
      break;
    case Ask::kGrant:
      handle_lease(pending, granted_lease(body));
      break;
    case Ask::kKeepAlive:
      handle_lease(pending, kept_lease(body));
      break;
    case Ask::kRead:
      handle_read(body);
      break;
    case Ask::kRevoke:
      read();
      break;
    case Ask::kNumber:
      handle_number(body);
      break;
    case Ask::kJoin:
      handle_join(body);
      break;
    case Ask::kClaim:
      if (const auto answer = understood(transaction_answer(body))) {
        claims_.answered(*answer,
                         lease_is_valid() ? Claims::Lease::kValid : Claims::Lease::kDoubtful);
        tell();
      }
      break;
    case Ask::kVersion:
    case Ask::kLeave:
      break;
  }
}

// Others take numbers, too: then the next one is tried.
void EtcdMember::handle_number(const std::string& body) {
  const auto answer = understood(transaction_answer(body));
  if (!answer) return;
  const std::int64_t revision = answer->header.revision;
  const auto made = [revision](std::string key, HostId number) {
    return WatchEvent{.deleted = false,
                      .key_value = {.key = std::move(key),
                                    .value = id_value(number),
                                    .create_revision = revision,
                                    .mod_revision = revision}};
  };
  if (answer->succeeded) {
    directory_.apply_own(made(directory_.id_key(setup_.name), wanted_));
    directory_.apply_own(made(directory_.next_id_key(), next_after_));
  } else if (answer->found.empty()) {
    return read();  // the key of the next number is gone
  }
  for (const KeyValue& found : answer->found) {
    directory_.apply({.deleted = false, .key_value = found});
  }
  decide();
}

void EtcdMember::handle_join(const std::string& body) {
  const auto answer = understood(transaction_answer(body));
  if (!answer) return;
  if (!answer->succeeded) return read();
  const std::int64_t revision = answer->header.revision;
  directory_.apply_own({.deleted = false,
                        .key_value = {.key = directory_.host_key(setup_.name),
                                      .value = to_value(self()),
                                      .create_revision = revision,
                                      .mod_revision = revision,
                                      .lease = lease_}});
  joined();
}

void EtcdMember::handle_lease(const Pending& pending, const Read<LeaseAnswer>& read_answer) {
  const auto answer = understood(read_answer);
  if (!answer) return;
  if (pending.what == Ask::kKeepAlive && answer->lease != lease_) return;  // of an earlier one
  if (answer->seconds <= 0) return lease_lost();
  if (answer->lease != 0 && std::exchange(lease_, answer->lease) != answer->lease) {
    log::membership.debug("etcd: this host has lease {:x}, for {} s", answer->lease,
                          answer->seconds);
  }
  lease_s_ = static_cast<std::uint32_t>(std::min<std::int64_t>(answer->seconds, UINT32_MAX / 1000));
  // It was kept alive when the request had arrived there: not before it was sent.
  lease_end_ms_ = pending.sent_ms + lease_s_ * 1000ULL;
  keep_ms_ = pending.sent_ms + lease_s_ * 1000ULL / 3;
  if (state_ == State::kLeasing) read();
}

void EtcdMember::handle_read(const std::string& body) {
  const auto answer = understood(read_answer(body));
  if (!answer) return;
  if (!cluster_.empty() && cluster_ != answer->header.cluster) {
    log::membership.warn("etcd: this is another etcd than before, or one that was made anew");
  }
  cluster_ = answer->header.cluster;
  revision_ = answer->header.revision;
  directory_.reset(answer->found);
  log::membership.debug("etcd: {} keys at revision {}, watched from there on", answer->found.size(),
                        revision_);
  requests_.watch(watch_body(directory_.range(), revision_ + 1));
  endpoints_.succeeded();
  if (!std::exchange(available_, true)) {
    available_since_ms_ = now_ms_;
    logged_.clear();
    log::membership.info("etcd: {} {} answers", endpoints_.name(), version_);
  }
  decide();
}

// ---- the watch ----

void EtcdMember::watch_line(const std::string& line) {
  if (!connected()) return;  // it begins anew
  const auto answer = understood(watch_answer(line));
  if (!answer) return;
  if (answer->canceled) {
    if (answer->compact_revision == 0) return fail("etcd has ended the watch: " + answer->reason);
    return read();
  }
  for (const WatchEvent& event : answer->events) directory_.apply(event);
  revision_ = std::max(revision_, answer->header.revision);
  if (answer->events.empty()) return;
  log::membership.trace("etcd: {} changes of keys, up to revision {}", answer->events.size(),
                        revision_);
  if (state_ == State::kJoined || state_ == State::kRefused) decide();
  tell();
  set_timer();
}

void EtcdMember::watch_ended(const std::string& reason) {
  if (connected()) fail("the watch has ended: " + failure_text(reason));
}

void EtcdMember::tell() {
  if (!ever_joined_) return;
  told_.tell_members(self());
  const std::set<std::string> changed = directory_.take_claims_changed();
  claims_.compare(changed, *id_, setup_.incarnation);
  told_.tell_claims(changed);
  next_claim();
}

// ---- claims ----

void EtcdMember::ask_for_claim(const std::string& context) {
  if (!available_ || state_ == State::kRefused || !lease_is_valid()) {
    return events_.claim_answered(context, ClaimAnswer::kUnreachable);
  }
  claims_.ask(context);
  next_claim();
}

void EtcdMember::release_claim(const std::string& context) {
  claims_.release(context);
  next_claim();
}

void EtcdMember::next_claim() {
  if (state_ != State::kJoined) return;
  const auto transaction =
      claims_.next({.host = *id_,
                    .name = setup_.name,
                    .incarnation = setup_.incarnation,
                    .lease = lease_,
                    .host_revision = directory_.host(setup_.name)->create_revision});
  if (transaction) send(Ask::kClaim, "/v3/kv/txn", to_body(*transaction));
  set_timer();
}

// ---- time ----

void EtcdMember::timer() {
  if (claims_.holds_any() && now_ms_ >= claims_end_ms()) {
    log::membership.error(
        "etcd: this host's lease may be over: its programs manage no context of the cluster");
    claims_.lose_all();
  }
  if (state_ == State::kWaiting && now_ms_ >= retry_ms_) return connect();
  const bool asked = std::ranges::any_of(
      pending_, [](const auto& each) { return each.second.what == Ask::kKeepAlive; });
  if (connected() && lease_ != 0 && !asked && now_ms_ >= keep_ms_) {
    send(Ask::kKeepAlive, "/v3/lease/keepalive", lease_body(lease_));
  }
  set_timer();
}

void EtcdMember::set_timer() {
  std::optional<std::uint64_t> earliest;
  const auto at = [&](std::uint64_t when_ms) {
    earliest = earliest ? std::min(*earliest, when_ms) : when_ms;
  };
  if (state_ == State::kWaiting) at(retry_ms_);
  const bool asked = std::ranges::any_of(
      pending_, [](const auto& each) { return each.second.what == Ask::kKeepAlive; });
  if (connected() && lease_ != 0 && !asked) at(keep_ms_);
  if (claims_.holds_any()) at(claims_end_ms());
  if (earliest) requests_.set_timer(*earliest);
}

void EtcdMember::leave(std::function<void()> done) {
  const bool reachable = connected() && lease_ != 0;
  left_ = std::move(done);
  state_ = State::kIdle;
  pending_.clear();
  log::membership.debug("etcd: this host leaves{}", reachable ? "" : ", and cannot say so");
  if (!reachable) return left_();
  send(Ask::kLeave, "/v3/lease/revoke", lease_body(lease_));
}

// ---- views ----

bool EtcdMember::connected() const {
  return state_ != State::kIdle && state_ != State::kWaiting && state_ != State::kConnecting &&
         state_ != State::kLeasing;
}

std::uint32_t EtcdMember::timeout_ms() const {
  return std::min<std::uint32_t>(kMaxTimeoutMs, setup_.lease_s * 1000 / 4);
}

Member EtcdMember::self() const {
  return {.name = setup_.name,
          .id = id_.value_or(HostId{}),
          .address = setup_.address,
          .incarnation = setup_.incarnation,
          .labels = setup_.labels};
}

MembershipStatus EtcdMember::status() const {
  MembershipStatus status;
  status.kind = "etcd";
  status.joined = state_ == State::kJoined;
  status.available = available_;
  status.since_ms = now_ms_ - available_since_ms_;
  status.last_error = last_error_;
  status.endpoint = endpoints_.name();
  status.version = version_;
  status.revision = static_cast<std::uint64_t>(revision_);
  status.lease_s = lease_ != 0 ? lease_s_ : 0;
  status.lease_left_ms =
      static_cast<std::int64_t>(lease_end_ms_) - static_cast<std::int64_t>(now_ms_);
  status.members = told_.members();
  return status;
}

}  // namespace netbinder::etcd
