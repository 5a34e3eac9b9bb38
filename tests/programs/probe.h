// SPDX-License-Identifier: Apache-2.0
// The parts of binder_probe; probe_main.c says what it does.
#ifndef TESTS_PROGRAMS_PROBE_H
#define TESTS_PROGRAMS_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "binder_io.h"

enum { kProbeMapBytes = 4 * 1024 * 1024 };

enum probe_code {
  kEcho = 1,        // bytes -> the same bytes
  kSum = 2,         // bytes -> u64 their sum, u64 their number
  kPid = 3,         // -> u32 the server's pid
  kOneway = 4,      // oneway: u64 run, u64 number in it
  kReport = 5,      // u64 run -> u64 received, u64 of them in order
  kCallback = 6,    // binder, u64 -> what code 1 of that binder answers to the u64
  kKeep = 7,        // binder -> (kept)
  kGive = 8,        // -> the kept binder, or status -ENOENT
  kDie = 9,         // no answer
  kBlock = 10,      // u32 milliseconds -> (then)
  kIdentity = 11,   // -> the server's own binder
  kIsMine = 12,     // binder -> u32 1 if it is the server's own, by address and cookie
  kWriteFile = 13,  // file -> u32 1 if the server could write "written\n" to it
  kRun = 14,        // command, files -> (it runs, with the files as 3, 4, …)
  kOutput = 15,     // command -> file: the end of a pipe that the command writes to
};

// Each runs one subcommand and returns the exit status.
int probe_serve(int argc, char** argv);
int probe_echo(int argc, char** argv);
int probe_sum(int argc, char** argv);
int probe_pid(int argc, char** argv);
int probe_oneway(int argc, char** argv);
int probe_callback(int argc, char** argv);
int probe_die(int argc, char** argv);
int probe_call_until_dead(int argc, char** argv);
int probe_pass(int argc, char** argv);
int probe_take(int argc, char** argv);
int probe_home(int argc, char** argv);
int probe_file(int argc, char** argv);
int probe_give(int argc, char** argv);
int probe_give_array(int argc, char** argv);
int probe_fetch(int argc, char** argv);
int probe_watch(int argc, char** argv);
int probe_manager_info(int argc, char** argv);
int probe_manage(int argc, char** argv);
int probe_alias(int argc, char** argv);

// Opens the device in BINDER_DEVICE, or /dev/binder.
bool probe_open(struct binder_conn* conn);
// Opens, and gets a strong reference to a service, waiting for it for some seconds.
bool probe_connect(struct binder_conn* conn, const char* name, uint32_t* handle);
bool probe_find(struct binder_conn* conn, const char* name, uint32_t* handle);
bool probe_publish(struct binder_conn* conn, const char* name, const void* object);
// A binder of another program.
bool probe_publish_handle(struct binder_conn* conn, const char* name, uint32_t handle);

// Says on stderr what went wrong with a call.
void probe_complain(const char* what, enum binder_result result, int32_t status);
// A call that must succeed. The reply is to be released, unless this fails.
bool probe_call(struct binder_conn* conn, uint32_t handle, uint32_t code,
                const struct parcel_writer* request, struct binder_reply* reply, const char* what);
// The binder at `object`, which accepts files.
void probe_write_own_binder(struct parcel_writer* parcel, const void* object);
// Exactly these bytes, without padding.
void probe_write_exactly(struct parcel_writer* parcel, const void* bytes, size_t size);
// Calls kEcho with `size` pseudo-random bytes and compares.
bool probe_echo_once(struct binder_conn* conn, uint32_t handle, size_t size);
// A number from the command line; exits with a message if it is none.
uint64_t probe_number(const char* text);
void probe_pause_ms(unsigned milliseconds);

// The server's part of probe_files.c.
int32_t probe_on_run(const struct parcel_reader* in);
int32_t probe_on_output(const struct parcel_reader* in, struct parcel_writer* reply);

#endif
