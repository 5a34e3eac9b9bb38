// SPDX-License-Identifier: Apache-2.0
// binder_debug_files: the content of the driver's debug files in a number of situations. Process
// ids are shown as "self" and "manager", times and addresses of the driver as "*"; debug ids count
// from the manager's node.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "conformance.h"

enum { kFileSize = 256 * 1024 };

static char text[kFileSize];
static char pids[2][16];     // as text: ours, the manager's
static unsigned long first;  // debug id of the manager's node

static bool read_debug_file(const char* name) {
  char path[128];
  snprintf(path, sizeof(path), "/sys/kernel/debug/binder/%s", name);
  FILE* const file = fopen(path, "re");
  if (file == NULL) return false;
  const size_t size = fread(text, 1, sizeof(text) - 1, file);
  text[size] = '\0';
  fclose(file);
  return true;
}

// Closes it and waits until the driver shows it no more: it may finish a close a little later.
static void close_and_await_end(struct party* party) {
  char line[32];
  const int line_size = snprintf(line, sizeof(line), "\nproc %s\n", pids[0]);
  int before = -1;
  for (int round = 0; round < 1000; ++round) {
    int shown = 0;
    if (!read_debug_file("state")) break;
    for (const char* at = text; (at = strstr(at, line)) != NULL; at += line_size - 1) ++shown;
    if (before < 0) {
      before = shown;
      party_close(party);
    } else if (shown < before) {
      return;
    }
    usleep(10 * 1000);
  }
  printf("the driver goes on showing what was closed\n");
}

static bool follows(const char* line, const char* at, const char* word) {
  const size_t size = strlen(word);
  return at >= line + size && strncmp(at - size, word, size) == 0;
}

// Whether the number at `at` is a debug id.
static bool is_debug_id(const char* line, const char* at) {
  static const char* const kBefore[] = {" node ", "  ref ", " buffer ", " transaction ", " work "};
  for (size_t i = 0; i < sizeof(kBefore) / sizeof(kBefore[0]); ++i) {
    if (follows(line, at, kBefore[i])) return true;
  }
  return at == line;  // of a log
}

static void print_line(const char* line) {
  for (const char* at = line; *at != '\0';) {
    if (!isdigit((unsigned char)*at) || (at > line && isalnum((unsigned char)at[-1]))) {
      // "u0000…", names and punctuation: as they are; but an address of the driver is a word.
      const size_t hex = strspn(at, "0123456789abcdef");
      if (hex == 16 && at > line && at[-1] == ' ') {
        fputs("*", stdout);
        at += hex;
      } else {
        putchar(*at++);
      }
      continue;
    }
    const size_t hex = strspn(at, "0123456789abcdef");
    const size_t size = strspn(at, "0123456789");
    if (hex == 16) {
      fputs(strspn(at, "0") == 16 ? "0" : "*", stdout);
      at += hex;
      continue;
    }
    const unsigned long number = strtoul(at, NULL, 10);
    // The text before a number shows what it is. Only if it does not is the number taken for a pid,
    // which it may equal by chance.
    if (is_debug_id(line, at) && number != 0) {
      printf("%lu", number - first + 1);
    } else if (follows(line, at, "elapsed ") || (follows(line, at, " l=") && number != 0)) {
      putchar('*');
    } else if (size == strlen(pids[0]) && strncmp(at, pids[0], size) == 0) {
      fputs("self", stdout);
    } else if (size == strlen(pids[1]) && strncmp(at, pids[1], size) == 0) {
      fputs("manager", stdout);
    } else {
      printf("%.*s", (int)size, at);
    }
    at += size;
  }
  putchar('\n');
}

static void show(const char* name) {
  printf("--- %s\n", name);
  if (!read_debug_file(name)) {
    puts("absent");
    return;
  }
  char* rest = text;
  for (char* line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
    if (line[0] != '\0') print_line(line);
  }
}

// The manager has read and waits again.
static void await_manager(void) {
  char wanted[64];
  snprintf(wanted, sizeof(wanted), "thread %s: l 12 need_return 0 tr 0\n  node", pids[1]);
  do {
    if (!read_debug_file("state")) exit(1);
  } while (strstr(text, wanted) == NULL);
}

static void stage(const char* name) {
  printf("=== %s\n", name);
  await_manager();
  show("state");
  show("transactions");
}

static void learn_numbers(void) {
  snprintf(pids[0], sizeof(pids[0]), "%d", getpid());
  // Ours has not opened the device yet.
  const char* process = NULL;
  while (process == NULL) {
    if (!read_debug_file("state")) {
      perror("/sys/kernel/debug/binder/state");
      exit(1);
    }
    process = strstr(text, "proc ");
    const char* const node = strstr(text, "  node ");
    if (node == NULL) process = NULL;
    if (process == NULL) continue;
    snprintf(pids[1], sizeof(pids[1]), "%lu", strtoul(process + 5, NULL, 10));
    first = strtoul(node + 7, NULL, 10);
  }
}

