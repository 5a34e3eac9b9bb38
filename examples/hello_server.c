// SPDX-License-Identifier: Apache-2.0
// hello_server [NAME]: publishes a service, "hello" by default, on the device in BINDER_DEVICE.
//   code 1 sayhello()                 -> i32 number of calls so far
//   code 2 sayhello_to(String16 name) -> i32 length, that many bytes "hello, NAME"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binder_io.h"

enum { kSayHello = 1, kSayHelloTo = 2, kAddService = 3 };

static int hello_object;  // its address is the service's identity
static uint32_t calls;

static int32_t on_transaction(struct binder_conn* conn, const struct binder_request* request,
                              struct parcel_reader* in, struct parcel_writer* reply,
                              void* context) {
  (void)conn;
  (void)context;
  char name[256];
  char text[sizeof(name) + 16];
  switch (request->code) {
    case BINDER_CODE_PING:
      return 0;
    case BINDER_CODE_INTERFACE:
      parcel_write_string16(reply, "examples.IHello");
      return 0;
    case kSayHello:
      printf("sayhello #%u from pid %d uid %u\n", ++calls, request->sender_pid,
             request->sender_euid);
      parcel_write_u32(reply, calls);
      return 0;
    case kSayHelloTo:
      if (!parcel_read_string16(in, name, sizeof(name))) return -EINVAL;
      snprintf(text, sizeof(text), "hello, %s", name);
      printf("sayhello_to \"%s\" #%u from pid %d uid %u\n", name, ++calls, request->sender_pid,
             request->sender_euid);
      parcel_write_u32(reply, (uint32_t)strlen(text));
      parcel_write_bytes(reply, text, strlen(text));
      return 0;
    default:
      printf("unknown code %u from pid %d\n", request->code, request->sender_pid);
      return -EINVAL;
  }
}

static enum binder_result publish(struct binder_conn* conn, const char* name) {
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_u32(&request, 0);  // strict mode
  parcel_write_string16(&request, "android.os.IServiceManager");
  parcel_write_string16(&request, name);
  parcel_write_local_object(&request, &hello_object);
  parcel_write_u32(&request, 0);  // allow isolated
  struct binder_reply reply;
  enum binder_result result = binder_call(conn, 0, kAddService, &request, &reply);
  const int error = errno;
  if (result == kBinderOk || result == kBinderStatus) {
    uint32_t status = 0;
    if (result == kBinderOk && (!parcel_read_u32(&reply.parcel, &status) || status != 0)) {
      result = kBinderStatus;
    }
    binder_reply_release(conn, &reply);
  }
  parcel_free(&request);
  errno = error;
  return result;
}

int main(int argc, char** argv) {
  const char* const name = argc > 1 ? argv[1] : "hello";
  const char* const from_environment = getenv("BINDER_DEVICE");
  const char* const device = from_environment != NULL ? from_environment : "/dev/binder";
  setvbuf(stdout, NULL, _IOLBF, 0);

  struct binder_conn conn;
  if (!binder_open(&conn, device, 128 * 1024)) return 1;
  binder_set_handler(&conn, on_transaction, NULL);

  // The service manager may still be starting.
  const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
  enum binder_result result = publish(&conn, name);
  for (int tries = 0; tries < 50 && (result == kBinderDead || result == kBinderFailed); ++tries) {
    nanosleep(&pause, NULL);
    result = publish(&conn, name);
  }
  if (result != kBinderOk) {
    fprintf(stderr, "hello_server: cannot publish \"%s\": %s%s%s\n", name,
            binder_result_name(result), result == kBinderIoError ? ": " : "",
            result == kBinderIoError ? strerror(errno) : "");
    return 1;
  }
  printf("published \"%s\" on %s\n", name, device);
  binder_loop(&conn);
  fprintf(stderr, "hello_server: the driver failed: %s\n", strerror(errno));
  return 1;
}
