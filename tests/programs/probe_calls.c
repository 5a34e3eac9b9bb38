// SPDX-License-Identifier: Apache-2.0
// Calls with plain bytes.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

void probe_write_exactly(struct parcel_writer* parcel, const void* bytes, size_t size) {
  parcel_write_bytes(parcel, bytes, size);
  if (!parcel->failed) parcel->size = size;
}

static uint8_t* random_bytes(size_t size) {
  uint8_t* const bytes = malloc(size + 1);  // never of no size
  if (bytes == NULL) {
    perror("binder_probe");
    exit(1);
  }
  uint64_t state = 0x9e3779b97f4a7c15u ^ size;
  for (size_t i = 0; i < size; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = (uint8_t)(state >> 56);
  }
  return bytes;
}

bool probe_echo_once(struct binder_conn* conn, uint32_t handle, size_t size) {
  uint8_t* const bytes = random_bytes(size);
  struct parcel_writer request;
  parcel_init(&request);
  probe_write_exactly(&request, bytes, size);
  struct binder_reply reply;
  bool good = probe_call(conn, handle, kEcho, &request, &reply, "echo");
  parcel_free(&request);
  if (good) {
    good = reply.parcel.size == size && (size == 0 || memcmp(reply.parcel.data, bytes, size) == 0);
    if (!good) fprintf(stderr, "binder_probe: echo of %zu bytes is different\n", size);
    binder_reply_release(conn, &reply);
  }
  free(bytes);
  if (good) printf("echo %zu ok\n", size);
  return good;
}

int probe_echo(int argc, char** argv) {
  struct binder_conn conn;
  uint32_t handle = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  for (int i = 1; i < argc; ++i) {
    if (!probe_echo_once(&conn, handle, probe_number(argv[i]))) return 1;
  }
  return 0;
}

static bool sum_once(struct binder_conn* conn, uint32_t handle, size_t size) {
  uint8_t* const bytes = random_bytes(size);
  uint64_t expected = 0;
  for (size_t i = 0; i < size; ++i) expected += bytes[i];
  struct parcel_writer request;
  parcel_init(&request);
  probe_write_exactly(&request, bytes, size);
  free(bytes);
  struct binder_reply reply;
  bool good = probe_call(conn, handle, kSum, &request, &reply, "sum");
  parcel_free(&request);
  if (!good) return false;
  uint64_t sum = 0;
  uint64_t length = 0;
  good = parcel_read_u64(&reply.parcel, &sum) && parcel_read_u64(&reply.parcel, &length) &&
         sum == expected && length == size;
  binder_reply_release(conn, &reply);
  if (good) {
    printf("sum %zu ok\n", size);
  } else {
    fprintf(stderr, "binder_probe: sum of %zu bytes is wrong\n", size);
  }
  return good;
}

int probe_sum(int argc, char** argv) {
  struct binder_conn conn;
  uint32_t handle = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  for (int i = 1; i < argc; ++i) {
    if (!sum_once(&conn, handle, probe_number(argv[i]))) return 1;
  }
  return 0;
}

int probe_pid(int argc, char** argv) {
  (void)argc;
  struct binder_conn conn;
  uint32_t handle = 0;
  uint32_t pid = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  struct parcel_writer request;
  parcel_init(&request);
  struct binder_reply reply;
  if (!probe_call(&conn, handle, kPid, &request, &reply, "pid")) return 1;
  if (!parcel_read_u32(&reply.parcel, &pid)) return 1;
  printf("pid %u\n", pid);
  return 0;
}

static bool send_oneway(struct binder_conn* conn, uint32_t handle, uint64_t run, uint64_t number) {
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_u64(&request, run);
  parcel_write_u64(&request, number);
  enum binder_result result = kBinderFailed;
  // Refused for want of space: the server is slower than we are.
  for (int tries = 0; tries < 1000 && result == kBinderFailed; ++tries) {
    if (tries > 0) probe_pause_ms(5);
    result = binder_call_oneway(conn, handle, kOneway, &request);
  }
  parcel_free(&request);
  if (result != kBinderOk) probe_complain("oneway", result, 0);
  return result == kBinderOk;
}

