// SPDX-License-Identifier: Apache-2.0
//
// An object of this process. The driver knows it by its address, and holds references to it on
// behalf of other processes (BR_INCREFS and BR_ACQUIRE).
#pragma once

#include "ndk/parcel/parcel.h"
#include "ndk/process/binder_object.h"

namespace netbinder::ndk {

class LocalBinder final : public AIBinder {
 public:
  LocalBinder(const AIBinder_Class* clazz, void* user_data);

  [[nodiscard]] void* user_data() const { return user_data_; }

  // To be called before others have the object.
  void request_security_context(bool wanted) { wants_security_context_ = wanted; }
  void set_inherit_rt(bool inherit) { inherits_rt_ = inherit; }
  void set_least_priority(int policy, int priority);
  // Ends the mark for vintf, for as long as the object lives.
  void downgrade(Stability level);
  [[nodiscard]] bool downgraded() const { return downgraded_; }
  void set_extension(StrongBinder extension) { extension_ = std::move(extension); }
  [[nodiscard]] AIBinder* extension() const { return extension_.get(); }

  // The references that the driver takes, and gives back once each. If it gave back more, an object
  // in use would be freed, so the process ends.
  enum class DriverReference { kStrong, kWeak };
  void driver_takes(DriverReference kind);
  void driver_gives_back(DriverReference kind);

  [[nodiscard]] bool remote() const override { return false; }
  [[nodiscard]] bool alive() const override { return true; }
  [[nodiscard]] bool associate(const AIBinder_Class* clazz) override;
  void describe(flat_binder_object& object) const override;
  [[nodiscard]] binder_status_t transact(transaction_code_t code, const AParcel& in, AParcel* out,
                                         binder_flags_t flags) override;

 private:
  void die() override;
  [[nodiscard]] binder_status_t call(transaction_code_t code, const AParcel& in, AParcel& out);
  [[nodiscard]] binder_status_t dump(const Parcel& in);
  [[nodiscard]] binder_status_t shell_command(const Parcel& in);

  void* user_data_ = nullptr;
  StrongBinder extension_;
  std::uint32_t priority_flags_;
  std::atomic<int> of_driver_[2] = {};
  bool wants_security_context_ = false;
  bool inherits_rt_ = false;
  bool downgraded_ = false;
};

}  // namespace netbinder::ndk
