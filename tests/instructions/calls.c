// SPDX-License-Identifier: Apache-2.0
// `calls serve` becomes the context's manager, prints "serving", and answers calls with nothing.
// `calls call COUNT` calls it so often, with 64 bytes. Either is run under callgrind.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binder_io.h"

enum { kMapBytes = 128 * 1024, kCode = 1, kTries = 1000, kTryMs = 20, kBetweenCallsMs = 2 };

static int32_t answer(struct binder_conn* conn, const struct binder_request* request,
                      struct parcel_reader* in, struct parcel_writer* reply, void* context) {
  (void)conn, (void)request, (void)in, (void)reply, (void)context;
  return 0;
}

static void pause_ms(long ms) {
  const struct timespec pause = {.tv_nsec = ms * 1000000};
  nanosleep(&pause, NULL);
}

static int serve(struct binder_conn* conn) {
  binder_set_handler(conn, answer, NULL);
  for (int tries = 0; !binder_become_manager(conn); ++tries) {
    if (tries == kTries) {
      perror("calls: cannot become the manager");
      return 1;
    }
    pause_ms(kTryMs);
  }
  puts("serving");
  fflush(stdout);
  binder_loop(conn);
  return 1;
}

static bool call_once(struct binder_conn* conn) {
  struct parcel_writer request;
  parcel_init(&request);
  for (int i = 0; i < 8; ++i) parcel_write_u64(&request, 0);
  struct binder_reply reply;
  const enum binder_result result = binder_call(conn, 0, kCode, &request, &reply);
  parcel_free(&request);
  if (result != kBinderOk) return false;
  binder_reply_release(conn, &reply);
  return true;
}

static int call(struct binder_conn* conn, long count) {
  for (int tries = 0; !call_once(conn); ++tries) {  // another host's manager is heard of in time
    if (tries == kTries) {
      fputs("calls: nobody answers\n", stderr);
      return 1;
    }
    pause_ms(kTryMs);
  }
  for (long i = 1; i < count; ++i) {
    // So that the server waits in its read again when the call comes. A few more instructions are
    // counted for a call that finds it there than for one that is ahead of it.
    pause_ms(kBetweenCallsMs);
    if (!call_once(conn)) {
      fputs("calls: a call failed\n", stderr);
      return 1;
    }
  }
  return 0;
}

int main(int argc, char** argv) {
  const bool serves = argc == 2 && strcmp(argv[1], "serve") == 0;
  const long count = argc == 3 && strcmp(argv[1], "call") == 0 ? strtol(argv[2], NULL, 10) : 0;
  if (!serves && count <= 0) {
    fputs("usage: calls serve | call COUNT\n", stderr);
    return 2;
  }
  struct binder_conn conn;
  if (!binder_open(&conn, "/dev/binder", kMapBytes)) return 1;
  const int status = serves ? serve(&conn) : call(&conn, count);
  binder_close(&conn);
  return status;
}
