// SPDX-License-Identifier: Apache-2.0
// hello_client [NAME]: finds "hello" at handle 0 of the device in BINDER_DEVICE and calls both its
// methods.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binder_io.h"

enum { kCheckService = 2, kSayHello = 1, kSayHelloTo = 2 };

static void complain(const char* what, enum binder_result result, int32_t status) {
  if (result == kBinderIoError) {
    fprintf(stderr, "hello_client: %s: %s\n", what, strerror(errno));
  } else if (result == kBinderStatus) {
    fprintf(stderr, "hello_client: %s: status %d\n", what, status);
  } else if (result == kBinderOk) {
    fprintf(stderr, "hello_client: %s: malformed reply\n", what);
  } else {
    fprintf(stderr, "hello_client: %s: %s\n", what, binder_result_name(result));
  }
}

// A strong reference to the service; false if there is none yet.
static bool check_service(struct binder_conn* conn, const char* name, uint32_t* handle,
                          enum binder_result* result, int32_t* status) {
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_u32(&request, 0);  // strict mode
  parcel_write_string16(&request, "android.os.IServiceManager");
  parcel_write_string16(&request, name);
  struct binder_reply reply;
  *result = binder_call(conn, 0, kCheckService, &request, &reply);
  *status = reply.status;
  parcel_free(&request);
  bool found = false;
  if (*result == kBinderOk) {
    struct flat_binder_object object;
    found = parcel_read_object(&reply.parcel, &object) && object.hdr.type == BINDER_TYPE_HANDLE;
    if (found) {
      *handle = object.handle;
      binder_acquire(conn, *handle);  // before the reply's buffer gives its own reference back
    }
  }
  if (*result == kBinderOk || *result == kBinderStatus) binder_reply_release(conn, &reply);
  return found;
}

static bool wait_for_service(struct binder_conn* conn, const char* name, uint32_t* handle) {
  const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
  enum binder_result result = kBinderOk;
  int32_t status = 0;
  for (int tries = 0; tries < 50 && result != kBinderIoError; ++tries) {
    if (check_service(conn, name, handle, &result, &status)) return true;
    if (result == kBinderStatus) break;
    nanosleep(&pause, NULL);
  }
  if (result == kBinderOk) {
    fprintf(stderr, "hello_client: nobody has published \"%s\"\n", name);
  } else {
    complain("cannot ask the service manager", result, status);
  }
  return false;
}

static bool say_hello(struct binder_conn* conn, uint32_t handle) {
  struct parcel_writer request;
  parcel_init(&request);
  struct binder_reply reply;
  const enum binder_result result = binder_call(conn, handle, kSayHello, &request, &reply);
  parcel_free(&request);
  uint32_t count = 0;
  if (result != kBinderOk || !parcel_read_u32(&reply.parcel, &count)) {
    complain("sayhello", result, reply.status);
    return false;
  }
  printf("sayhello: %u\n", count);
  binder_reply_release(conn, &reply);
  return true;
}

static bool say_hello_to(struct binder_conn* conn, uint32_t handle, const char* name) {
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_string16(&request, name);
  struct binder_reply reply;
  const enum binder_result result = binder_call(conn, handle, kSayHelloTo, &request, &reply);
  parcel_free(&request);
  uint32_t length = 0;
  const void* text = NULL;
  if (result != kBinderOk || !parcel_read_u32(&reply.parcel, &length) ||
      !parcel_read_bytes(&reply.parcel, length, &text)) {
    complain("sayhello_to", result, reply.status);
    return false;
  }
  printf("sayhello_to: %u \"%.*s\"\n", length, (int)length, (const char*)text);
  binder_reply_release(conn, &reply);
  return true;
}

int main(int argc, char** argv) {
  const char* const name = argc > 1 ? argv[1] : "world";
  const char* const from_environment = getenv("BINDER_DEVICE");
  const char* const device = from_environment != NULL ? from_environment : "/dev/binder";
  struct binder_conn conn;
  if (!binder_open(&conn, device, 128 * 1024)) return 1;
  uint32_t handle = 0;
  const bool said = wait_for_service(&conn, "hello", &handle) && say_hello(&conn, handle) &&
                    say_hello_to(&conn, handle, name);
  binder_close(&conn);
  return said ? 0 : 1;
}
