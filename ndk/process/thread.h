// SPDX-License-Identifier: Apache-2.0
//
// A thread's conversation with the driver: commands that wait to be written, returns that wait to
// be handled, and the calls that it is serving. Each thread has one of its own, from its first use
// of binder on, which ends with the thread.
#pragma once

#include <android/binder_status.h>
#include <linux/android/binder.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ndk/parcel/parcel.h"
#include "parcel/commands.h"

namespace netbinder::ndk {

class LocalBinder;
class Process;
class RemoteBinder;

// A call that is being served.
struct Serving {
  pid_t pid = 0;
  uid_t uid = 0;
  const char* security_context = nullptr;
  const Serving* outer = nullptr;
};

class Thread final : private BufferOwner {
 public:
  // Null if the process has no driver.
  [[nodiscard]] static Thread* self();
  // The same, but none is made.
  [[nodiscard]] static const Thread* existing();
  static void forget_in_child();

  explicit Thread(Process& process);
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Calls and waits for the answer; a oneway call only until the driver has taken it.
  [[nodiscard]] binder_status_t transact(std::uint32_t handle, std::uint32_t code,
                                         const Parcel& request, Parcel* answer,
                                         std::uint32_t flags);

  // Serves calls until the driver is gone, or does not need this thread any more and it is not a
  // `first` one.
  void serve(bool first);
  // The thread polls from now on.
  [[nodiscard]] binder_status_t become_polling();
  // Serves what is there.
  [[nodiscard]] binder_status_t serve_pending();

  [[nodiscard]] const Serving* serving() const { return serving_; }

  // ---- commands, which are written with the next exchange ----

  void acquire(std::uint32_t handle);
  void release(std::uint32_t handle);
  void request_death(std::uint32_t handle, const RemoteBinder* proxy);
  void clear_death(std::uint32_t handle, const RemoteBinder* proxy);
  void request_freeze(std::uint32_t handle, const RemoteBinder* proxy);
  void clear_freeze(std::uint32_t handle, const RemoteBinder* proxy);
  // Now. STATUS_OK or a negative errno.
  binder_status_t flush();
  // Now, unless this thread comes back to the driver anyway.
  void flush_unless_serving();

 private:
  enum class Wait { kForCompletion, kForReply };

  [[nodiscard]] int exchange(bool read);
  [[nodiscard]] int read_if_empty();
  [[nodiscard]] Return next_return();

  [[nodiscard]] binder_status_t wait(Wait until, Parcel* answer);
  [[nodiscard]] binder_status_t take_answer(const binder_transaction_data& data, Parcel* answer);
  [[nodiscard]] binder_status_t why_failed();
  // A return that is about no call of ours. An error ends the thread's service.
  [[nodiscard]] binder_status_t handle(const Return& got);
  void serve_call(const binder_transaction_data_secctx& call);
  void reply(const binder_transaction_data& call, const Parcel& answer, binder_status_t status);
  // References that the driver has given back; letting go of them runs code of the program.
  void let_go();
  [[nodiscard]] binder_status_t serve_once();
  void free_buffer(const void* data, std::size_t size, bool with_objects) override;

  Process& process_;
  std::vector<std::byte> out_;
  alignas(8) std::array<std::byte, 256> in_;
  Returns returns_;                  // those in in_ that are still to be handled
  std::size_t unwritten_frees_ = 0;  // bytes of buffers in out_
  bool looper_ = false;
  const Serving* serving_ = nullptr;
  std::vector<LocalBinder*> given_back_strong_;
  std::vector<LocalBinder*> given_back_weak_;
};

}  // namespace netbinder::ndk
