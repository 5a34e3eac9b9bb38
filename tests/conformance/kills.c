// SPDX-License-Identifier: Apache-2.0
// A scripted conversation between a client and a server in two processes. One of them is killed, or
// its thread leaves, after each of its steps; the other one prints what it reads.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance.h"

enum role { kServer, kClient };
enum { kServed = 0x1000, kCalledBack = 0x2000, kAnswer = 0x3000, kHeld = 0x8000 };

static struct party* self;
static uint32_t handle;  // of the server's node, in the client
static uint32_t back;    // of the client's node, in the server

static uint32_t handle_in(const struct party* party) {
  struct flat_binder_object object;
  memcpy(&object, (const void*)(uintptr_t)party->got.data.ptr.buffer, sizeof(object));
  return object.handle;
}

static void put_object(uint32_t command, uint32_t to, uint32_t code, uint32_t flags,
                       binder_uintptr_t ptr) {
  struct parcel parcel = {.size = 0};
  parcel_binder(&parcel, ptr);
  put_transaction(self, command, to, code, flags, &parcel);
}

static void done(binder_uintptr_t ptr) {
  put_ptr_cookie(self, BC_INCREFS_DONE, ptr, ptr + 1);
  put_ptr_cookie(self, BC_ACQUIRE_DONE, ptr, ptr + 1);
}

// --- the steps: whose they are, and what they are ---
static void calls(void) { put_object(BC_TRANSACTION, handle, 1, 0, kCalledBack); }
static void reads_call(void) {}
static void calls_back(void) {
  back = handle_in(self);
  put_handle(self, BC_ACQUIRE, back);
  put_free(self);
  put_call(self, back, 2, 0);
}
static void reads_call_back(void) {}
static void answers_call_back(void) {
  done(kCalledBack);
  put_free(self);
  put_reply(self);
}
static void reads_answer(void) {}
static void replies(void) {
  put_free(self);
  put_object(BC_REPLY, 0, 0, 0, kAnswer);
}
static void reads_reply(void) {}
static void sends_oneways(void) {
  put_free(self);
  put_call(self, handle, 3, TF_ONE_WAY);
  put_call(self, handle, 4, TF_ONE_WAY);
}
static void reads_oneway(void) {}
static void sends_oneway_back(void) {
  put_free(self);
  put_call(self, back, 5, TF_ONE_WAY);
}

static const struct {
  enum role role;
  void (*act)(void);
} kSteps[] = {{kClient, calls},           {kServer, reads_call},        {kServer, calls_back},
              {kClient, reads_call_back}, {kClient, answers_call_back}, {kServer, reads_answer},
              {kServer, replies},         {kClient, reads_reply},       {kClient, sends_oneways},
              {kServer, reads_oneway},    {kServer, sends_oneway_back}};
enum { kStepCount = sizeof(kSteps) / sizeof(kSteps[0]) };

static void run_step(int step) {
  kSteps[step].act();
  exchange(self, NULL);
}

// --- the process that ends ---
enum { kLeave = kStepCount, kGive, kTake, kHold };

static void obey(int commands, int answers_to, enum role role) {
  self = party_open(role == kServer ? "server" : "client");
  char byte = 0;
  while (write(answers_to, &byte, 1) == 1 && read(commands, &byte, 1) == 1) {
    switch (byte) {
      case kLeave:
        if (ioctl(self->fd, BINDER_THREAD_EXIT, 0) != 0) perror("leaving");
        break;
      case kGive:
        give(self, kServed, 0);
        break;
      case kTake:
        handle = take(self);
        break;
      case kHold:
        (void)take(self);
        break;
      default:
        run_step(byte);
    }
  }
  pause();
}

static int commands[2], answers[2];

static void await_answer(void) {
  char byte;
  if (read(answers[0], &byte, 1) != 1) exit(1);
}

static void tell(int command) {
  const char byte = (char)command;
  if (write(commands[1], &byte, 1) != 1) exit(1);
  await_answer();
}

// Whether a process still holds a reference to any node, according to the driver.
static bool holds_references(pid_t pid) {
  char line[1024], word[32];
  bool holds = false;
  FILE* const file = fopen("/sys/kernel/debug/binder/state", "re");
  if (file == NULL) {
    perror("the driver's state");
    exit(1);
  }
  snprintf(word, sizeof(word), " %d", pid);
  while (fgets(line, sizeof(line), file) != NULL) {
    const char* const holders = strncmp(line, "  node ", 7) == 0 ? strstr(line, " proc ") : NULL;
    const char* const found = holders != NULL ? strstr(holders, word) : NULL;
    holds = holds || (found != NULL && strchr(" \n", found[strlen(word)]) != NULL);
  }
  fclose(file);
  return holds;
}

static void one(enum role ends, bool killed, int last) {
  static const char* const kNames[2][2] = {{"server_thread_leaves", "server_killed"},
                                           {"client_thread_leaves", "client_killed"}};
  char name[64];
  snprintf(name, sizeof(name), "%s_%d", kNames[ends][killed], last + 1);
  area(name);
  const enum role stays = ends == kServer ? kClient : kServer;
  if (pipe(commands) != 0 || pipe(answers) != 0) abort();
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) obey(commands[0], answers[1], ends);
  await_answer();
  self = party_open(stays == kServer ? "server" : "client");
  struct party* const observer = party_open("observer");
  if (stays == kClient) {
    tell(kGive);
    handle = take(self);
    put_handle_cookie(self, BC_REQUEST_DEATH_NOTIFICATION, handle, 0xdead);
  } else {
    give(self, kServed, 0);
    tell(kTake);
  }
  give(observer, kHeld, 0);  // the last reference of the one who ends is to this
  tell(kHold);
  settle(self);
  for (int step = 0; step <= last; ++step) {
    if (kSteps[step].role == stays) {
      run_step(step);
    } else {
      tell(step);
    }
  }
  if (killed) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while (holds_references(child)) {
    }
  } else {
    tell(kLeave);
  }
  for (int i = 0; i < 4; ++i) exchange(self, "hears");
  put_reply(self);
  exchange(self, "answers");
  exchange(self, "hears");
  if (stays == kClient) {
    put_call(self, handle, 9, TF_ONE_WAY);
    exchange(self, "calls again");
  }
  if (!killed) {
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
  party_close(self);
  party_close(observer);
  for (int i = 0; i < 2; ++i) {
    close(commands[i]);
    close(answers[i]);
  }
}

void run_kills(void) {
  for (int killed = 0; killed < 2; ++killed) {
    for (int last = 0; last < kStepCount; ++last) {
      one(kServer, killed != 0, last);
      one(kClient, killed != 0, last);
    }
  }
}
