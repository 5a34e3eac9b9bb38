// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/claims.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"

namespace netbinder::etcd {

void Claims::release(const std::string& context) {
  const auto held = held_.find(context);
  if (held == held_.end()) return;  // lost before, and that was told
  queue_.push_back({What::kRelease, context, held->second});
  held_.erase(held);
}

std::optional<Transaction> Claims::next(const Holder& as) {
  if (under_way_ || queue_.empty()) return std::nullopt;
  under_way_ = true;
  as_ = as;
  const Job& job = queue_.front();
  const std::string key = directory_.claim_key(job.context);
  Transaction transaction;
  if (job.what == What::kRelease) {
    transaction.if_all = {{.key = key,
                           .what = Compare::What::kCreateRevision,
                           .number = static_cast<std::int64_t>(job.epoch.value())}};
    transaction.then = {{.what = Operation::What::kDelete, .key = key}};
    return transaction;
  }
  const ClaimHolder holder{.host = as.host, .incarnation = as.incarnation, .epoch = {}};
  transaction.if_all = {{.key = key, .what = Compare::What::kVersion, .number = 0},
                        {.key = directory_.host_key(as.name),
                         .what = Compare::What::kCreateRevision,
                         .number = as.host_revision}};
  transaction.then = {{.what = Operation::What::kPut,
                       .key = key,
                       .value = to_value(holder, as.name),
                       .lease = as.lease}};
  transaction.otherwise = {{.what = Operation::What::kRead, .key = key}};
  return transaction;
}

// stored_claims.pml: decided
void Claims::answered(const TransactionAnswer& answer, Lease lease) {
  NB_CHECK(under_way_);
  under_way_ = false;
  const Job job = std::move(queue_.front());
  queue_.pop_front();
  if (job.what == What::kAsk) return asked(job, answer, lease);
  if (answer.succeeded) {
    directory_.apply_own({.deleted = true,
                          .key_value = {.key = directory_.claim_key(job.context),
                                        .value = {},
                                        .mod_revision = answer.header.revision}});
    if (!directory_.claims().contains(job.context)) events_.claim_held(job.context, std::nullopt);
  }
}

void Claims::asked(const Job& job, const TransactionAnswer& answer, Lease lease) {
  const std::string key = directory_.claim_key(job.context);
  ClaimHolder holder{.host = as_.host, .incarnation = as_.incarnation, .epoch = {}};
  if (answer.succeeded) {
    directory_.apply_own({.deleted = false,
                          .key_value = {.key = key,
                                        .value = to_value(holder, as_.name),
                                        .create_revision = answer.header.revision,
                                        .mod_revision = answer.header.revision,
                                        .lease = as_.lease}});
  }
  // By an earlier request, of which nobody has heard the answer, it may be this host's already.
  for (const KeyValue& found : answer.found) {
    if (found.key == key) directory_.apply({.deleted = false, .key_value = found});
  }
  const auto claim = directory_.claims().find(job.context);
  if (!answer.succeeded && answer.found.empty()) {
    // The host itself is not there any more: it has to join again first.
    return events_.claim_answered(job.context, ClaimAnswer::kUnreachable);
  }
  const bool ours = claim != directory_.claims().end() && claim->second.holder.host == as_.host &&
                    claim->second.holder.incarnation == as_.incarnation &&
                    claim->second.lease == as_.lease;
  if (!ours) return events_.claim_answered(job.context, ClaimAnswer::kHeld);
  if (lease == Lease::kDoubtful) {  // compare() gives it back
    return events_.claim_answered(job.context, ClaimAnswer::kUnreachable);
  }
  holder.epoch = claim->second.holder.epoch;
  held_[job.context] = holder.epoch;
  events_.claim_held(job.context, holder);
  events_.claim_answered(job.context, ClaimAnswer::kGranted);
}

// stored_claims.pml: cut_off
void Claims::unreachable() {
  under_way_ = false;
  std::deque<Job> later;
  for (Job& job : std::exchange(queue_, {})) {
    if (job.what == What::kAsk) {
      events_.claim_answered(job.context, ClaimAnswer::kUnreachable);
    } else {
      later.push_back(std::move(job));
    }
  }
  queue_ = std::move(later);
}

// stored_claims.pml: stop
void Claims::lose_all() {
  for (const auto& [context, epoch] : std::exchange(held_, {})) {
    doubtful_.insert(context);  // its key may still be there
    events_.claim_lost(context);
  }
}

bool Claims::is_queued(const std::string& context) const {
  return std::ranges::find(queue_, context, &Job::context) != queue_.end();
}

// stored_claims.pml: reconnect
void Claims::compare(std::set<std::string> changed, HostId host, Incarnation incarnation) {
  changed.merge(std::exchange(doubtful_, {}));
  for (const std::string& context : changed) {
    const auto claim = directory_.claims().find(context);
    const bool is_there = claim != directory_.claims().end();
    const auto held = held_.find(context);
    if (held != held_.end()) {
      if (is_there && claim->second.holder.epoch == held->second) continue;
      held_.erase(held);
      events_.claim_lost(context);
    }
    if (!is_there || claim->second.holder.host != host ||
        claim->second.holder.incarnation != incarnation) {
      continue;
    }
    if (is_queued(context)) {
      doubtful_.insert(context);
    } else {
      queue_.push_back({What::kRelease, context, claim->second.holder.epoch});
    }
  }
}

}  // namespace netbinder::etcd
