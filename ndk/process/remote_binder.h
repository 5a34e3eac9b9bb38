// SPDX-License-Identifier: Apache-2.0
//
// The proxy of an object elsewhere: a handle of the driver's, of which it holds one strong
// reference while it has strong references itself.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ndk/process/binder_object.h"
#include "ndk/process/links.h"

namespace netbinder::ndk {

class RemoteBinder final : public AIBinder {
 public:
  RemoteBinder(std::uint32_t handle, Stability stability)
      : AIBinder(nullptr, stability), handle_(handle) {}

  [[nodiscard]] std::uint32_t handle() const { return handle_; }

  [[nodiscard]] bool remote() const override { return true; }
  [[nodiscard]] bool alive() const override { return alive_.load(); }
  // Asks for the descriptor, once.
  [[nodiscard]] bool associate(const AIBinder_Class* clazz) override;
  void describe(flat_binder_object& object) const override;
  [[nodiscard]] binder_status_t transact(transaction_code_t code, const AParcel& in, AParcel* out,
                                         binder_flags_t flags) override;

  [[nodiscard]] binder_status_t link(std::shared_ptr<DeathLink> link);
  [[nodiscard]] binder_status_t unlink(const DeathCallbacks* callbacks, const void* cookie);
  [[nodiscard]] binder_status_t link(std::shared_ptr<FrozenLink> link);
  [[nodiscard]] binder_status_t unlink(const FrozenCallbacks* callbacks, const void* cookie);

  // From the driver. The object is kept by a weak reference from the request until the driver has
  // confirmed its end.
  void note_death();
  void note_frozen(bool frozen);

 private:
  void die() override;

  const std::uint32_t handle_;
  std::atomic<bool> alive_ = true;
  std::mutex mutex_;  // for what follows; no callback runs with it
  std::optional<std::string> descriptor_;
  std::vector<std::shared_ptr<DeathLink>> deaths_;
  std::vector<std::shared_ptr<FrozenLink>> frozen_links_;
  bool death_requested_ = false;  // of the driver, and not cleared
  bool freeze_requested_ = false;
  std::optional<bool> frozen_;  // what the driver has said last
};

// The proxies of a process, one for each handle.
class Proxies {
 public:
  // Returns a strong reference. The caller must hold the handle, in a buffer or otherwise.
  [[nodiscard]] AIBinder* find_or_make(std::uint32_t handle, Stability stability);
  void forget(const RemoteBinder& proxy);
  // The driver is gone, and with it everything that there was: all of them die.
  void die_with_driver();

 private:
  std::mutex mutex_;
  std::vector<RemoteBinder*> by_handle_;  // handles are the lowest free numbers
};

}  // namespace netbinder::ndk
