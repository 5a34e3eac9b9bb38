// SPDX-License-Identifier: Apache-2.0
// Nice values: the thread that handles a call takes on its caller's.
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "conformance.h"

static struct party* server;
static struct party* client;
static struct worker* worker;

static void show_nice(void* what) { note(what, "nice %d\n", getpriority(PRIO_PROCESS, 0)); }

static void set_nice(int nice) {
  if (setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), nice) != 0) {
    perror("setpriority");
    exit(1);
  }
}

static void become(void* nice) { set_nice(*(const int*)nice); }

static void one(const char* name, int of_node, int of_caller, int of_server, uint32_t flags) {
  area(name);
  const uint32_t to_server = share(server, 0x1000 + (unsigned)of_node, (uint32_t)of_node, client);
  settle(server);
  worker_run(worker, become, &of_server);
  set_nice(of_caller);
  put_call(client, to_server, 1, flags);
  write_only(client, NULL);
  exchange_by(worker, server, "taken");
  worker_run(worker, show_nice, "while it is handled");
  put_free(server);
  if ((flags & TF_ONE_WAY) == 0) put_reply(server);
  write_only_by(worker, server, "answered");
  worker_run(worker, show_nice, "afterwards");
  exchange_by(worker, server, "complete");
  worker_run(worker, show_nice, "after its complete");
  exchange_by(worker, server, "nothing");
  worker_run(worker, show_nice, "after a read of the process");
  set_nice(0);
  settle(client);
  if ((flags & TF_ONE_WAY) == 0) put_free(client);
  put_handle(client, BC_RELEASE, to_server);
  settle(client);
  settle(server);
}

static void failed_reply(void) {
  area("nice_failed_reply");
  const uint32_t to_server = share(server, 0x3000, 0x7f, client);
  settle(server);
  set_nice(7);
  put_call(client, to_server, 1, 0);
  write_only(client, NULL);
  exchange_by(worker, server, "taken");
  worker_run(worker, show_nice, "while it is handled");
  struct parcel parcel = {.size = 0};
  parcel_handle(&parcel, 99);
  put_transaction(server, BC_REPLY, 0, 0, 0, &parcel);
  write_only_by(worker, server, "answered in vain");
  worker_run(worker, show_nice, "afterwards");
  set_nice(0);
  settle(client);
  settle(server);
}

void run_nice(void) {
  server = party_open("A");
  client = party_open("B");
  worker = worker_start();
  exchange_by(worker, server, NULL);
  one("nice_higher_than_the_node", 0, 5, 0, 0);
  one("nice_lower_than_the_node", 10, 5, 0, 0);
  one("nice_of_a_node_of_any", 0x7f, 5, 0, 0);
  one("nice_of_a_hurried_caller", 10, -5, 0, 0);
  one("nice_of_a_slow_server", 0x7f, 3, 12, 0);
  one("nice_oneway", 0, 5, 0, TF_ONE_WAY);
  one("nice_oneway_of_a_slow_server", 10, 5, 15, TF_ONE_WAY);
  failed_reply();
  worker_stop(worker);
  party_close(server);
  party_close(client);
}
