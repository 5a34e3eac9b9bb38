// SPDX-License-Identifier: Apache-2.0
// fork, vfork, exec and posix_spawn of binder programs.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance.h"

extern char** environ;

static struct party* a;
static struct party* b;
static uint32_t to_a;

static void begin(const char* name) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0, b);
  settle(a);
  fflush(stdout);
}

static void end(void) {
  party_close(a);
  party_close(b);
}

static void works(const char* what) {
  put_call(b, to_a, 1, TF_ONE_WAY);
  exchange(b, what);
  exchange(a, "received");
  put_free(a);
  write_only(a, "freed");
}

static void finish(pid_t child) {
  int status = -1;
  waitpid(child, &status, 0);
  note("the child's status", "%d\n", status);
}

static void child_closes(void) {
  begin("fork_closes");
  pid_t child = fork();
  if (child == 0) {
    close(a->fd);
    close(b->fd);
    _exit(0);
  }
  finish(child);
  settle(a);  // what closing copies leaves: a read may return with nothing, some time
  works("the parent goes on");
  child = fork();
  if (child == 0) _exit(0);  // its copies are closed for it
  finish(child);
  works("and on");
  note_result("mapped twice",
              mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, a->fd, 0) == MAP_FAILED ? -1 : 0);
  end();
}

// The calls that a child makes for itself, with a party of its own process.
static void child_calls(const char* what) {
  struct party* const own = party_open("child");
  put_call(own, take(own), 7, TF_ONE_WAY);
  exchange(own, what);
  party_close(own);
  fflush(stdout);
}

static void hears(void) {
  exchange(a, "the parent is called");
  put_free(a);
  settle_until(a, BR_DECREFS);  // the child's reference ends some time after the child
}

static void opens_after_fork(void) {
  begin("fork_opens");
  give(a, 0x2000, 0);
  const pid_t child = fork();
  if (child == 0) {
    close(a->fd);
    close(b->fd);
    child_calls("the child calls");
    _exit(0);
  }
  struct party* const own = party_open("parent");
  finish(child);
  settle(a);  // what closing copies leaves
  give(a, 0x2000, 0);
  put_call(own, take(own), 8, TF_ONE_WAY);
  exchange(own, "the parent calls");
  party_close(own);
  end();
}

static void both_call(void) {
  begin("fork_then_called");
  give(a, 0x2000, 0);
  const pid_t child = fork();
  if (child == 0) {
    child_calls("the child calls");
    _exit(0);
  }
  finish(child);
  hears();
  works("its own party calls");
  end();
}

static void executed(const char* program) {
  char* const arguments[] = {"binder_clients", "spawned", NULL};
  begin("fork_and_exec");
  give(a, 0x2000, 0);
  pid_t child = fork();
  if (child == 0) {
    execv(program, arguments);
    _exit(1);
  }
  finish(child);
  hears();
  end();

  begin("vfork_and_exec");
  give(a, 0x2000, 0);
  child = vfork();
  if (child == 0) {
    execv(program, arguments);
    _exit(1);
  }
  finish(child);
  hears();
  end();

  begin("posix_spawn");
  give(a, 0x2000, 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclose(&actions, b->fd);
  if (posix_spawn(&child, program, &actions, NULL, arguments, environ) != 0) perror("posix_spawn");
  finish(child);
  hears();
  works("the parent goes on");
  end();
}

void run_processes(const char* program) {
  child_closes();
  opens_after_fork();
  both_call();
  executed(program);
}

void run_spawned(void) {
  area("spawned");
  child_calls("it calls");
}
