// SPDX-License-Identifier: Apache-2.0
#include "binder_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

// Newer than some UAPI headers.
#define RETURN_TRANSACTION_PENDING_FROZEN _IO('r', 20)

enum event { kEventComplete, kEventReply, kEventDead, kEventFailed, kEventFrozen, kEventError };

static void* to_pointer(binder_uintptr_t address) { return (void*)(uintptr_t)address; }
static binder_uintptr_t to_address(const void* pointer) {
  return (binder_uintptr_t)(uintptr_t)pointer;
}

bool binder_open(struct binder_conn* conn, const char* device, size_t map_size) {
  memset(conn, 0, sizeof(*conn));
  conn->fd = open(device, O_RDWR | O_CLOEXEC);
  if (conn->fd < 0) {
    fprintf(stderr, "binder: cannot open %s: %s\n", device, strerror(errno));
    return false;
  }
  struct binder_version version = {.protocol_version = -1};
  if (ioctl(conn->fd, BINDER_VERSION, &version) < 0) {
    fprintf(stderr, "binder: %s does not tell its version: %s\n", device, strerror(errno));
  } else if (version.protocol_version != BINDER_CURRENT_PROTOCOL_VERSION) {
    fprintf(stderr, "binder: %s speaks protocol %d, not %d\n", device, version.protocol_version,
            BINDER_CURRENT_PROTOCOL_VERSION);
  } else {
    conn->map = mmap(NULL, map_size, PROT_READ, MAP_PRIVATE, conn->fd, 0);
    conn->map_size = map_size;
    if (conn->map != MAP_FAILED) return true;
    fprintf(stderr, "binder: cannot map %s: %s\n", device, strerror(errno));
  }
  close(conn->fd);
  conn->fd = -1;
  return false;
}

void binder_close(struct binder_conn* conn) {
  munmap(conn->map, conn->map_size);
  close(conn->fd);
  free(conn->out);
  memset(conn, 0, sizeof(*conn));
  conn->fd = -1;
}

void binder_set_handler(struct binder_conn* conn, binder_handler handler, void* context) {
  conn->handler = handler;
  conn->handler_context = context;
}

bool binder_become_manager(struct binder_conn* conn) {
  struct flat_binder_object object = {.flags = FLAT_BINDER_FLAG_TXN_SECURITY_CTX};
  if (ioctl(conn->fd, BINDER_SET_CONTEXT_MGR_EXT, &object) == 0) return true;
  // Drivers before 4.21 do not know it; any other refusal is an answer.
  if (errno != EINVAL && errno != ENOTTY) return false;
  return ioctl(conn->fd, BINDER_SET_CONTEXT_MGR, 0) == 0;
}

static void queue_command(struct binder_conn* conn, uint32_t command, const void* payload) {
  const size_t payload_size = _IOC_SIZE(command);
  const size_t needed = conn->out_size + sizeof(command) + payload_size;
  if (needed > conn->out_capacity) {
    uint8_t* const out = realloc(conn->out, needed * 2);
    if (out == NULL) {
      perror("binder");
      abort();  // a lost command would be a lost reference or buffer
    }
    conn->out = out;
    conn->out_capacity = needed * 2;
  }
  memcpy(conn->out + conn->out_size, &command, sizeof(command));
  if (payload_size > 0) {
    memcpy(conn->out + conn->out_size + sizeof(command), payload, payload_size);
  }
  conn->out_size = needed;
}

// One exchange with the driver. Commands that it did not consume (it stops after a failed
// transaction) stay queued.
static bool write_read(struct binder_conn* conn, bool read) {
  struct binder_write_read bwr = {
      .write_buffer = to_address(conn->out),
      .write_size = conn->out_size,
      .read_buffer = to_address(conn->in),
      .read_size = read ? sizeof(conn->in) : 0,
  };
  const int status = ioctl(conn->fd, BINDER_WRITE_READ, &bwr);
  const int error = errno;
  conn->out_size -= bwr.write_consumed;
  if (conn->out_size > 0) memmove(conn->out, conn->out + bwr.write_consumed, conn->out_size);
  if (read) {
    conn->in_position = 0;
    conn->in_size = bwr.read_consumed;
  }
  errno = error;
  return status == 0 || error == EINTR || error == EAGAIN;
}

bool binder_flush(struct binder_conn* conn) {
  while (conn->out_size > 0) {
    if (!write_read(conn, false)) return false;
  }
  return true;
}

void binder_acquire(struct binder_conn* conn, uint32_t handle) {
  queue_command(conn, BC_ACQUIRE, &handle);
}