static bool ask_report(struct binder_conn* conn, uint32_t handle, uint64_t run, uint64_t* received,
                       uint64_t* in_order) {
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_u64(&request, run);
  struct binder_reply reply;
  bool good = probe_call(conn, handle, kReport, &request, &reply, "report");
  parcel_free(&request);
  if (!good) return false;
  good = parcel_read_u64(&reply.parcel, received) && parcel_read_u64(&reply.parcel, in_order);
  binder_reply_release(conn, &reply);
  return good;
}

int probe_oneway(int argc, char** argv) {
  (void)argc;
  const uint64_t count = probe_number(argv[1]);
  struct binder_conn conn;
  uint32_t handle = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  const uint64_t run = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
  for (uint64_t number = 0; number < count; ++number) {
    if (!send_oneway(&conn, handle, run, number)) return 1;
  }
  // A synchronous call may overtake those that wait at the binder.
  uint64_t received = 0;
  uint64_t in_order = 0;
  for (int tries = 0; tries < 400; ++tries) {
    if (!ask_report(&conn, handle, run, &received, &in_order)) return 1;
    if (received >= count) break;
    probe_pause_ms(50);
  }
  printf("oneway %llu received %llu in order %llu\n", (unsigned long long)count,
         (unsigned long long)received, (unsigned long long)in_order);
  return received == count && in_order == count ? 0 : 1;
}

struct callback {
  int object;
  int calls;
  bool right_object;
};

static int32_t on_callback(struct binder_conn* conn, const struct binder_request* request,
                           struct parcel_reader* in, struct parcel_writer* reply, void* context) {
  (void)conn;
  struct callback* const callback = context;
  uint64_t value = 0;
  if (request->code != kEcho || !parcel_read_u64(in, &value)) return -EINVAL;
  ++callback->calls;
  callback->right_object = request->object == &callback->object;
  parcel_write_u64(reply, value + 1);
  return 0;
}

int probe_callback(int argc, char** argv) {
  (void)argc;
  struct binder_conn conn;
  uint32_t handle = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  static struct callback callback;
  binder_set_handler(&conn, on_callback, &callback);
  const uint64_t value = 0x1122334455667788u;
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_local_object(&request, &callback.object);
  parcel_write_u64(&request, value);
  struct binder_reply reply;
  const bool answered = probe_call(&conn, handle, kCallback, &request, &reply, "callback");
  parcel_free(&request);
  if (!answered) return 1;
  uint64_t result = 0;
  const bool good = parcel_read_u64(&reply.parcel, &result) && result == value + 1 &&
                    callback.calls == 1 && callback.right_object;
  binder_reply_release(&conn, &reply);
  if (!good) {
    fprintf(stderr, "binder_probe: callback: %d calls\n", callback.calls);
    return 1;
  }
  printf("callback ok\n");
  return 0;
}

static int call_the_dying(struct binder_conn* conn, uint32_t handle, uint32_t code,
                          const struct parcel_writer* request) {
  struct binder_reply reply;
  const enum binder_result result = binder_call(conn, handle, code, request, &reply);
  if (result == kBinderDead) {
    printf("BR_DEAD_REPLY\n");
    return 0;
  }
  if (result == kBinderOk) {
    printf("replied\n");
  } else {
    probe_complain("call", result, reply.status);
  }
  return 1;
}

int probe_die(int argc, char** argv) {
  (void)argc;
  struct binder_conn conn;
  uint32_t handle = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  struct parcel_writer request;
  parcel_init(&request);
  return call_the_dying(&conn, handle, kDie, &request);
}

int probe_call_until_dead(int argc, char** argv) {
  (void)argc;
  const uint64_t milliseconds = probe_number(argv[1]);
  struct binder_conn conn;
  uint32_t handle = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_u32(&request, (uint32_t)milliseconds);
  printf("calling\n");
  const int status = call_the_dying(&conn, handle, kBlock, &request);
  parcel_free(&request);
  return status;
}
