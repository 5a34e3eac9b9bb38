// SPDX-License-Identifier: Apache-2.0
// lazy_server NAME: a service as libbinder's LazyServiceRegistrar runs it on Android 14. Prints the
// notifications about its clients, and ends when it has none any more and may leave.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binder_io.h"

enum { kAddService = 3, kRegisterClientCallback = 12, kTryUnregisterService = 13 };
enum { kOnClients = 1, kSystemStability = 0x0c, kDefaultPriority = 8 };

static const char service = 0;
static const char callback = 0;
static const char* name;

static void begin(struct parcel_writer* request) {
  parcel_init(request);
  parcel_write_u32(request, 0);
  parcel_write_u32(request, 0xffffffffu);
  parcel_write_u32(request, 0x53595354u);
  parcel_write_string16(request, "android.os.IServiceManager");
  parcel_write_string16(request, name);
}

static void add_object(struct parcel_writer* request, const void* object) {
  parcel_write_local_object(request, object);
  parcel_write_u32(request, kSystemStability);
}

// The answer's exception; 1 if there is none.
static int32_t ask(struct binder_conn* conn, uint32_t code, struct parcel_writer* request) {
  struct binder_reply reply;
  const enum binder_result result = binder_call(conn, 0, code, request, &reply);
  parcel_free(request);
  uint32_t exception = 1;
  if (result == kBinderOk) (void)parcel_read_u32(&reply.parcel, &exception);
  if (result == kBinderOk || result == kBinderStatus) binder_reply_release(conn, &reply);
  return (int32_t)exception;
}

static int32_t handle(struct binder_conn* conn, const struct binder_request* request,
                      struct parcel_reader* in, struct parcel_writer* reply, void* context) {
  (void)context;
  if (request->object != &callback) {
    parcel_write_u32(reply, 0);
    return 0;
  }
  if (request->code != kOnClients || in->size < 4) return -1;
  uint32_t has_clients = 0;
  memcpy(&has_clients, in->data + in->size - 4, 4);  // the last word
  printf("has clients: %u\n", has_clients);
  fflush(stdout);
  if (has_clients != 0) return 0;
  struct parcel_writer leave;
  begin(&leave);
  add_object(&leave, &service);
  const int32_t exception = ask(conn, kTryUnregisterService, &leave);
  printf("leaving: %d\n", exception);
  fflush(stdout);
  if (exception == 0) exit(0);
  return 0;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  name = argv[1];
  struct binder_conn conn;
  if (!binder_open(&conn, "/dev/binder", 128 * 1024)) return 1;
  binder_set_handler(&conn, handle, NULL);
  struct parcel_writer request;
  begin(&request);
  add_object(&request, &service);
  parcel_write_u32(&request, 0);
  parcel_write_u32(&request, kDefaultPriority);
  if (ask(&conn, kAddService, &request) != 0) return 1;
  begin(&request);
  add_object(&request, &service);
  add_object(&request, &callback);
  if (ask(&conn, kRegisterClientCallback, &request) != 0) return 1;
  binder_loop(&conn);
  return 1;
}
