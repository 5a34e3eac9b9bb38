// SPDX-License-Identifier: Apache-2.0
#include "tools/time_limit.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmath>

namespace netbinder::tools {

namespace {

void expired(int /*signal*/) {
  constexpr char kText[] = "netbinder: there was no answer in time (--timeout)\n";
  (void)!::write(STDERR_FILENO, kText, sizeof kText - 1);
  ::_exit(1);
}

void set_timer(double seconds) {
  itimerval timer{};
  double whole = 0;
  timer.it_value.tv_usec = static_cast<suseconds_t>(std::modf(seconds, &whole) * 1e6);
  timer.it_value.tv_sec = static_cast<time_t>(whole);
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

TimeLimit::TimeLimit(double seconds) {
  struct sigaction action {};
  action.sa_handler = expired;
  ::sigaction(SIGALRM, &action, nullptr);
  set_timer(seconds);
}

TimeLimit::~TimeLimit() { set_timer(0); }

}  // namespace netbinder::tools
