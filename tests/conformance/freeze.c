// SPDX-License-Identifier: Apache-2.0
// Freezing. All parties have one pid and so are frozen together, but each of them can still read.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "conformance.h"

static struct party* a;
static struct party* b;
static struct party* c;
static uint32_t to_a;

static void begin(const char* name) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0, b);
  settle(a);
  settle(b);
  c = party_open_beside("C", a);  // the driver freezes the programs of its host
  // Parties closed before may still be ending, with calls that hinder freezing.
  struct binder_freeze_info info = {.pid = (uint32_t)getpid(), .enable = 1, .timeout_ms = 1000};
  while (ioctl(c->fd, BINDER_FREEZE, &info) != 0 && errno == EAGAIN) {
  }
  info.enable = 0;
  if (ioctl(c->fd, BINDER_FREEZE, &info) != 0) perror("thawing");
  spread_settle();
}

static void freeze(const char* what, uint32_t enable, uint32_t timeout) {
  struct binder_freeze_info info = {
      .pid = (uint32_t)getpid(), .enable = enable, .timeout_ms = timeout};
  note_result(what, ioctl(c->fd, BINDER_FREEZE, &info));
  spread_settle();
}

static void state(void) {
  struct binder_frozen_status_info info = {.pid = (uint32_t)getpid()};
  if (ioctl(c->fd, BINDER_GET_FROZEN_INFO, &info) != 0) {
    note("state", "%s\n", strerrorname_np(errno));
  } else {
    note("state", "sync %u async %u\n", info.sync_recv, info.async_recv);
  }
}

static void end(void) {
  party_close(a);
  party_close(b);
  party_close(c);
}

static void calls(void) {
  begin("freeze_calls");
  state();
  freeze("frozen", 1, 0);
  state();
  put_call(b, to_a, 1, 0);
  put_call(b, to_a, 2, TF_ONE_WAY);
  exchange(b, "call");
  extended_error(b, "its error");
  state();
  put_call(b, to_a, 3, TF_ONE_WAY);
  exchange(b, "oneway");
  put_call(b, to_a, 4, TF_ONE_WAY);
  exchange(b, "another oneway");
  state();
  freeze("frozen again", 1, 0);
  freeze("thawed", 0, 0);
  state();
  exchange(a, "received");
  put_free(a);
  write_only(a, "freed");
  exchange(a, "received");
  put_free(a);
  exchange(a, "freed");
  end();
}

static void pending(void) {
  begin("freeze_pending");
  put_call(b, to_a, 1, 0);
  exchange(b, "call");
  freeze("with an unread call", 1, 0);
  freeze("the same in time", 1, 20);
  state();
  exchange(a, "read");
  freeze("with a call being handled", 1, 0);
  state();
  put_reply(a);
  exchange(a, "answered");
  freeze("with an unread reply", 1, 0);
  exchange(b, "reply");
  put_call(b, to_a, 2, TF_ONE_WAY);
  exchange(b, "oneway");
  freeze("with an unread oneway call", 1, 0);
  exchange(a, "read");
  freeze("with one read but not freed", 1, 0);
  freeze("thawed", 0, 0);
  put_free(a);
  exchange(a, "freed");
  struct binder_freeze_info info = {.pid = 0x7ffffff0, .enable = 1};
  note_result("an unknown pid", ioctl(c->fd, BINDER_FREEZE, &info));
  struct binder_frozen_status_info status = {.pid = 0x7ffffff0};
  note_result("its state", ioctl(c->fd, BINDER_GET_FROZEN_INFO, &status));
  end();
}

static void updates(void) {
  begin("freeze_updates");
  freeze("frozen", 1, 0);
  static const struct {
    uint32_t code, flags;
  } kCalls[] = {{1, 0}, {2, TF_UPDATE_TXN}, {3, TF_UPDATE_TXN}, {2, TF_UPDATE_TXN},
                {2, 0}, {1, TF_UPDATE_TXN}, {1, TF_UPDATE_TXN}};
  for (size_t i = 0; i < sizeof(kCalls) / sizeof(kCalls[0]); ++i) {
    put_call(b, to_a, kCalls[i].code, TF_ONE_WAY | kCalls[i].flags);
    exchange(b, "oneway");
  }
  freeze("thawed", 0, 0);
  for (int i = 0; i < 7; ++i) {
    exchange(a, "received");
    if (a->got.data.ptr.buffer == 0) break;
    put_free(a);
    write_only(a, "freed");
    a->got.data.ptr.buffer = 0;
  }
  end();
}

