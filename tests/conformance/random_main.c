// SPDX-License-Identifier: Apache-2.0
// binder_random SEED STEPS
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "random.h"

FILE* described;
static char description[16384];

static struct slot* pick(uint32_t state, bool any) {
  struct slot* found[kSlots];
  uint32_t count = 0;
  for (int party = 0; party < kParties; ++party) {
    if (!any && !models[party].open) continue;
    for (int i = 0; i < kPartyKinds[party].threads; ++i) {
      struct slot* const slot = slot_of(party, i);
      if (atomic_load(&slot->state) == state) found[count++] = slot;
    }
  }
  return count == 0 ? NULL : found[below(count)];
}

static void learn_control(const struct slot* slot) {
  struct binder_freeze_info freeze;
  if (slot->kind != kControl || slot->result != 0) return;
  if (slot->command == BINDER_SET_CONTEXT_MGR || slot->command == BINDER_SET_CONTEXT_MGR_EXT) {
    manager_party = slot->party;
  } else if (slot->command == BINDER_FREEZE) {
    memcpy(&freeze, slot->argument, sizeof(freeze));
    for (int i = 0; i < kProcesses; ++i) {
      if (shared->pids[i] == (pid_t)freeze.pid) process_frozen[i] = freeze.enable != 0;
    }
  }
}

static void take_result(struct slot* slot) {
  atomic_store(&slot->state, kIdle);
  learn_control(slot);
  if (models[slot->party].open) learn(slot);
}

// Says what has ended besides the step itself.
static void collect(void) {
  for (int i = 0; i < kParties * kThreads; ++i) {
    struct slot* const slot = &shared->slots[i];
    if (atomic_load(&slot->state) != kDone) continue;
    printf("    %s: %s\n", slot_name(slot), slot->text);
    take_result(slot);
  }
}

static void do_ioctl(struct slot* slot, enum request_kind kind) {
  rewind(described);
  if (kind == kWriteRead) generate_commands(slot);
  if (kind == kControl) generate_control(slot);
  if (kind == kPoll) fprintf(described, " poll");
  fputc('\0', described);
  fflush(described);
  printf(" %s%s: ", slot_name(slot), description);
  post(slot, kind);
  settle_all();
  if (atomic_load(&slot->state) == kDone) {
    printf("%s\n", slot->text);
    take_result(slot);
  } else {
    puts("waits");
  }
  collect();
}

static void open_party(int party) {
  struct slot* const opener = main_slot(kPartyKinds[party].process);
  opener->command = (uint32_t)party;
  run(opener, kOpen);
  printf(" open %s: %s\n", kPartyKinds[party].name, opener->text);
  models[party].open = true;
  collect();
}

static void close_party(int party) {
  struct slot* const closer = main_slot(kPartyKinds[party].process);
  printf(" close %s\n", kPartyKinds[party].name);
  forget_party(party);
  closer->command = (uint32_t)party;
  run(closer, kClose);
  collect();
}

static void start_process(int process) {
  process_start(process);
  process_frozen[process] = false;
  printf(" start %s\n", process_name(shared->pids[process]));
  for (int party = 0; party < kParties; ++party) {
    if (kPartyKinds[party].process != process) continue;
    for (int i = 0; i < kPartyKinds[party].threads; ++i) thread_start(party, i);
    open_party(party);
  }
}

static void kill_process(int process) {
  printf(" kill %s\n", process_name(shared->pids[process]));
  for (int party = 0; party < kParties; ++party) {
    if (kPartyKinds[party].process == process) forget_party(party);
  }
  process_kill(process);
  process_frozen[process] = false;
  collect();
}

// Replaces soon whatever is missing.
static bool bring_back(void) {
  for (int i = 0; i < kProcesses; ++i) {
    if (shared->pids[i] == 0 && chance(20)) {
      start_process(i);
      return true;
    }
  }
  for (int party = 0; party < kParties; ++party) {
    if (models[party].open || shared->pids[kPartyKinds[party].process] == 0) continue;
    if (chance(20)) {
      open_party(party);
      return true;
    }
  }
  return false;
}

static void step(void) {
  if (bring_back()) return;
  struct slot* const idle = pick(kIdle, false);
  struct slot* const waiting = pick(kBusy, true);
  const uint32_t which = below(1000);
  if (waiting != NULL && (idle == NULL || which < 20)) {
    printf(" interrupt %s\n", slot_name(waiting));
    // A driver in user space cannot begin to sleep and be open to signals in one step: again, if it
    // was in between.
    for (int times = 0; times < 3 && atomic_load(&waiting->state) == kBusy; ++times) {
      interrupt_slot(waiting);
      settle_all();
    }
    collect();
  } else if (which < 30) {
    const int process = (int)below(kProcesses);
    if (shared->pids[process] == 0) {
      puts(" nothing");
    } else {
      kill_process(process);
    }
  } else if (which < 36) {
    const int party = (int)below(kParties);
    if (models[party].open) {
      close_party(party);
    } else {
      puts(" nothing");
    }
  } else if (idle == NULL) {
    puts(" nothing");
  } else if (which < 150) {
    do_ioctl(idle, kControl);
  } else if (which < 230 && !kPartyKinds[idle->party].waits && has_read[idle - shared->slots]) {
    do_ioctl(idle, kPoll);
  } else {
    do_ioctl(idle, kWriteRead);
  }
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: binder_random SEED STEPS\n");
    return 2;
  }
  const unsigned long seed = strtoul(argv[1], NULL, 10);
  const long steps = strtol(argv[2], NULL, 10);
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(300);  // rather than wait for ever for what does not settle
  described = fmemopen(description, sizeof(description), "w");
  seed_random(seed);
  control_start();
  printf("seed %lu\n", seed);
  for (int i = 0; i < kProcesses; ++i) start_process(i);
  for (long i = 1; i <= steps; ++i) {
    printf("%ld", i);
    step();
  }
  for (int i = 0; i < kProcesses; ++i) {
    if (shared->pids[i] != 0) kill_process(i);
  }
  return 0;
}
