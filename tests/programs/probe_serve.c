// SPDX-License-Identifier: Apache-2.0
// The server: one thread, one binder.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static int own_object;  // its address is the service's identity

struct server {
  bool oneway_log;
  uint64_t run;
  uint64_t received;
  uint64_t in_order;
  bool keeps;
  struct flat_binder_object kept;
};

static void on_oneway(struct server* server, struct parcel_reader* in) {
  uint64_t run = 0;
  uint64_t number = 0;
  if (!parcel_read_u64(in, &run) || !parcel_read_u64(in, &number)) return;
  if (run != server->run) {
    server->run = run;
    server->received = 0;
    server->in_order = 0;
  }
  if (number == server->received) ++server->in_order;
  ++server->received;
  if (server->oneway_log) printf("oneway %llu\n", (unsigned long long)number);
}

static int32_t on_report(const struct server* server, struct parcel_reader* in,
                         struct parcel_writer* reply) {
  uint64_t run = 0;
  if (!parcel_read_u64(in, &run)) return -EINVAL;
  parcel_write_u64(reply, run == server->run ? server->received : 0);
  parcel_write_u64(reply, run == server->run ? server->in_order : 0);
  return 0;
}

static int32_t on_callback(struct binder_conn* conn, struct parcel_reader* in,
                           struct parcel_writer* reply) {
  struct flat_binder_object object;
  uint64_t value = 0;
  if (!parcel_read_object(in, &object) || object.hdr.type != BINDER_TYPE_HANDLE ||
      !parcel_read_u64(in, &value)) {
    return -EINVAL;
  }
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_u64(&request, value);
  struct binder_reply answer;
  const bool answered = probe_call(conn, object.handle, kEcho, &request, &answer, "callback");
  parcel_free(&request);
  if (!answered) return -EIO;
  probe_write_exactly(reply, answer.parcel.data, answer.parcel.size);
  binder_reply_release(conn, &answer);
  return 0;
}

static int32_t on_keep(struct binder_conn* conn, struct server* server, struct parcel_reader* in) {
  struct flat_binder_object object;
  if (!parcel_read_object(in, &object)) return -EINVAL;
  if (object.hdr.type == BINDER_TYPE_HANDLE) binder_acquire(conn, object.handle);
  if (server->keeps && server->kept.hdr.type == BINDER_TYPE_HANDLE) {
    binder_release(conn, server->kept.handle);
  }
  server->kept = object;
  server->keeps = true;
  return 0;
}

static int32_t on_give(const struct server* server, struct parcel_writer* reply) {
  if (!server->keeps) return -ENOENT;
  if (server->kept.hdr.type == BINDER_TYPE_HANDLE) {
    parcel_write_handle(reply, server->kept.handle);
  } else {
    probe_write_own_binder(reply, &own_object);
  }
  return 0;
}

static int32_t on_is_mine(struct parcel_reader* in, struct parcel_writer* reply) {
  struct flat_binder_object object;
  if (!parcel_read_object(in, &object)) return -EINVAL;
  const binder_uintptr_t own = (binder_uintptr_t)(uintptr_t)&own_object;
  const bool mine =
      object.hdr.type == BINDER_TYPE_BINDER && object.binder == own && object.cookie == own;
  parcel_write_u32(reply, mine ? 1 : 0);
  return 0;
}

static int32_t on_write_file(struct parcel_reader* in, struct parcel_writer* reply) {
  struct flat_binder_object object;
  if (!parcel_read_object(in, &object) || object.hdr.type != BINDER_TYPE_FD) return -EINVAL;
  static const char kText[] = "written\n";
  const int fd = (int)object.handle;  // where a file object has its descriptor
  const bool written = write(fd, kText, sizeof(kText) - 1) == (ssize_t)sizeof(kText) - 1;
  const bool close_on_exec = (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
  close(fd);
  parcel_write_u32(reply, written && close_on_exec ? 1 : 0);
  return 0;
}

static int32_t on_sum(const struct parcel_reader* in, struct parcel_writer* reply) {
  uint64_t sum = 0;
  for (size_t i = 0; i < in->size; ++i) sum += in->data[i];
  parcel_write_u64(reply, sum);
  parcel_write_u64(reply, in->size);
  return 0;
}

static int32_t on_transaction(struct binder_conn* conn, const struct binder_request* request,
                              struct parcel_reader* in, struct parcel_writer* reply,
                              void* context) {
  struct server* const server = context;
  uint32_t milliseconds = 0;
  if (request->object != &own_object) {
    fprintf(stderr, "binder_probe: a call for somebody else's object\n");
    return -EINVAL;
  }
  switch (request->code) {
    case BINDER_CODE_PING:
      return 0;
    case BINDER_CODE_INTERFACE:
      parcel_write_string16(reply, "netbinder.IProbe");
      return 0;
    case kEcho:
      probe_write_exactly(reply, in->data, in->size);
      return 0;
    case kSum:
      return on_sum(in, reply);
    case kPid:
      parcel_write_u32(reply, (uint32_t)getpid());
      return 0;
    case kOneway:
      on_oneway(server, in);
      return 0;
    case kReport:
      return on_report(server, in, reply);
    case kCallback:
      return on_callback(conn, in, reply);
    case kKeep:
      return on_keep(conn, server, in);
    case kGive:
      return on_give(server, reply);
    case kDie:
      _exit(0);
    case kBlock:
      if (!parcel_read_u32(in, &milliseconds)) return -EINVAL;
      probe_pause_ms(milliseconds);
      return 0;
    case kIdentity:
      probe_write_own_binder(reply, &own_object);
      return 0;
    case kWriteFile:
      return on_write_file(in, reply);
    case kRun:
      return probe_on_run(in);
    case kOutput:
      return probe_on_output(in, reply);
    case kIsMine:
      return on_is_mine(in, reply);
    default:
      fprintf(stderr, "binder_probe: unknown code %u\n", request->code);
      return -EINVAL;
  }
}

int probe_serve(int argc, char** argv) {
  struct server server;
  memset(&server, 0, sizeof(server));
  if (argc == 2) {
    if (strcmp(argv[1], "--oneway-log") != 0) return 2;
    server.oneway_log = true;
  }
  struct binder_conn conn;
  if (!probe_open(&conn)) return 1;
  binder_set_handler(&conn, on_transaction, &server);
  if (!probe_publish(&conn, argv[0], &own_object)) return 1;
  printf("serving %s pid %d\n", argv[0], getpid());
  binder_loop(&conn);
  fprintf(stderr, "binder_probe: the driver failed: %s\n", strerror(errno));
  return 1;
}
