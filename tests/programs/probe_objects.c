// SPDX-License-Identifier: Apache-2.0
// Binders that are passed on, come home, and die.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"

static bool keep_at(struct binder_conn* conn, uint32_t via, uint32_t handle) {
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_handle(&request, handle);
  struct binder_reply reply;
  const bool kept = probe_call(conn, via, kKeep, &request, &reply, "keep");
  parcel_free(&request);
  if (kept) binder_reply_release(conn, &reply);
  return kept;
}

// A strong reference to the binder that a call without arguments answers with.
static bool fetch_binder(struct binder_conn* conn, uint32_t from, uint32_t code, const char* what,
                         uint32_t* handle) {
  struct parcel_writer request;
  parcel_init(&request);
  struct binder_reply reply;
  if (!probe_call(conn, from, code, &request, &reply, what)) return false;
  struct flat_binder_object object;
  const bool found =
      parcel_read_object(&reply.parcel, &object) && object.hdr.type == BINDER_TYPE_HANDLE;
  if (found) {
    *handle = object.handle;
    binder_acquire(conn, *handle);
  } else {
    fprintf(stderr, "binder_probe: %s: no binder in the reply\n", what);
  }
  binder_reply_release(conn, &reply);
  return found;
}

static bool ask_u32(struct binder_conn* conn, uint32_t handle, uint32_t code,
                    const struct parcel_writer* request, const char* what, uint32_t* value) {
  struct binder_reply reply;
  if (!probe_call(conn, handle, code, request, &reply, what)) return false;
  const bool read = parcel_read_u32(&reply.parcel, value);
  binder_reply_release(conn, &reply);
  return read;
}

int probe_pass(int argc, char** argv) {
  (void)argc;
  struct binder_conn conn;
  uint32_t handle = 0;
  uint32_t via = 0;
  if (!probe_connect(&conn, argv[0], &handle) || !probe_find(&conn, argv[1], &via)) return 1;
  if (!keep_at(&conn, via, handle)) return 1;
  printf("passed %s to %s\n", argv[0], argv[1]);
  return 0;
}

int probe_take(int argc, char** argv) {
  (void)argc;
  struct binder_conn conn;
  uint32_t via = 0;
  uint32_t handle = 0;
  uint32_t pid = 0;
  if (!probe_connect(&conn, argv[0], &via)) return 1;
  if (!fetch_binder(&conn, via, kGive, "give", &handle)) return 1;
  struct parcel_writer request;
  parcel_init(&request);
  if (!ask_u32(&conn, handle, kPid, &request, "pid", &pid)) return 1;
  printf("took pid %u\n", pid);
  return probe_echo_once(&conn, handle, 64) ? 0 : 1;
}

int probe_home(int argc, char** argv) {
  struct binder_conn conn;
  uint32_t server = 0;
  uint32_t own = 0;
  uint32_t mine = 0;
  if (!probe_connect(&conn, argv[0], &server)) return 1;
  if (!fetch_binder(&conn, server, kIdentity, "identity", &own)) return 1;
  if (argc == 2) {
    uint32_t via = 0;
    if (!probe_find(&conn, argv[1], &via) || !keep_at(&conn, via, own) ||
        !fetch_binder(&conn, via, kGive, "give", &own)) {
      return 1;
    }
  }
  // The same node, so the same handle, by whatever way it came.
  if (own != server) {
    fprintf(stderr, "binder_probe: home: handle %u and not %u\n", own, server);
    return 1;
  }
  printf("same handle\n");
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_handle(&request, own);
  const bool asked = ask_u32(&conn, server, kIsMine, &request, "is mine", &mine);
  parcel_free(&request);
  if (!asked || mine != 1) {
    fprintf(stderr, "binder_probe: home: the server does not know its own binder\n");
    return 1;
  }
  printf("home ok\n");
  return 0;
}

int probe_file(int argc, char** argv) {
  (void)argc;
  struct binder_conn conn;
  uint32_t handle = 0;
  uint32_t written = 0;
  int ends[2];
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  if (pipe(ends) != 0) {
    perror("binder_probe: pipe");
    return 1;
  }
  struct binder_fd_object file;
  memset(&file, 0, sizeof(file));
  file.hdr.type = BINDER_TYPE_FD;
  file.fd = (uint32_t)ends[1];
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_bytes(&request, &file, sizeof(file));
  request.offsets[request.object_count++] = 0;
  const bool asked = ask_u32(&conn, handle, kWriteFile, &request, "write file", &written);
  parcel_free(&request);
  if (!asked || written != 1) {
    fprintf(stderr, "binder_probe: file: not written\n");
    return 1;
  }
  close(ends[1]);
  // The end of the pipe also tells that nobody else has kept the descriptor.
  char text[32] = "";
  size_t size = 0;
  ssize_t got = 0;
  while (size < sizeof(text) - 1 &&
         (got = read(ends[0], text + size, sizeof(text) - 1 - size)) > 0) {
    size += (size_t)got;
  }
  if (strcmp(text, "written\n") != 0) {
    fprintf(stderr, "binder_probe: file: \"%s\"\n", text);
    return 1;
  }
  printf("file ok\n");
  return 0;
}

static void on_died(struct binder_conn* conn, struct binder_death* death) {
  (void)death;
  printf("dead\n");
  (void)binder_flush(conn);
  exit(0);
}

int probe_watch(int argc, char** argv) {
  (void)argc;
  struct binder_conn conn;
  uint32_t handle = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  static struct binder_death death = {.died = on_died};
  binder_link_to_death(&conn, handle, &death);
  if (!binder_flush(&conn)) {
    perror("binder_probe: link to death");
    return 1;
  }
  printf("linked\n");
  binder_loop(&conn);
  fprintf(stderr, "binder_probe: the driver failed: %s\n", strerror(errno));
  return 1;
}
