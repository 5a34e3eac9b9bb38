// SPDX-License-Identifier: Apache-2.0
//
// How many processes, threads, nodes, refs and todos each user has in this host's driver, and the
// limits. Todos are what wait for its threads beside calls: completions and notifications, and the
// notifications that it has asked for and that may come.
// No user can use up what others need, and no honest program reaches a limit. A process counts for
// the user that opened it. Root has no limits here.
//
// Users are owned by the Model; a UserUsage lives as long as a process of the user.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "core/base/check.h"

namespace netbinder {

struct UserLimits {
  std::size_t processes = 2048;
  std::size_t threads = 16384;
  std::size_t nodes = 1U << 18;
  std::size_t refs = 1U << 18;
  std::size_t todos = 1U << 19;
};

class UserUsage {
 public:
  UserUsage(std::uint32_t uid, const UserLimits& limits) : uid_(uid), limits_(limits) {}

  [[nodiscard]] std::uint32_t uid() const { return uid_; }

  // The number of objects of one kind that the user has.
  class Count {
   public:
    [[nodiscard]] std::size_t value() const { return value_; }
    void add() { ++value_; }
    void remove(std::size_t count = 1) {
      NB_CHECK(value_ >= count);
      value_ -= count;
    }

   private:
    std::size_t value_ = 0;
  };
  Count processes, threads, nodes, refs, todos;

  // Counts as one of these while it exists.
  class One {
   public:
    explicit One(Count& count) : count_(count) { count_.add(); }
    ~One() { count_.remove(); }
    One(const One&) = delete;
    One& operator=(const One&) = delete;

   private:
    Count& count_;
  };

  [[nodiscard]] bool may_add_process() const { return below(processes, limits_.processes); }
  [[nodiscard]] bool may_add_thread() const { return below(threads, limits_.threads); }
  [[nodiscard]] bool may_add_node() const { return below(nodes, limits_.nodes); }
  [[nodiscard]] bool may_add_ref() const { return below(refs, limits_.refs); }
  [[nodiscard]] bool may_add_todo() const { return below(todos, limits_.todos); }

 private:
  [[nodiscard]] bool below(const Count& count, std::size_t limit) const {
    return uid_ == 0 || count.value() < limit;
  }

  std::uint32_t uid_;
  const UserLimits& limits_;
};

class Users {
 public:
  // `limits` must outlive it.
  explicit Users(const UserLimits& limits) : limits_(limits) {}

  UserUsage& of(std::uint32_t uid) { return users_.try_emplace(uid, uid, limits_).first->second; }
  // To be called when a process of the user has gone, or could not be made.
  void forget_if_gone(std::uint32_t uid) {
    const auto found = users_.find(uid);
    if (found != users_.end() && found->second.processes.value() == 0) users_.erase(found);
  }
  [[nodiscard]] const std::map<std::uint32_t, UserUsage>& all() const { return users_; }

 private:
  const UserLimits& limits_;
  std::map<std::uint32_t, UserUsage> users_;
};

}  // namespace netbinder
