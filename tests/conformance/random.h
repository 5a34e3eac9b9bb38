// SPDX-License-Identifier: Apache-2.0
// binder_random: a seeded sequence of everything that programs can ask of a binder driver, and what
// they see of it, as text. A controller tells the threads of several processes what to do, one
// ioctl at a time, and goes on when nothing moves any more: every ioctl has ended or waits in the
// driver. The next step depends only on the seed and on the text so far.
#ifndef TESTS_CONFORMANCE_RANDOM_H
#define TESTS_CONFORMANCE_RANDOM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "uapi.h"

enum {
  kParties = 5,  // opens of the device
  kProcesses = 4,
  kThreads = 3,  // of a party, at most
  kSlots = kParties * kThreads + kProcesses,
  kPayloads = 6,
  kObjects = 8,
  kHugeSize = 64 * 1024,
  kFdOne = 50,  // open in every process
  kFdTwo = 51,
};

struct payload {
  uint8_t data[4096];
  binder_size_t offsets[kObjects + 1];
  uint8_t buffers[kObjects][512];
};

enum slot_state { kAbsent, kIdle, kBusy, kDone };
enum request_kind { kWriteRead, kControl, kPoll, kOpen, kClose, kStart, kEnd, kJoin };

// A thread of a party, or the main thread of a process.
struct slot {
  _Atomic uint32_t state;
  pid_t tid;
  int party;  // -1: a main thread

  enum request_kind kind;
  bool blocking;
  uint8_t out[2048];
  size_t out_size;
  size_t read_size;
  uint32_t command;  // of kControl; of kStart and kJoin the slot; of kOpen and kClose the party
  uint8_t argument[64];
  struct payload payloads[kPayloads];

  int result;
  int error;
  uint64_t written;
  uint64_t read;
  uint8_t in[1024];
  uint32_t handles[64];  // that came in payloads
  size_t handle_count;
  char text[16384];
};

struct shared {
  pid_t pids[kProcesses];
  int fds[kParties];
  struct slot slots[kSlots];
  uint8_t huge[kHugeSize];
};

// It has the same place, and so every address in it is the same, in all processes and all runs.
extern struct shared* const shared;

struct party_kind {
  const char* name;
  int process;
  int threads;
  size_t map_size;
  bool waits;  // makes blocking reads; else it polls
};
extern const struct party_kind kPartyKinds[kParties];
uintptr_t map_address(int party);
const char* process_name(int32_t pid);
struct slot* slot_of(int party, int thread);
struct slot* main_slot(int process);
const char* slot_name(const struct slot* slot);

// --- random numbers ---
void seed_random(uint64_t seed);
uint32_t below(uint32_t bound);
bool chance(uint32_t percent);

// --- in the processes (random_actor.c) ---
void actor_main(int process) __attribute__((noreturn));

// --- of the controller (random_control.c) ---
void control_start(void);
void process_start(int process);
void process_kill(int process);
void thread_start(int party, int thread);
void thread_end(struct slot* slot);
void post(struct slot* slot, enum request_kind kind);
void interrupt_slot(struct slot* slot);
void settle_all(void);
void run(struct slot* slot, enum request_kind kind);  // post, settle, must have ended

// --- what is live (random_model.c) ---
enum { kKept = 12 };
struct ring {
  uint64_t values[kKept];
  size_t count;
};
void ring_add(struct ring* ring, uint64_t value);
bool ring_take(struct ring* ring, uint64_t* value);  // any one
bool ring_any(const struct ring* ring, uint64_t* value);

struct model {
  bool open;
  struct ring handles;
  struct ring buffers;
  struct ring increfs;   // ptr of BR_INCREFS, not done
  struct ring acquires;  // the same of BR_ACQUIRE
  struct ring deaths;    // handle << 32 | cookie, requested
  struct ring dead;      // cookies of BR_DEAD_BINDER, not done
  struct ring freezes;   // as deaths
  struct ring frozen;    // as dead
};
extern struct model models[kParties];
extern int depths[kSlots];     // calls a thread has read and not replied to
extern bool has_read[kSlots];  // a thread the driver knows, past its first read
extern bool process_frozen[kProcesses];
extern int manager_party;  // -1: none
void forget_party(int party);
void learn(const struct slot* slot);

// --- the steps ---
extern FILE* described;                     // the text of the step
void generate_commands(struct slot* slot);  // random_commands.c
void generate_control(struct slot* slot);   // random_ioctls.c
size_t generate_payload(struct slot* slot, size_t index, bool gather,
                        struct binder_transaction_data_sg* data);  // random_parcel.c

#endif
