// SPDX-License-Identifier: Apache-2.0
// poll, select and epoll: readable exactly while a blocking read would return.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "conformance.h"

static struct party* a;
static struct party* b;
static uint32_t to_a;
static uint32_t to_second;

static void begin(const char* name) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0, b);
  to_second = share(a, 0x2000, 0, b);
  settle(a);
  settle(b);
}

static void end(void) {
  party_close(a);
  party_close(b);
}

static void send(uint32_t handle, uint32_t code) {
  put_call(b, handle, code, TF_ONE_WAY);
  settle(b);
}

static void freed(void) {
  put_free(a);
  write_only(a, NULL);
}

static void polled(const char* what, const struct party* party) {
  struct pollfd ready = {.fd = party->fd, .events = POLLIN};
  const int count = poll(&ready, 1, 0);
  note(what, "%s %d%s\n", party->name, count, (ready.revents & ~POLLIN) != 0 ? " and more" : "");
}

static void selected(const char* what) {
  fd_set readers;
  FD_ZERO(&readers);
  FD_SET(a->fd, &readers);
  struct timeval now = {.tv_sec = 0};
  note_result(what, select(a->fd + 1, &readers, NULL, NULL, &now));
}

static int watch(int fd, uint32_t events) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = events, .data = {.fd = fd}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) perror("EPOLL_CTL_ADD");
  return epoll;
}

static void rearm(int epoll, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data = {.fd = fd}};
  if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0) perror("EPOLL_CTL_MOD");
}

static void waited(const char* what, int epoll) {
  struct epoll_event event;
  const int count = epoll_wait(epoll, &event, 1, 0);
  note(what, "%d%s\n", count, count == 1 && (event.events & EPOLLIN) != 0 ? " in" : "");
}

static void with_poll(void) {
  begin("poll");
  polled("nothing", a);
  selected("nothing selected");
  send(to_a, 1);
  polled("a call is there", a);
  polled("it still is", a);
  selected("selected");
  exchange(a, "read");
  polled("none is left", a);
  selected("none selected");
  freed();
  send(to_a, 1);
  send(to_a, 2);
  send(to_second, 3);
  exchange(a, "read");
  polled("the other node's is left", a);
  exchange(a, "read");
  polled("the second waits for the first's buffer", a);
  freed();
  polled("the other node's buffer freed", a);
  end();

  begin("poll_in_calls");
  const uint32_t to_b = share(b, 0x3000, 0, a);
  settle(a);
  put_call(b, to_a, 1, 0);
  write_only(b, "called");
  polled("the caller", b);
  exchange(a, "received");
  polled("a call is handled", a);
  put_call(a, to_b, 2, TF_ONE_WAY);
  write_only(a, "a oneway call to the caller");
  polled("the caller waits for the reply", b);
  put_reply(a);
  write_only(a, "answered");
  polled("the callee", a);
  polled("the caller has its reply", b);
  exchange(b, "reply");
  polled("and the oneway call", b);
  exchange(b, "oneway");
  polled("nothing more", b);
  exchange(a, "complete");
  end();
}

static void with_epoll(void) {
  begin("epoll_level");
  int epoll = watch(a->fd, EPOLLIN);
  waited("nothing", epoll);
  send(to_a, 1);
  waited("a call", epoll);
  waited("again", epoll);
  rearm(epoll, a->fd, EPOLLIN);
  waited("re-armed", epoll);
  send(to_second, 2);
  exchange(a, "read");
  waited("one is left", epoll);
  rearm(epoll, a->fd, EPOLLIN);
  waited("re-armed, one is left", epoll);
  exchange(a, "read");
  waited("none is left", epoll);
  rearm(epoll, a->fd, EPOLLIN);
  waited("re-armed, none is left", epoll);
  close(epoll);
  epoll = watch(a->fd, EPOLLIN);
  waited("a new one", epoll);
  close(epoll);
  end();

  begin("epoll_edge");
  epoll = watch(a->fd, EPOLLIN | EPOLLET);
  waited("nothing", epoll);
  send(to_a, 1);
  waited("a call", epoll);
  waited("not again", epoll);
  rearm(epoll, a->fd, EPOLLIN | EPOLLET);
  waited("re-armed", epoll);
  waited("not again", epoll);
  exchange(a, "read");
  waited("none is left", epoll);
  send(to_second, 2);
  waited("the next", epoll);
  exchange(a, "read");
  close(epoll);
  end();

  begin("epoll_once");
  epoll = watch(a->fd, EPOLLIN | EPOLLONESHOT);
  send(to_a, 1);
  waited("a call", epoll);
  waited("not again", epoll);
  rearm(epoll, a->fd, EPOLLIN | EPOLLONESHOT);
  waited("re-armed", epoll);
  exchange(a, "read");
  rearm(epoll, a->fd, EPOLLIN | EPOLLONESHOT);
  waited("none is left", epoll);
  send(to_second, 2);
  waited("the next", epoll);
  close(epoll);
  end();
}

