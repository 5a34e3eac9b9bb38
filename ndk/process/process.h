// SPDX-License-Identifier: Apache-2.0
//
// This process as the driver knows it: the open device, the proxies, and the pool of threads. It is
// opened at its first use and lives as long as the process, so that objects of any kind may outlive
// main. A forked child has none. Any thread.
#pragma once

#include <android/binder_status.h>

#include <atomic>
#include <cstdint>

#include "ndk/process/device.h"
#include "ndk/process/remote_binder.h"

namespace netbinder::ndk {

class Process {
 public:
  // Null if there is no driver (yet), or in a forked child.
  [[nodiscard]] static Process* get();
  // In a forked child, which will never have one.
  [[nodiscard]] static bool lost();

  [[nodiscard]] const Device& device() const { return device_; }
  [[nodiscard]] Proxies& proxies() { return proxies_; }

  // These apply to the open driver, or to the one that is opened later. False if the driver
  // refuses.
  static bool set_most_threads(std::uint32_t count);
  static void start_pool();
  [[nodiscard]] static bool pool_started();
  // The driver has asked for another thread.
  void add_thread();
  // A thread has found out that the driver is gone.
  void note_driver_gone(int error);

 private:
  explicit Process(Device device) : device_(device) {}
  void begin();
  bool tell_most_threads(std::uint32_t count);
  void start_pool_once();
  void start_thread(bool first);
  static void forget_in_child();

  Device device_;
  Proxies proxies_;
  std::atomic<bool> pool_started_ = false;
  std::atomic<int> last_thread_ = 0;
  std::atomic<bool> driver_gone_ = false;
};

}  // namespace netbinder::ndk
