// SPDX-License-Identifier: Apache-2.0
// Finding and publishing services at handle 0, in the dialect of Android 9 and earlier; and
// functions that all subcommands need.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probe.h"

enum { kCheckService = 2, kAddService = 3, kListServices = 4 };
enum { kTries = 100, kTryPauseMs = 100 };

void probe_pause_ms(unsigned milliseconds) {
  struct timespec left = {.tv_sec = milliseconds / 1000,
                          .tv_nsec = (long)(milliseconds % 1000) * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

uint64_t probe_number(const char* text) {
  char* end = NULL;
  errno = 0;
  const uint64_t value = strtoull(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0') {
    fprintf(stderr, "binder_probe: not a number: %s\n", text);
    exit(2);
  }
  return value;
}

void probe_complain(const char* what, enum binder_result result, int32_t status) {
  if (result == kBinderIoError) {
    fprintf(stderr, "binder_probe: %s: %s\n", what, strerror(errno));
  } else if (result == kBinderStatus) {
    fprintf(stderr, "binder_probe: %s: status %d\n", what, status);
  } else {
    fprintf(stderr, "binder_probe: %s: %s\n", what, binder_result_name(result));
  }
}

bool probe_open(struct binder_conn* conn) {
  const char* const device = getenv("BINDER_DEVICE");
  return binder_open(conn, device != NULL ? device : "/dev/binder", kProbeMapBytes);
}

bool probe_call(struct binder_conn* conn, uint32_t handle, uint32_t code,
                const struct parcel_writer* request, struct binder_reply* reply, const char* what) {
  const enum binder_result result = binder_call(conn, handle, code, request, reply);
  if (result == kBinderOk) return true;
  probe_complain(what, result, reply->status);
  if (result == kBinderStatus) binder_reply_release(conn, reply);
  return false;
}

static void start_manager_request(struct parcel_writer* request) {
  parcel_init(request);
  parcel_write_u32(request, 0);  // strict mode
  parcel_write_string16(request, "android.os.IServiceManager");
}

// The manager may still be starting.
static bool is_worth_another_try(enum binder_result result) {
  return result == kBinderOk || result == kBinderDead || result == kBinderFailed;
}

void probe_write_own_binder(struct parcel_writer* parcel, const void* object) {
  const size_t position = parcel->size;
  parcel_write_local_object(parcel, object);
  if (parcel->failed) return;
  struct flat_binder_object flat;
  memcpy(&flat, parcel->data + position, sizeof(flat));
  flat.flags |= FLAT_BINDER_FLAG_ACCEPTS_FDS;
  memcpy(parcel->data + position, &flat, sizeof(flat));
}

// The binder at `object`, or, without one, that of the handle.
static bool publish(struct binder_conn* conn, const char* name, const void* object,
                    uint32_t handle) {
  enum binder_result result = kBinderDead;
  int32_t status = 0;
  for (int tries = 0; tries < kTries && is_worth_another_try(result); ++tries) {
    struct parcel_writer request;
    start_manager_request(&request);
    parcel_write_string16(&request, name);
    if (object != NULL) {
      probe_write_own_binder(&request, object);
    } else {
      parcel_write_handle(&request, handle);
    }
    parcel_write_u32(&request, 0);  // allow isolated
    struct binder_reply reply;
    result = binder_call(conn, 0, kAddService, &request, &reply);
    parcel_free(&request);
    status = reply.status;
    if (result == kBinderOk || result == kBinderStatus) binder_reply_release(conn, &reply);
    if (result == kBinderOk) return true;
    probe_pause_ms(kTryPauseMs);
  }
  probe_complain("addService", result, status);
  return false;
}

bool probe_publish(struct binder_conn* conn, const char* name, const void* object) {
  return publish(conn, name, object, 0);
}

bool probe_publish_handle(struct binder_conn* conn, const char* name, uint32_t handle) {
  return publish(conn, name, NULL, handle);
}

bool probe_find(struct binder_conn* conn, const char* name, uint32_t* handle) {
  enum binder_result result = kBinderOk;
  int32_t status = 0;
  for (int tries = 0; tries < kTries && is_worth_another_try(result); ++tries) {
    if (tries > 0) probe_pause_ms(kTryPauseMs);
    struct parcel_writer request;
    start_manager_request(&request);
    parcel_write_string16(&request, name);
    struct binder_reply reply;
    result = binder_call(conn, 0, kCheckService, &request, &reply);
    parcel_free(&request);
    status = reply.status;
    struct flat_binder_object object;
    const bool found = result == kBinderOk && parcel_read_object(&reply.parcel, &object) &&
                       object.hdr.type == BINDER_TYPE_HANDLE;
    if (found) {
      *handle = object.handle;
      binder_acquire(conn, *handle);  // before the reply's buffer gives its own reference back
    }
    if (result == kBinderOk || result == kBinderStatus) binder_reply_release(conn, &reply);
    if (found) return true;
  }
  if (result == kBinderOk) {
    fprintf(stderr, "binder_probe: nobody has published \"%s\"\n", name);
  } else {
    probe_complain("checkService", result, status);
  }
  return false;
}

bool probe_connect(struct binder_conn* conn, const char* name, uint32_t* handle) {
  return probe_open(conn) && probe_find(conn, name, handle);
}

int probe_manager_info(int argc, char** argv) {
  (void)argc;
  (void)argv;
  struct binder_conn conn;
  if (!probe_open(&conn)) return 1;
  for (uint32_t index = 0;; ++index) {
    struct parcel_writer request;
    start_manager_request(&request);
    parcel_write_u32(&request, index);
    struct binder_reply reply;
    const enum binder_result result = binder_call(&conn, 0, kListServices, &request, &reply);
    parcel_free(&request);
    if (result == kBinderStatus) {  // past the last one
      printf("services %u\n", index);
      return 0;
    }
    char name[256];
    if (result != kBinderOk || !parcel_read_string16(&reply.parcel, name, sizeof(name))) {
      probe_complain("listServices", result, reply.status);
      return 1;
    }
    printf("service %s\n", name);
    binder_reply_release(&conn, &reply);
  }
}
