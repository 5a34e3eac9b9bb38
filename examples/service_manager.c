// SPDX-License-Identifier: Apache-2.0
// service_manager [DEVICE]: a directory of names at handle 0, in the dialect of Android 9 and
// earlier.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "binder_io.h"

enum { kGetService = 1, kCheckService = 2, kAddService = 3, kListServices = 4 };
enum { kMaxName = 127 };

// A remote object, however many names it has: the driver keeps one death request per handle.
struct remote {
  struct binder_death death;  // first: the callbacks get its address
  uint32_t handle;
  unsigned names;
};

struct service {
  struct service* next;
  struct remote* remote;
  char name[kMaxName + 1];
};

static struct service* services;

static struct service* find_service(const char* name) {
  struct service* service = services;
  while (service != NULL && strcmp(service->name, name) != 0) service = service->next;
  return service;
}

static struct remote* find_remote(uint32_t handle) {
  for (struct service* service = services; service != NULL; service = service->next) {
    if (service->remote->handle == handle) return service->remote;
  }
  return NULL;
}

static void on_died(struct binder_conn* conn, struct binder_death* death) {
  struct remote* const remote = (struct remote*)death;
  if (remote->names == 0) return;  // was being forgotten; on_cleared follows
  for (struct service** link = &services; *link != NULL;) {
    struct service* const service = *link;
    if (service->remote != remote) {
      link = &service->next;
      continue;
    }
    fprintf(stderr, "service_manager: \"%s\" died\n", service->name);
    *link = service->next;
    free(service);
  }
  binder_release(conn, remote->handle);
  free(remote);
}

static void on_cleared(struct binder_conn* conn, struct binder_death* death) {
  (void)conn;
  free((struct remote*)death);
}

static struct remote* watch(struct binder_conn* conn, uint32_t handle) {
  struct remote* remote = find_remote(handle);
  if (remote != NULL) return remote;
  remote = calloc(1, sizeof(*remote));
  if (remote == NULL) return NULL;
  remote->death.died = on_died;
  remote->death.cleared = on_cleared;
  remote->handle = handle;
  binder_acquire(conn, handle);
  binder_link_to_death(conn, handle, &remote->death);
  return remote;
}

static void unwatch(struct binder_conn* conn, struct remote* remote) {
  if (--remote->names > 0) return;
  binder_unlink_to_death(conn, remote->handle, &remote->death);
  binder_release(conn, remote->handle);
}

static bool valid_name(const char* name) {
  static const char kAllowed[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/";
  return *name != '\0' && name[strspn(name, kAllowed)] == '\0';
}

static int32_t add_service(struct binder_conn* conn, const struct binder_request* request,
                           struct parcel_reader* in, struct parcel_writer* reply) {
  char name[kMaxName + 1];
  struct flat_binder_object object;
  if (!parcel_read_string16(in, name, sizeof(name)) || !valid_name(name) ||
      !parcel_read_object(in, &object) || object.hdr.type != BINDER_TYPE_HANDLE) {
    fprintf(stderr, "service_manager: bad addService from pid %d\n", request->sender_pid);
    return -EINVAL;
  }
  // A new holder before the old one is let go: it may be the same object.
  struct remote* const remote = watch(conn, object.handle);
  if (remote == NULL) return -ENOMEM;
  ++remote->names;
  struct service* service = find_service(name);
  const bool replaced = service != NULL;
  if (replaced) {
    unwatch(conn, service->remote);
  } else {
    service = calloc(1, sizeof(*service));
    if (service == NULL) {
      unwatch(conn, remote);
      return -ENOMEM;
    }
    strcpy(service->name, name);
    service->next = services;
    services = service;
  }
  service->remote = remote;
  fprintf(stderr, "service_manager: \"%s\" %s by pid %d uid %u\n", name,
          replaced ? "replaced" : "registered", request->sender_pid, request->sender_euid);
  parcel_write_u32(reply, 0);
  return 0;
}

static int32_t find_and_reply(struct parcel_reader* in, struct parcel_writer* reply) {
  char name[kMaxName + 1];
  const struct service* service = NULL;
  if (parcel_read_string16(in, name, sizeof(name))) service = find_service(name);
  if (service != NULL) {
    parcel_write_handle(reply, service->remote->handle);
  } else {
    parcel_write_u32(reply, 0);
  }
  return 0;
}

static int32_t list_service(struct parcel_reader* in, struct parcel_writer* reply) {
  uint32_t index = 0;
  if (!parcel_read_u32(in, &index)) return -EINVAL;
  const struct service* service = services;
  for (; service != NULL && index > 0; --index) service = service->next;
  if (service == NULL) return -1;
  parcel_write_string16(reply, service->name);
  return 0;
}

static int32_t on_transaction(struct binder_conn* conn, const struct binder_request* request,
                              struct parcel_reader* in, struct parcel_writer* reply,
                              void* context) {
  (void)context;
  if (request->code == BINDER_CODE_PING) return 0;
  uint32_t strict_mode = 0;
  char descriptor[64];
  if (!parcel_read_u32(in, &strict_mode) ||
      !parcel_read_string16(in, descriptor, sizeof(descriptor)) ||
      strcmp(descriptor, "android.os.IServiceManager") != 0) {
    fprintf(stderr, "service_manager: pid %d does not speak to IServiceManager (code %u)\n",
            request->sender_pid, request->code);
    return -1;
  }
  switch (request->code) {
    case kGetService:
    case kCheckService:
      return find_and_reply(in, reply);
    case kAddService:
      return add_service(conn, request, in, reply);
    case kListServices:
      return list_service(in, reply);
    default:
      fprintf(stderr, "service_manager: unknown code %u\n", request->code);
      return -1;
  }
}

int main(int argc, char** argv) {
  const char* const device = argc > 1 ? argv[1] : "/dev/binder";
  struct binder_conn conn;
  if (!binder_open(&conn, device, 128 * 1024)) return 1;
  if (!binder_become_manager(&conn)) {
    fprintf(stderr, "service_manager: cannot become the manager of %s: %s\n", device,
            strerror(errno));
    return 1;
  }
  fprintf(stderr, "service_manager: managing %s\n", device);
  binder_set_handler(&conn, on_transaction, NULL);
  binder_loop(&conn);
  fprintf(stderr, "service_manager: the driver failed: %s\n", strerror(errno));
  return 1;
}