static void notifications(void) {
  begin("freeze_notifications");
  put_handle_cookie(b, CONF_BC_REQUEST_FREEZE_NOTIFICATION, to_a, 0x11);
  exchange(b, "requested");
  exchange(b, "nothing more");
  put_handle_cookie(b, CONF_BC_REQUEST_FREEZE_NOTIFICATION, to_a, 0x22);
  exchange(b, "requested twice");
  freeze("frozen", 1, 0);
  exchange(b, "not before the first is done");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x99);
  exchange(b, "done with another cookie");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  exchange(b, "done");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  exchange(b, "done again");
  freeze("thawed", 0, 0);
  freeze("frozen", 1, 0);
  freeze("thawed", 0, 0);
  exchange(b, "one for all");
  freeze("frozen", 1, 0);
  freeze("thawed", 0, 0);
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  exchange(b, "done, there and back meanwhile");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  exchange(b, "done if there was one");
  freeze("frozen", 1, 0);
  freeze("frozen again", 1, 0);
  exchange(b, "one");
  put_handle_cookie(b, CONF_BC_CLEAR_FREEZE_NOTIFICATION, to_a, 0x22);
  exchange(b, "cleared with another cookie");
  put_handle_cookie(b, CONF_BC_CLEAR_FREEZE_NOTIFICATION, to_a, 0x11);
  exchange(b, "cleared before done");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  exchange(b, "done");
  exchange(b, "nothing more");
  put_handle_cookie(b, CONF_BC_CLEAR_FREEZE_NOTIFICATION, to_a, 0x11);
  exchange(b, "cleared twice");
  put_handle_cookie(b, CONF_BC_REQUEST_FREEZE_NOTIFICATION, to_a, 0x33);
  exchange(b, "requested while frozen");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x33);
  put_handle_cookie(b, CONF_BC_CLEAR_FREEZE_NOTIFICATION, to_a, 0x33);
  exchange(b, "done and cleared");
  put_handle_cookie(b, CONF_BC_REQUEST_FREEZE_NOTIFICATION, to_a, 0x44);
  put_handle_cookie(b, CONF_BC_CLEAR_FREEZE_NOTIFICATION, to_a, 0x44);
  exchange(b, "requested and cleared at once");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x44);
  exchange(b, "done if there was one");
  freeze("thawed", 0, 0);
  party_close(a);
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, to_a, 0x55);
  await(b, "the other dies");
  put_handle_cookie(b, CONF_BC_REQUEST_FREEZE_NOTIFICATION, to_a, 0x66);
  exchange(b, "requested of the dead");
  exchange(b, "nothing more");
  put_handle_cookie(b, CONF_BC_CLEAR_FREEZE_NOTIFICATION, to_a, 0x66);
  exchange(b, "cleared of the dead");
  party_close(b);
  party_close(c);
}

static void many(void) {
  begin("freeze_many");
  put_handle_cookie(b, CONF_BC_REQUEST_FREEZE_NOTIFICATION, to_a, 0x11);
  exchange(b, "requested");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  exchange(b, "done");
  int failures = 0;
  for (uint32_t i = 0; i < 2001; ++i) {
    struct binder_freeze_info info = {.pid = (uint32_t)getpid(), .enable = (i + 1) % 2};
    failures += ioctl(c->fd, BINDER_FREEZE, &info) != 0;
  }
  spread_settle();
  note("freezing 2001 times", "%d failures\n", failures);
  exchange(b, "one for all");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  exchange(b, "done, nothing more");
  freeze("thawed", 0, 0);
  end();
}

static void several(void) {
  begin("freeze_stops_at_the_busy");
  const uint32_t to_b = share(b, 0x3000, 0, a);
  settle(a);
  settle(b);
  put_call(b, to_a, 1, TF_ONE_WAY);
  exchange(b, "A has work");
  freeze("frozen", 1, 0);
  put_call(a, to_b, 1, TF_ONE_WAY);
  write_only(a, "A calls B");
  settle(a);
  put_free(a);
  settle(a);
  freeze("thawed", 0, 0);
  exchange(b, "received");
  put_free(b);
  settle(b);
  put_call(a, to_b, 1, TF_ONE_WAY);
  write_only(a, "B has work");
  settle(a);
  freeze("frozen", 1, 0);
  put_call(b, to_a, 1, TF_ONE_WAY);
  exchange(b, "B calls A");
  freeze("thawed", 0, 0);
  end();
}

static void other_thread(void) {
  begin("freeze_done_for_any_thread");
  struct worker* const worker = worker_start();
  put(b, BC_ENTER_LOOPER);
  exchange_by(worker, b, "another thread");
  put(b, BC_ENTER_LOOPER);
  put_handle_cookie(b, CONF_BC_REQUEST_FREEZE_NOTIFICATION, to_a, 0x11);
  exchange(b, "requested");
  freeze("frozen", 1, 0);
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  write_only(b, "done");
  exchange_by(worker, b, "the other thread reads");
  put_handle_cookie(b, CONF_BC_CLEAR_FREEZE_NOTIFICATION, to_a, 0x11);
  write_only(b, "cleared");
  put_address(b, CONF_BC_FREEZE_NOTIFICATION_DONE, 0x11);
  write_only(b, "done");
  exchange_by(worker, b, "the other thread reads");
  freeze("thawed", 0, 0);
  worker_stop(worker);
  end();
}

void run_freeze(void) {
  calls();
  pending();
  updates();
  notifications();
  many();
  several();
  other_thread();
}
