// SPDX-License-Identifier: Apache-2.0
// The binder protocol for small single-threaded C programs: one connection is used by one thread.
#ifndef EXAMPLES_BINDER_IO_H
#define EXAMPLES_BINDER_IO_H

#include <linux/android/binder.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "parcel.h"

#define BINDER_CODE_PING 0x5f504e47u       // _PNG
#define BINDER_CODE_INTERFACE 0x5f4e5446u  // _NTF

struct binder_conn;

struct binder_request {
  const void*
      object;  // the address given to parcel_write_local_object; NULL for the context manager
  uint32_t code;
  uint32_t flags;
  pid_t sender_pid;
  uid_t sender_euid;
  const char* security_context;  // NULL unless the node asked for one
};

// Answers one transaction. `in` is valid until the handler returns. 0 sends `reply`; a negative
// status is sent instead of it. Handlers may make calls of their own.
typedef int32_t (*binder_handler)(struct binder_conn* conn, const struct binder_request* request,
                                  struct parcel_reader* in, struct parcel_writer* reply,
                                  void* context);

// Must stay at its address until it has died or been cleared.
struct binder_death {
  void (*died)(struct binder_conn* conn, struct binder_death* death);
  void (*cleared)(struct binder_conn* conn, struct binder_death* death);  // may be NULL
};

struct binder_conn {
  int fd;
  void* map;
  size_t map_size;
  binder_handler handler;
  void* handler_context;
  unsigned replies_in_flight;  // BC_REPLYs whose outcome has not been read yet
  uint8_t* out;                // commands not written yet
  size_t out_size;
  size_t out_capacity;
  uint32_t in[64];  // returns not handled yet
  size_t in_position;
  size_t in_size;
};

enum binder_result {
  kBinderOk,
  kBinderStatus,  // the callee answered with a status instead of a parcel
  kBinderDead,
  kBinderFailed,
  kBinderFrozen,
  kBinderIoError,  // errno says why
};

struct binder_reply {
  struct parcel_reader parcel;
  int32_t status;
  binder_uintptr_t buffer;
};

// Opens, checks the protocol version, maps. False after a message on stderr.
bool binder_open(struct binder_conn* conn, const char* device, size_t map_size);
void binder_close(struct binder_conn* conn);

// Sets the handler that answers transactions, in binder_loop and nested in binder_call.
void binder_set_handler(struct binder_conn* conn, binder_handler handler, void* context);
// Asks for security contexts where the driver can give them. False with errno set.
bool binder_become_manager(struct binder_conn* conn);

// Calls and waits for the answer. kBinderOk and kBinderStatus must be followed by
// binder_reply_release.
enum binder_result binder_call(struct binder_conn* conn, uint32_t handle, uint32_t code,
                               const struct parcel_writer* request, struct binder_reply* reply);
void binder_reply_release(struct binder_conn* conn, struct binder_reply* reply);
// Returns when the driver has taken the transaction.
enum binder_result binder_call_oneway(struct binder_conn* conn, uint32_t handle, uint32_t code,
                                      const struct parcel_writer* request);
const char* binder_result_name(enum binder_result result);

// Serves for ever; returns only when the driver fails, with errno set.
void binder_loop(struct binder_conn* conn);

// These are queued and reach the driver, in order, with whatever is written next; binder_flush does
// it now.
void binder_acquire(struct binder_conn* conn, uint32_t handle);
void binder_release(struct binder_conn* conn, uint32_t handle);
void binder_link_to_death(struct binder_conn* conn, uint32_t handle, struct binder_death* death);
void binder_unlink_to_death(struct binder_conn* conn, uint32_t handle, struct binder_death* death);
bool binder_flush(struct binder_conn* conn);

#endif
