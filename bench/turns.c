// SPDX-License-Identifier: Apache-2.0
// turns sleep|look [CALLS]: the least time that a call between two hosts can take on this machine
// if each host has an agent of its own. Four processes take turns as a client, two agents and a
// server do, but do no work, and the network takes no time. The agents sleep until it is their
// turn, as the programs do, or look for it, giving the processor away between looks. Prints the
// median round trip in microseconds.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "times.h"

// The turn passes through these counters in order; each has a cache line of its own.
enum turn { kCall, kCallAcross, kServe, kServed, kAnswerAcross, kAnswered, kTurns };
struct counter {
  _Alignas(64) _Atomic uint32_t count;
};
static struct counter* turns;

static long futex(enum turn turn, int operation, uint32_t value) {
  return syscall(SYS_futex, &turns[turn].count, operation, value, NULL, NULL, 0);
}

static void give(enum turn turn, bool to_sleeper) {
  atomic_fetch_add(&turns[turn].count, 1);
  if (to_sleeper) futex(turn, FUTEX_WAKE, 1);
}

static void take(enum turn turn, uint32_t* taken, bool look) {
  while (atomic_load(&turns[turn].count) == *taken) {
    if (look) {
      sched_yield();
    } else {
      futex(turn, FUTEX_WAIT, *taken);
    }
  }
  ++*taken;
}

static void client_agent(bool look) {
  for (uint32_t call = 0, answer = 0;;) {
    take(kCall, &call, look);
    give(kCallAcross, !look);
    take(kAnswerAcross, &answer, look);
    give(kAnswered, true);
  }
}

static void server_agent(bool look) {
  for (uint32_t call = 0, answer = 0;;) {
    take(kCallAcross, &call, look);
    give(kServe, true);
    take(kServed, &answer, look);
    give(kAnswerAcross, !look);
  }
}

static void server(bool look) {
  for (uint32_t call = 0;;) {
    take(kServe, &call, false);
    give(kServed, !look);
  }
}

static pid_t start(void (*run)(bool), bool look) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    perror("fork");
    exit(1);
  }
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) run(look);
  _exit(1);
}

static void stop(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

int main(int argc, char** argv) {
  const bool look = argc > 1 && strcmp(argv[1], "look") == 0;
  const size_t calls = argc > 2 ? strtoul(argv[2], NULL, 10) : 5000;
  if (argc < 2 || argc > 3 || (!look && strcmp(argv[1], "sleep") != 0) || calls == 0) {
    fprintf(stderr, "usage: turns sleep|look [CALLS]\n");
    return 2;
  }
  turns = mmap(NULL, kTurns * sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
               -1, 0);
  uint64_t* const times = calloc(calls, sizeof(*times));
  if (turns == MAP_FAILED || times == NULL) {
    perror("turns");
    return 1;
  }
  const pid_t others[] = {start(client_agent, look), start(server_agent, look),
                          start(server, look)};
  uint32_t answer = 0;
  for (size_t i = 0; i < calls; ++i) {
    const uint64_t before = now_ns();
    give(kCall, !look);
    take(kAnswered, &answer, false);
    times[i] = now_ns() - before;
  }
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); ++i) stop(others[i]);
  sort_times(times, calls);
  printf("%.1f\n", (double)times[calls / 2] / 1000);
  return 0;
}