void binder_release(struct binder_conn* conn, uint32_t handle) {
  queue_command(conn, BC_RELEASE, &handle);
}

void binder_link_to_death(struct binder_conn* conn, uint32_t handle, struct binder_death* death) {
  const struct binder_handle_cookie payload = {.handle = handle, .cookie = to_address(death)};
  queue_command(conn, BC_REQUEST_DEATH_NOTIFICATION, &payload);
}

void binder_unlink_to_death(struct binder_conn* conn, uint32_t handle, struct binder_death* death) {
  const struct binder_handle_cookie payload = {.handle = handle, .cookie = to_address(death)};
  queue_command(conn, BC_CLEAR_DEATH_NOTIFICATION, &payload);
}

static struct parcel_reader reader_of(const struct binder_transaction_data* data) {
  return (struct parcel_reader){
      .data = to_pointer(data->data.ptr.buffer),
      .size = data->data_size,
      .offsets = to_pointer(data->data.ptr.offsets),
      .object_count = data->offsets_size / sizeof(binder_size_t),
  };
}

static struct binder_transaction_data transaction_of(const struct parcel_writer* parcel) {
  return (struct binder_transaction_data){
      .data_size = parcel->size,
      .offsets_size = parcel->object_count * sizeof(binder_size_t),
      .data.ptr = {.buffer = to_address(parcel->data), .offsets = to_address(parcel->offsets)},
  };
}

static bool serve(struct binder_conn* conn, const struct binder_transaction_data_secctx* call) {
  const struct binder_transaction_data* const data = &call->transaction_data;
  const struct binder_request request = {
      .object = to_pointer(data->cookie),
      .code = data->code,
      .flags = data->flags,
      .sender_pid = data->sender_pid,
      .sender_euid = data->sender_euid,
      .security_context = to_pointer(call->secctx),
  };
  struct parcel_reader in = reader_of(data);
  struct parcel_writer reply;
  parcel_init(&reply);
  int32_t status = -EOPNOTSUPP;
  if (conn->handler != NULL) {
    status = conn->handler(conn, &request, &in, &reply, conn->handler_context);
  }
  if (status == 0 && reply.failed) status = -ENOMEM;

  queue_command(conn, BC_FREE_BUFFER, &data->data.ptr.buffer);
  bool written = true;
  if ((data->flags & TF_ONE_WAY) == 0) {
    struct binder_transaction_data answer = transaction_of(&reply);
    if (status != 0) {
      answer.flags = TF_STATUS_CODE;
      answer.data_size = sizeof(status);
      answer.offsets_size = 0;
      answer.data.ptr.buffer = to_address(&status);
    }
    queue_command(conn, BC_REPLY, &answer);
    ++conn->replies_in_flight;
    // Now: the command points at the reply. Its outcome comes at once, and is read along.
    if (conn->in_position >= conn->in_size) written = write_read(conn, true);
    written = written && binder_flush(conn);
  }
  parcel_free(&reply);
  return written;
}

static void on_death(struct binder_conn* conn, binder_uintptr_t cookie) {
  struct binder_death* const death = to_pointer(cookie);
  queue_command(conn, BC_DEAD_BINDER_DONE, &cookie);
  death->died(conn, death);
}

static void on_death_cleared(struct binder_conn* conn, binder_uintptr_t cookie) {
  struct binder_death* const death = to_pointer(cookie);
  if (death->cleared != NULL) death->cleared(conn, death);
}

// The next return from the driver, reading when there is none; false if that fails or it is cut
// off.
static bool next_return(struct binder_conn* conn, uint32_t* command, void* payload, size_t room) {
  while (conn->in_position >= conn->in_size) {
    if (!write_read(conn, true)) return false;
  }
  const uint8_t* const from = (const uint8_t*)conn->in + conn->in_position;
  const size_t left = conn->in_size - conn->in_position;
  errno = EPROTO;
  if (left < sizeof(*command)) return false;
  memcpy(command, from, sizeof(*command));
  const size_t payload_size = _IOC_SIZE(*command);
  if (payload_size > room || payload_size > left - sizeof(*command)) return false;
  memcpy(payload, from + sizeof(*command), payload_size);
  conn->in_position += sizeof(*command) + payload_size;
  return true;
}

