// SPDX-License-Identifier: Apache-2.0
// A binder descriptor without the process that opened it: the mapping goes with the opener, when it
// executes another program, or with munmap; the node's death is reported when the last descriptor is
// closed. Also, which user of its caller a program sees, since that may have changed after the open.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conformance.h"

enum { kServed = 0x1000, kUser = 4242 };

static struct party* client;
static uint32_t handle;

// An agent notices the end of a process, and its consequences, a little later than its parent does.
static void let_it_be_known(void) {
  const struct timespec interval = {.tv_sec = 0, .tv_nsec = 100 * 1000 * 1000};
  nanosleep(&interval, NULL);
}

static void calls(const char* what, const char* oneway) {
  put_call(client, handle, 1, 0);
  exchange(client, what);
  extended_error(client, "its error");
  put_call(client, handle, 2, TF_ONE_WAY);
  exchange(client, oneway);
}

// The opener forks a child that has the descriptor, and does nothing with it until `stays` ends.
static void serve_and_be_killed(struct party* server, const int told[2], const int stays[2]) {
  give(server, kServed, 0);
  if (fork() == 0) {
    char byte;
    close(told[0]);
    close(told[1]);
    close(stays[1]);
    _exit(read(stays[0], &byte, 1) == 1);
  }
  if (write(told[1], "", 1) != 1) exit(1);
  pause();
}

// The opener becomes a program that does not know what its descriptor is, and ends with `stays`.
static void serve_and_execute(struct party* server, const int told[2], const int stays[2]) {
  give(server, kServed, 0);
  if (write(told[1], "", 1) != 1 || fcntl(server->fd, F_SETFD, 0) != 0 ||
      fcntl(told[1], F_SETFD, FD_CLOEXEC) != 0 || dup2(stays[0], STDIN_FILENO) < 0) {
    exit(1);
  }
  close(stays[0]);
  close(stays[1]);
  execl("/bin/cat", "cat", (char*)NULL);
  _exit(1);
}

enum end { kKilled, kExecutes };

static void opener_gone(const char* name, enum end end) {
  area(name);
  int told[2], stays[2];
  if (pipe(told) != 0 || pipe(stays) != 0) exit(1);
  fflush(stdout);
  const pid_t opener = fork();
  if (opener == 0) {
    struct party* const server = party_open("server");
    (end == kKilled ? serve_and_be_killed : serve_and_execute)(server, told, stays);
  }
  close(told[1]);
  char byte;
  if (read(told[0], &byte, 1) != 1) exit(1);
  client = party_open("client");
  handle = take(client);
  put_handle_cookie(client, BC_REQUEST_DEATH_NOTIFICATION, handle, 0x77);
  exchange(client, "death requested");
  if (end == kKilled) {
    kill(opener, SIGKILL);
    waitpid(opener, NULL, 0);
  } else if (read(told[0], &byte, 1) != 0) {  // it has executed the other program
    exit(1);
  }
  let_it_be_known();
  calls("a call", "a oneway call");
  close(stays[1]);
  await(client, "the last descriptor is gone");
  if (end == kExecutes) waitpid(opener, NULL, 0);
  close(stays[0]);
  close(told[0]);
  party_close(client);
}

static void opener_unmapped(void) {
  area("opener_unmapped");
  struct party* const server = party_open("server");
  client = party_open("client");
  handle = share(server, kServed, 0, client);
  settle(server);
  put_call(client, handle, 3, TF_ONE_WAY);
  exchange(client, "called before");
  munmap(server->map, kMapSize);
  calls("a call", "a oneway call");
  // The earlier call is in memory that nobody has any more; the driver delivers it nevertheless.
  exchange(server, "the server reads");
  party_close(client);
  party_close(server);
}

static void user_at_the_call(void) {
  area("user_at_the_call");
  struct party* const server = party_open("server");
  client = party_open("client");
  handle = share(server, kServed, 0, client);
  settle(server);
  for (int round = 0; round < 3; ++round) {
    if (seteuid(round == 1 ? kUser : 0) != 0) perror("seteuid");
    put_call(client, handle, 4, TF_ONE_WAY);
    exchange(client, "called");
    exchange(server, "received");
    note("the caller's euid", "%u\n", server->got.sender_euid);
    put_free(server);
    write_only(server, "freed");
  }
  party_close(client);
  party_close(server);
}

void run_holders(void) {
  opener_gone("opener_killed", kKilled);
  opener_gone("opener_executed", kExecutes);
  opener_unmapped();
  if (geteuid() == 0) user_at_the_call();
}
