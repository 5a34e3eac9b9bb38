// SPDX-License-Identifier: Apache-2.0
//
// Reading: what a thread's BINDER_WRITE_READ brings back, BR command by BR command. Owned by the
// Driver.
#pragma once

#include <cstdint>
#include <expected>
#include <span>

namespace netbinder {

class Ioctls;
class Model;
class Node;
class Thread;
class Transaction;
class Work;

class ReadSide {
 public:
  ReadSide(Model& model, Ioctls& ioctls) : model_(model), ioctls_(ioctls) {}

  void start(Thread& thread);
  // The thread is reading, and there may be work for it now.
  void go_on(Thread& thread);
  // The answer to Effects::install_files: the descriptors, in order, or why there are none.
  void files_installed(Thread& thread, std::expected<std::span<const int>, int> fds);

 private:
  enum class Delivered { kMore, kStop, kSuspended };
  enum class Read { kOver, kToWait };

  // Delivers the work that there is for the thread. kOver: its ioctl has ended, or is suspended;
  // kToWait: nothing was delivered, and the thread has to wait.
  Read deliver_all(Thread& thread);

  Delivered deliver(Thread& thread, Work& work);
  Delivered deliver_transaction(Thread& thread, Transaction& transaction);
  void deliver_node(Thread& thread, Node& node);
  void emit(Thread& thread, Transaction& transaction);
  static void lend_nice(Thread& thread, Transaction& transaction, const Node& node);
  void end(Thread& thread);

  void tell(Thread& thread, std::uint32_t command);
  template <typename T>
  void tell(Thread& thread, std::uint32_t command, const T& payload);
  void count(Thread& thread, std::uint32_t command);

  Model& model_;
  Ioctls& ioctls_;
};

}  // namespace netbinder
