// SPDX-License-Identifier: Apache-2.0
// binder_conformance: what programs see of a binder driver, as text. One process plays all the
// parties (each is an open descriptor, so a binder process of its own) and a forked one plays the
// context manager. Everything happens in one fixed order, so the text is the same in every run.
#ifndef TESTS_CONFORMANCE_CONFORMANCE_H
#define TESTS_CONFORMANCE_CONFORMANCE_H

#include <linux/android/binder.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi.h"

enum { kMapSize = 64 * 1024, kMaxObjects = 16 };

struct parcel {
  uint8_t data[1024];
  size_t size;
  binder_size_t offsets[kMaxObjects];
  size_t count;
  uint64_t offsets_size;  // count * 8 unless a test says something else
  binder_size_t buffers_size;
};

struct party {
  const char* name;
  int host;
  int fd;
  uint8_t* map;
  uint8_t out[8192];  // commands not written yet
  size_t out_size;
  size_t read_size;
  struct parcel parcels[8];  // of those commands
  size_t parcel_count;
  struct binder_transaction_data got;  // the last BR_TRANSACTION or BR_REPLY
};

// --- text ---
void area(const char* name);  // what comes before the names of the observations
void note(const char* what, const char* format, ...) __attribute__((format(printf, 2, 3)));
void note_result(const char* what, int result);  // of a system call: errno if negative
void print_returns(struct party* party, const uint8_t* in, size_t size);

// --- parties ---
struct party* party_open(const char* name);  // mapped, nonblocking
struct party* party_open_beside(const char* name, const struct party* other);  // its host
struct party* party_open_unmapped(const char* name);
void party_close(struct party* party);
struct party* open_raw(const char* name, int flags, size_t map_size);

// Writes what was put and reads without blocking. The second form leaves the reading out.
void exchange(struct party* party, const char* what);
void write_only(struct party* party, const char* what);
void settle(struct party* party);                          // the same, silently, until EAGAIN
void settle_until(struct party* party, uint32_t command);  // and until this has been read
void await(struct party* party, const char* what);         // blocks until there is something
// Ends the calling thread for the driver, which sees a new one afterwards.
void thread_exit(struct party* party, const char* what);
void extended_error(struct party* party, const char* what);

// --- other threads of this process; what they do is over when these return ---
struct worker;
struct worker* worker_start(void);
void worker_stop(struct worker* worker);
void worker_run(struct worker* worker, void (*run)(void*), void* argument);
void exchange_by(struct worker* worker, struct party* party, const char* what);
void write_only_by(struct worker* worker, struct party* party, const char* what);

// --- commands ---
void put(struct party* party, uint32_t command);
void put_handle(struct party* party, uint32_t command, uint32_t handle);
void put_address(struct party* party, uint32_t command, binder_uintptr_t address);
void put_ptr_cookie(struct party* party, uint32_t command, binder_uintptr_t ptr,
                    binder_uintptr_t cookie);
void put_handle_cookie(struct party* party, uint32_t command, uint32_t handle,
                       binder_uintptr_t cookie);
void put_free(struct party* party);  // the buffer of the last transaction or reply

void parcel_word(struct parcel* parcel, uint32_t word);
void parcel_binder(struct parcel* parcel, binder_uintptr_t ptr);  // its cookie is ptr + 1
void parcel_flat(struct parcel* parcel, uint32_t type, uint32_t flags, binder_uintptr_t value,
                 binder_uintptr_t cookie);
void parcel_handle(struct parcel* parcel, uint32_t handle);
void parcel_fd(struct parcel* parcel, int fd);
void parcel_buffer(struct parcel* parcel, const void* buffer, size_t length, uint32_t flags,
                   uint64_t parent, uint64_t parent_offset);
void parcel_fd_array(struct parcel* parcel, uint64_t count, uint64_t parent,
                     uint64_t parent_offset);
void put_transaction(struct party* party, uint32_t command, uint32_t handle, uint32_t code,
                     uint32_t flags, const struct parcel* parcel);
void put_call(struct party* party, uint32_t handle, uint32_t code, uint32_t flags);  // empty
void put_reply(struct party* party);                                                 // empty

// --- several hosts (spread.c); without them these do nothing ---
bool spread_start(void);        // whether there are several
int spread_next_open(void);     // for each open: on which host it is to be
void spread_open_on(int host);  // the next one, and on from there
void spread_settle(void);       // until no message is on its way

// --- the manager ---
void manager_start(void);
void manager_stop(void);
// A node of `from` (its cookie is ptr + 1), strongly held by `to` and by nobody else.
uint32_t share(struct party* from, binder_uintptr_t ptr, uint32_t flags, struct party* to);
// The two halves of it, for parties of two processes.
void give(struct party* from, binder_uintptr_t ptr, uint32_t flags);
uint32_t take(struct party* to);

// --- the areas ---
void run_nodes(void);
void run_references(void);
void run_deaths(void);
void run_calls(void);
void run_oneway(void);
void run_loopers(void);
void run_failures(void);
void run_buffers(void);
void run_files(void);
void run_endings(void);
void run_freeze(void);
void run_control(void);
void run_reads(void);
void run_nice(void);

// --- those of binder_clients ---
void run_opening(const char* device);
void run_maps(void);
void run_readiness(void);
void run_processes(const char* program);
void run_spawned(void);  // in a process that run_processes has started
void run_kills(void);
void run_holders(void);

#endif