// Handles returns until one concerns a call of ours.
static enum event wait_event(struct binder_conn* conn, struct binder_transaction_data* reply) {
  for (;;) {
    uint32_t command = 0;
    union {
      struct binder_ptr_cookie node;
      binder_uintptr_t cookie;
      struct binder_transaction_data_secctx call;
      int32_t error;
    } payload;
    memset(&payload, 0, sizeof(payload));
    if (!next_return(conn, &command, &payload, sizeof(payload))) return kEventError;

    enum event event = kEventComplete;
    switch (command) {
      case BR_NOOP:
      case BR_OK:
      case BR_SPAWN_LOOPER:  // one thread is all there is
      case BR_FINISHED:
      case BR_RELEASE:  // our objects are static
      case BR_DECREFS:
        continue;
      case BR_INCREFS:
        queue_command(conn, BC_INCREFS_DONE, &payload.node);
        continue;
      case BR_ACQUIRE:
        queue_command(conn, BC_ACQUIRE_DONE, &payload.node);
        continue;
      case BR_TRANSACTION:
      case BR_TRANSACTION_SEC_CTX:
        if (!serve(conn, &payload.call)) return kEventError;
        continue;
      case BR_DEAD_BINDER:
        on_death(conn, payload.cookie);
        continue;
      case BR_CLEAR_DEATH_NOTIFICATION_DONE:
        on_death_cleared(conn, payload.cookie);
        continue;
      case BR_REPLY:
        *reply = payload.call.transaction_data;
        return kEventReply;
      case BR_ERROR:
        errno = -payload.error;
        return kEventError;
      case BR_TRANSACTION_COMPLETE:
      case BR_ONEWAY_SPAM_SUSPECT:
      case RETURN_TRANSACTION_PENDING_FROZEN:
        break;
      case BR_DEAD_REPLY:
        event = kEventDead;
        break;
      case BR_FAILED_REPLY:
        event = kEventFailed;
        break;
      case BR_FROZEN_REPLY:
        event = kEventFrozen;
        break;
      default:
        fprintf(stderr, "binder: ignoring return 0x%08x\n", command);
        continue;
    }
    // The outcomes of our replies come before those of calls made later.
    if (conn->replies_in_flight == 0) return event;
    --conn->replies_in_flight;
  }
}

enum binder_result binder_call(struct binder_conn* conn, uint32_t handle, uint32_t code,
                               const struct parcel_writer* request, struct binder_reply* reply) {
  memset(reply, 0, sizeof(*reply));
  if (request->failed) {
    errno = ENOMEM;
    return kBinderIoError;
  }
  struct binder_transaction_data data = transaction_of(request);
  data.target.handle = handle;
  data.code = code;
  queue_command(conn, BC_TRANSACTION, &data);
  for (;;) {
    switch (wait_event(conn, &data)) {
      case kEventComplete:
        continue;
      case kEventDead:
        return kBinderDead;
      case kEventFailed:
        return kBinderFailed;
      case kEventFrozen:
        return kBinderFrozen;
      case kEventError:
        return kBinderIoError;
      case kEventReply:
        reply->buffer = data.data.ptr.buffer;
        reply->parcel = reader_of(&data);
        if ((data.flags & TF_STATUS_CODE) == 0) return kBinderOk;
        uint32_t status = 0;
        (void)parcel_read_u32(&reply->parcel, &status);
        reply->status = (int32_t)status;
        return kBinderStatus;
    }
  }
}

void binder_reply_release(struct binder_conn* conn, struct binder_reply* reply) {
  queue_command(conn, BC_FREE_BUFFER, &reply->buffer);
  memset(reply, 0, sizeof(*reply));
}

enum binder_result binder_call_oneway(struct binder_conn* conn, uint32_t handle, uint32_t code,
                                      const struct parcel_writer* request) {
  if (request->failed) {
    errno = ENOMEM;
    return kBinderIoError;
  }
  struct binder_transaction_data data = transaction_of(request);
  data.target.handle = handle;
  data.code = code;
  data.flags = TF_ONE_WAY;
  queue_command(conn, BC_TRANSACTION, &data);
  switch (wait_event(conn, &data)) {
    case kEventComplete:
      return kBinderOk;
    case kEventDead:
      return kBinderDead;
    case kEventFailed:
      return kBinderFailed;
    case kEventFrozen:
      return kBinderFrozen;
    default:
      return kBinderIoError;
  }
}

const char* binder_result_name(enum binder_result result) {
  static const char* const kNames[] = {
      [kBinderOk] = "ok",         [kBinderStatus] = "status reply", [kBinderDead] = "dead reply",
      [kBinderFailed] = "failed", [kBinderFrozen] = "frozen",       [kBinderIoError] = "i/o error",
  };
  return kNames[result];
}

void binder_loop(struct binder_conn* conn) {
  queue_command(conn, BC_ENTER_LOOPER, NULL);
  struct binder_transaction_data unexpected;
  while (wait_event(conn, &unexpected) != kEventError) {
  }
}
