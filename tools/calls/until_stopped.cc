// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/until_stopped.h"

#include <ctime>

namespace netbinder::tools {

namespace {

volatile std::sig_atomic_t stop_asked = 0;

void ask_to_stop(int /*signal*/) { stop_asked = 1; }

}  // namespace

UntilStopped::UntilStopped() : before_int_{}, before_term_{} {
  struct sigaction action {};
  action.sa_handler = ask_to_stop;  // not restarting: a sleep ends by it
  ::sigaction(SIGINT, &action, &before_int_);
  ::sigaction(SIGTERM, &action, &before_term_);
}

UntilStopped::~UntilStopped() {
  ::sigaction(SIGINT, &before_int_, nullptr);
  ::sigaction(SIGTERM, &before_term_, nullptr);
}

bool UntilStopped::stopped() const { return stop_asked != 0; }

void UntilStopped::sleep_ms(int ms) const {
  if (stopped()) return;
  const timespec time{.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1'000'000L};
  ::nanosleep(&time, nullptr);
}

}  // namespace netbinder::tools
