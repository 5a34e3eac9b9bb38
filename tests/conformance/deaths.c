// SPDX-License-Identifier: Apache-2.0
// Death notifications, in every order.
#include "conformance.h"

static struct party* a;
static struct party* b;

static void begin(const char* name) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  share(a, 0x1000, 0, b);
}

static void request(uint32_t cookie) {
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, 1, cookie);
}

static void clear(uint32_t cookie) { put_handle_cookie(b, BC_CLEAR_DEATH_NOTIFICATION, 1, cookie); }

static void done(uint32_t cookie) { put_address(b, BC_DEAD_BINDER_DONE, cookie); }

static void while_alive(void) {
  begin("death_alive");
  request(0x11);
  exchange(b, "requested");
  request(0x11);
  exchange(b, "requested twice");
  request(0x22);
  exchange(b, "requested with another cookie");
  clear(0x22);
  exchange(b, "cleared with another cookie");
  clear(0x11);
  exchange(b, "cleared");
  clear(0x11);
  exchange(b, "cleared twice");
  request(0x33);
  clear(0x33);
  request(0x44);
  exchange(b, "requested, cleared, requested");
  done(0x44);
  exchange(b, "done before any death");
  party_close(a);
  await(b, "dies");
  exchange(b, "nothing more");
  done(0x44);
  exchange(b, "done");
  done(0x44);
  exchange(b, "done twice");
  clear(0x44);
  exchange(b, "cleared after it");
  party_close(b);
}

static void no_looper(void) {
  begin("death_other_thread");
  struct worker* const worker = worker_start();
  write_only_by(worker, b, "a second thread");
  request(0x11);
  clear(0x11);
  exchange_by(worker, b, "requested and cleared by a thread that is no looper");
  exchange(b, "the first thread");
  exchange_by(worker, b, "the second thread");
  put(b, BC_ENTER_LOOPER);
  request(0x22);
  clear(0x22);
  exchange_by(worker, b, "the same by a looper");
  exchange(b, "the first thread");
  exchange_by(worker, b, "the second thread");
  worker_stop(worker);
  party_close(a);
  party_close(b);
}

static void clear_when_delivered(void) {
  begin("death_cleared_when_delivered");
  request(0x11);
  exchange(b, "requested");
  party_close(a);
  await(b, "dies");
  clear(0x11);
  exchange(b, "cleared before done");
  done(0x99);
  exchange(b, "done with another cookie");
  done(0x11);
  exchange(b, "done");
  exchange(b, "nothing more");
  party_close(b);
}

static void on_the_dead(void) {
  begin("death_of_the_dead");
  request(0x11);
  exchange(b, "requested");
  party_close(a);
  await(b, "dies");
  done(0x11);
  clear(0x11);
  exchange(b, "done and cleared");
  put_call(b, 1, 1, 0);
  exchange(b, "called");
  extended_error(b, "its error");
  put_call(b, 1, 1, TF_ONE_WAY);
  exchange(b, "called oneway");
  request(0x22);
  exchange(b, "requested again");
  clear(0x22);
  exchange(b, "cleared");
  done(0x22);
  exchange(b, "done");
  request(0x33);
  clear(0x33);
  exchange(b, "requested and cleared at once");
  done(0x33);
  exchange(b, "done");
  request(0x44);
  write_only(b, "requested, not read");
  put_handle(b, BC_RELEASE, 1);
  exchange(b, "let go");
  done(0x44);
  exchange(b, "done");
  put_handle(b, BC_ACQUIRE, 1);
  exchange(b, "the handle is gone");
  party_close(b);
}

static void let_go_first(void) {
  begin("death_let_go");
  request(0x11);
  put_handle(b, BC_RELEASE, 1);
  exchange(b, "requested and let go");
  exchange(a, "hears of it");
  party_close(a);
  exchange(b, "nothing comes");
  party_close(b);

  begin("death_weak");
  request(0x11);
  put_handle(b, BC_INCREFS, 1);
  put_handle(b, BC_RELEASE, 1);
  exchange(b, "held weakly");
  party_close(a);
  await(b, "dies");
  party_close(b);
}

static void two_watchers(void) {
  begin("death_two_watchers");
  struct party* const c = party_open("C");
  note("handle", "%u\n", share(a, 0x1000, 0, c));
  request(0x11);
  exchange(b, "requested");
  put_handle_cookie(c, BC_REQUEST_DEATH_NOTIFICATION, 1, 0x22);
  exchange(c, "requested");
  party_close(a);
  await(b, "dies");
  await(c, "dies");
  put_address(c, BC_DEAD_BINDER_DONE, 0x11);
  exchange(c, "done with the other's cookie");
  put_address(c, BC_DEAD_BINDER_DONE, 0x22);
  exchange(c, "done");
  party_close(b);
  party_close(c);
}

static void small_reads(void) {
  begin("death_small_reads");
  share(a, 0x2000, 0, b);
  request(0x11);
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, 2, 0x22);
  exchange(b, "requested");
  clear(0x11);
  put_handle_cookie(b, BC_CLEAR_DEATH_NOTIFICATION, 2, 0x22);
  exchange(b, "cleared both");
  exchange(b, "nothing more");
  request(0x11);
  party_close(a);
  await(b, "dies");
  request(0x33);
  exchange(b, "requested while another is there");
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, 2, 0x44);
  exchange(b, "one read gives one death");
  party_close(b);
}

static void order(void) {
  begin("death_order");
  share(a, 0x3000, 0, b);
  share(a, 0x0800, 0, b);
  request(0x11);
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, 2, 0x33);
  put_handle_cookie(b, BC_REQUEST_DEATH_NOTIFICATION, 3, 0x08);
  exchange(b, "requested");
  party_close(a);
  await(b, "by address");
  await(b, "by address");
  await(b, "by address");
  party_close(b);
}

void run_deaths(void) {
  while_alive();
  no_looper();
  clear_when_delivered();
  on_the_dead();
  let_go_first();
  two_watchers();
  small_reads();
  order();
}