// One thread, everything in one epoll, blocking reads.
static void one_thread(void) {
  begin("one_thread");
  const int epoll = watch(a->fd, EPOLLIN);
  const int event = eventfd(0, EFD_CLOEXEC);
  const int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  struct epoll_event interest = {.events = EPOLLIN, .data = {.fd = event}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, event, &interest);
  interest.data.fd = timer;
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &interest);
  fcntl(a->fd, F_SETFL, 0);
  put(a, BC_ENTER_LOOPER);
  write_only(a, "enters");
  for (uint32_t round = 0; round < 3; ++round) {
    const struct itimerspec soon = {.it_value = {.tv_nsec = 1000000}};
    timerfd_settime(timer, 0, &soon, NULL);
    for (bool called = false; !called;) {
      struct epoll_event ready;
      if (epoll_wait(epoll, &ready, 1, 10000) != 1) {
        note("waited", "in vain\n");
        break;
      }
      uint64_t count = 0;
      if (ready.data.fd == timer) {
        if (read(timer, &count, sizeof(count)) == sizeof(count)) note("tick", "%u\n", round);
        rearm(epoll, a->fd, EPOLLIN);
        count = 1;
        if (write(event, &count, sizeof(count)) != sizeof(count)) perror("eventfd");
      } else if (ready.data.fd == event) {
        if (read(event, &count, sizeof(count)) == sizeof(count)) note("event", "%u\n", round);
        send(to_a, round);
        if (round > 0) send(to_second, round);
      } else {
        exchange(a, "call");
        freed();
        called = true;
      }
    }
    if (round > 0) {
      waited("the other node's", epoll);
      exchange(a, "call");
      freed();
    }
    waited("nothing more", epoll);
  }
  close(timer);
  close(event);
  close(epoll);
  fcntl(a->fd, F_SETFL, O_NONBLOCK);
  end();
}

static pthread_barrier_t begun;

static void* read_blocking(void* argument) {
  await(argument, NULL);  // the first read
  pthread_barrier_wait(&begun);
  await(argument, "read by the thread that waits");
  return NULL;
}

static void other_threads(void) {
  begin("poll_beside_a_reader");
  const int epoll = watch(a->fd, EPOLLIN);
  // Without O_NONBLOCK as long as the other thread is there.
  fcntl(a->fd, F_SETFL, 0);
  put(a, BC_ENTER_LOOPER);
  write_only(a, "enters");
  pthread_t thread;
  pthread_barrier_init(&begun, NULL, 2);
  pthread_create(&thread, NULL, read_blocking, a);
  pthread_barrier_wait(&begun);
  // The output is the same whether or not it waits already when the call arrives.
  send(to_a, 1);
  pthread_join(thread, NULL);
  polled("the other thread has it", a);
  waited("the other thread has it", epoll);
  send(to_second, 2);
  polled("no thread waits", a);
  waited("no thread waits", epoll);
  close(epoll);
  end();
}

static void nonblocking_on_the_fly(void) {
  begin("nonblocking_on_the_fly");
  fcntl(a->fd, F_SETFL, O_NONBLOCK);
  exchange(a, "nonblocking");
  fcntl(a->fd, F_SETFL, 0);
  send(to_a, 1);
  exchange(a, "blocking, with a call");
  const int copy = dup(a->fd);
  fcntl(copy, F_SETFL, O_NONBLOCK);
  exchange(a, "made nonblocking through a copy");
  note("flags", "nonblocking %d\n", (fcntl(a->fd, F_GETFL) & O_NONBLOCK) != 0);
  close(copy);
  end();
}

void run_readiness(void) {
  with_poll();
  with_epoll();
  one_thread();
  other_threads();
  nonblocking_on_the_fly();
}
