// SPDX-License-Identifier: Apache-2.0
// aidl_manager VERSION: the service manager of /dev/binder, as in Android 14 or 16, with two
// services of its own: "shop", whose interface is com.example.IShop, and "lazy.shop", which has
// none.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binder_io.h"

struct service {
  const char* name;
  const char* interface;
  bool lazy;
};

static const struct service services[] = {{"lazy.shop", NULL, true},
                                          {"shop", "com.example.IShop", false}};
enum { kServices = sizeof services / sizeof *services, kSystem = 12 };

struct codes {
  uint32_t get, get2, check, check2, list, debug_info;
};
static const struct codes codes_of_14 = {.get = 1, .check = 2, .list = 4, .debug_info = 14};
static const struct codes codes_of_16 = {
    .get = 1, .get2 = 2, .check = 3, .check2 = 4, .list = 6, .debug_info = 16};

static const struct service* find(struct parcel_reader* in) {
  char name[128];
  if (!parcel_read_string16(in, name, sizeof name)) return NULL;
  for (int i = 0; i < kServices; ++i) {
    if (strcmp(services[i].name, name) == 0) return &services[i];
  }
  return NULL;
}

static void write_service(struct parcel_writer* reply, const struct service* found) {
  if (found != NULL) {
    parcel_write_local_object(reply, found);
  } else {
    parcel_write_u32(reply, BINDER_TYPE_BINDER);
    for (int i = 0; i < 5; ++i) parcel_write_u32(reply, 0);
  }
  parcel_write_u32(reply, found != NULL ? kSystem : 0);
}

// In the union that Android 16 has.
static void write_with_metadata(struct parcel_writer* reply, const struct service* found) {
  parcel_write_u32(reply, 1);
  parcel_write_u32(reply, 0);
  parcel_write_u32(reply, 1);
  parcel_write_u32(reply, 4 + 24 + 4 + 4);
  write_service(reply, found);
  parcel_write_u32(reply, found != NULL && found->lazy ? 1 : 0);
}

static void write_debug_info(struct parcel_writer* reply) {
  parcel_write_u32(reply, kServices);
  for (int i = 0; i < kServices; ++i) {
    const uint32_t units = ((uint32_t)strlen(services[i].name) + 1) * 2;
    parcel_write_u32(reply, 1);
    parcel_write_u32(reply, 4 + 4 + ((units + 3) & ~3u) + 4);
    parcel_write_string16(reply, services[i].name);
    parcel_write_u32(reply, (uint32_t)getpid());
  }
}

static int32_t on_service(const struct service* service, uint32_t code,
                          struct parcel_writer* reply) {
  if (code != BINDER_CODE_INTERFACE || service->interface == NULL) return -74;  // -EBADMSG
  parcel_write_string16(reply, service->interface);
  return 0;
}

static int32_t on_transaction(struct binder_conn* conn, const struct binder_request* request,
                              struct parcel_reader* in, struct parcel_writer* reply,
                              void* context) {
  (void)conn;
  const struct codes* const codes = context;
  if (request->object != NULL) return on_service(request->object, request->code, reply);
  uint32_t strict_mode = 0;
  uint32_t work_source = 0;
  uint32_t header = 0;
  char descriptor[64];
  if (!parcel_read_u32(in, &strict_mode) || !parcel_read_u32(in, &work_source) ||
      !parcel_read_u32(in, &header) || header != 0x53595354u ||
      !parcel_read_string16(in, descriptor, sizeof descriptor) ||
      strcmp(descriptor, "android.os.IServiceManager") != 0) {
    return -1;  // as libbinder: who asks in another way is refused
  }
  const uint32_t code = request->code;
  if (code == 0) return -74;
  parcel_write_u32(reply, 0);  // no exception
  if (code == codes->get || code == codes->check) {
    write_service(reply, find(in));
  } else if (code == codes->get2 || code == codes->check2) {
    write_with_metadata(reply, find(in));
  } else if (code == codes->list) {
    parcel_write_u32(reply, kServices);
    for (int i = 0; i < kServices; ++i) parcel_write_string16(reply, services[i].name);
  } else if (code == codes->debug_info) {
    write_debug_info(reply);
  } else {
    return -74;
  }
  return 0;
}

int main(int argc, char** argv) {
  const int version = argc == 2 ? atoi(argv[1]) : 0;
  if (version != 14 && version != 16) return 2;
  static struct codes codes;
  codes = version == 14 ? codes_of_14 : codes_of_16;
  struct binder_conn conn;
  if (!binder_open(&conn, "/dev/binder", 128 * 1024)) return 1;
  if (!binder_become_manager(&conn)) {
    fprintf(stderr, "aidl_manager: cannot become the manager: %s\n", strerror(errno));
    return 1;
  }
  binder_set_handler(&conn, on_transaction, &codes);
  printf("managing\n");
  fflush(stdout);
  binder_loop(&conn);
  return 1;
}
