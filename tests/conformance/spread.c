// SPDX-License-Identifier: Apache-2.0
// The parties on several hosts: with SPREAD_HOSTS=N each open is on the next of the N hosts of a
// netbinder session (the shim reads NETBINDER_SOCKET at every open). Between two observations every
// message is given the time to arrive: `settle_hosts` beside this file answers when nothing is
// under way any more.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conformance.h"

static int hosts;
static int ask;
static int answer;

// Far from the numbers that are among the observations, and there before a test uses up all others.
static int open_high(const char* name, int flags) {
  const int low = open(getenv(name), flags);
  const int high = fcntl(low, F_DUPFD_CLOEXEC, 900);
  if (low < 0 || high < 0) {
    perror(name);
    exit(1);
  }
  close(low);
  return high;
}

bool spread_start(void) {
  const char* const count = getenv("SPREAD_HOSTS");
  hosts = count != NULL ? atoi(count) : 0;
  if (hosts == 0) return false;
  ask = open_high("SPREAD_ASK", O_WRONLY);
  answer = open_high("SPREAD_ANSWER", O_RDONLY);
  return true;
}

static int next = 1;

int spread_next_open(void) {
  char name[64];
  if (hosts == 0) return 0;
  const int host = next;
  next = host % hosts + 1;
  snprintf(name, sizeof(name), "NETBINDER_SOCKET_%d", host);
  setenv("NETBINDER_SOCKET", getenv(name), 1);
  return host;
}

void spread_open_on(int host) { next = host; }

void spread_settle(void) {
  char byte = '.';
  if (hosts == 0) return;
  if (write(ask, &byte, 1) != 1 || read(answer, &byte, 1) != 1) {
    perror("settle_hosts");
    exit(1);
  }
}
