// SPDX-License-Identifier: Apache-2.0
#include "supervisor/parked_numbers.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

namespace netbinder::supervisor {

namespace {

std::mutex mutex;
std::map<int, std::vector<int>> numbers;  // by process; guarded by the mutex

int empty_file() {
  static const int file = ::memfd_create("netbinder-closed", MFD_CLOEXEC);
  return file;
}

}  // namespace

void park(const Caller& caller, int number) {
  if (!caller.replace(number, empty_file(), true)) return;
  const std::lock_guard lock(mutex);
  std::vector<int>& of_process = numbers[caller.pid];
  of_process.insert(std::upper_bound(of_process.begin(), of_process.end(), number), number);
}

int take_parked(int pid) {
  const std::lock_guard lock(mutex);
  const auto found = numbers.find(pid);
  if (found == numbers.end()) return -1;
  const int lowest = found->second.front();
  found->second.erase(found->second.begin());
  if (found->second.empty()) numbers.erase(found);
  return lowest;
}

void forget_parked(int pid) {
  const std::lock_guard lock(mutex);
  numbers.erase(pid);
}

}  // namespace netbinder::supervisor