static struct party* a;
static struct party* b;
static uint32_t to_a;

static void send_node(uint32_t handle, uint32_t flags) {
  struct parcel parcel = {.size = 0};
  parcel_word(&parcel, 7);
  parcel_flat(&parcel, BINDER_TYPE_BINDER, 0x17f, 0x2000, 0x2001);
  put_transaction(b, BC_TRANSACTION, handle, 5, flags, &parcel);
}

static void freeze_self(uint32_t enable) {
  struct binder_freeze_info info = {.pid = (uint32_t)getpid(), .enable = enable, .timeout_ms = 0};
  note_result(enable ? "freeze" : "thaw", ioctl(b->fd, BINDER_FREEZE, &info));
}

static void calls(void) {
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, to_a, 0xdead);
  send_node(to_a, 0);
  write_only(b, "call");
  stage("a call is queued");
  put(a, BC_ENTER_LOOPER);
  exchange(a, "taken");
  stage("a call is taken");
  for (int i = 0; i < 3; ++i) put_call(b, to_a, 6, TF_ONE_WAY);
  write_only(b, "oneway");
  stage("oneway calls are queued");
  put_reply(a);
  write_only(a, "reply");
  stage("a reply is queued");
  settle(b);
  exchange(a, "oneway");
  stage("a oneway call is taken");
  put_free(a);
  exchange(a, "freed, the next");
  stage("the next oneway call is taken");
}

static void failures(void) {
  put_call(b, 77, 1, 0);
  write_only(b, "to nobody");
  stage("an error is to be read");
  settle(b);
  struct parcel parcel = {.size = 0};
  parcel_word(&parcel, 1);
  parcel_fd(&parcel, 99);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ACCEPT_FDS, &parcel);
  exchange(b, "a descriptor that is not accepted");
  put_reply(b);
  exchange(b, "a reply to nothing");
  show("transaction_log");
  show("failed_transaction_log");
}

static void freezing(void) {
  settle(a);
  put_free(a);
  settle(a);
  put_handle_cookie(b, CONF_BC_REQUEST_FREEZE_NOTIFICATION, to_a, 0xf0);
  write_only(b, "freeze notification");
  stage("a freeze notification is to be read");
  exchange(b, "read");
  stage("a freeze notification is read");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0xf0);
  write_only(b, "done");
  put_handle_cookie(b, CONF_BC_CLEAR_FREEZE_NOTIFICATION, to_a, 0xf0);
  write_only(b, "cleared");
  stage("a freeze notification is cleared");
  settle(b);
  freeze_self(1);
  put_call(b, to_a, 1, 0);
  write_only(b, "call to a frozen one");
  put_call(b, to_a, 2, TF_ONE_WAY);
  write_only(b, "still an error to read");
  stage("frozen");
  settle(b);
  put_call(b, to_a, 2, TF_ONE_WAY);
  write_only(b, "oneway call to a frozen one");
  stage("frozen, a oneway call is pending");
  freeze_self(0);
  settle(b);
  settle(a);
  put_free(a);
  settle(a);
}

static void deaths(void) {
  put_handle_cookie(b, BC_CLEAR_DEATH_NOTIFICATION, to_a, 0xdead);
  write_only(b, "death cleared");
  stage("a death notification is cleared");
  settle(b);
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, to_a, 0xdead);
  write_only(b, "death requested");
  show("stats");
  close_and_await_end(a);
  stage("dead");
  exchange(b, "read");
  stage("the death is told");
  put_handle_cookie(b, BC_CLEAR_DEATH_NOTIFICATION, to_a, 0xdead);
  write_only(b, "cleared before done");
  stage("cleared before it is done");
  put_address(b, BC_DEAD_BINDER_DONE, 0xdead);
  write_only(b, "done");
  stage("cleared and done");
  settle(b);
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, to_a, 0xdeaf);
  write_only(b, "requested of a dead one");
  put_handle_cookie(b, BC_CLEAR_DEATH_NOTIFICATION, to_a, 0xdeaf);
  write_only(b, "and cleared");
  stage("requested of a dead one and cleared");
  put_handle(b, BC_RELEASE, to_a);
  write_only(b, "released");
  stage("the last reference is gone");
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(120);
  manager_start();
  learn_numbers();
  stage("a manager");
  struct party* const unmapped = party_open_unmapped("unmapped");
  show("stats");
  close_and_await_end(unmapped);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0, b);
  stage("a node is shared");
  calls();
  failures();
  freezing();
  deaths();
  char name[64];
  snprintf(name, sizeof(name), "proc/%s", pids[1]);
  read_debug_file(name);
  printf("--- proc of the manager\n%s\n",
         strncmp(text, "binder proc state:\n", 19) == 0 ? "there" : "?");
  printf("--- proc of nobody\n%s\n", read_debug_file("proc/1") ? "?" : "absent");
  close_and_await_end(b);
  stage("nothing but the manager");
  manager_stop();
  return 0;
}
