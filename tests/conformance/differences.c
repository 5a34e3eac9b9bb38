// SPDX-License-Identifier: Apache-2.0
// binder_differences: where netbinder's driver differs from the kernel's, and how. The text of both
// is recorded.
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "conformance.h"

static struct party* a;
static struct party* b;
static uint32_t to_a;

static void begin(const char* name) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0x100, b);
}

static void polled(const char* what, int fd, short events) {
  struct pollfd ready = {.fd = fd, .events = events};
  note_result(what, poll(&ready, 1, 0));
}

// A thread that ends without BINDER_THREAD_EXIT while it handles a call.
static void thread_ends_unsaid(void) {
  begin("thread_ends_unsaid");
  struct worker* const worker = worker_start();
  exchange_by(worker, a, "another thread");
  put_call(b, to_a, 1, 0);
  exchange(b, "called");
  exchange_by(worker, a, "received by it");
  worker_stop(worker);
  exchange(b, "it has ended");
  party_close(a);
  struct pollfd ready = {.fd = b->fd, .events = POLLIN};
  (void)poll(&ready, 1, 500);
  exchange(b, "the process is closed");
  party_close(b);
}

static void readiness(void) {
  area("poll_of_the_new");
  a = open_raw("A", O_NONBLOCK, 0);
  polled("before any ioctl", a->fd, POLLIN);
  exchange(a, "read");
  polled("after it", a->fd, POLLIN);
  party_close(a);
  area("poll_for_writing");
  a = party_open("A");
  polled("a descriptor", a->fd, POLLOUT);
  party_close(a);
}

static void binder_in_a_call(void) {
  begin("binder_descriptor_sent");
  struct parcel parcel = {.size = 0};
  parcel_fd(&parcel, b->fd);
  put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
  exchange(b, "sent");
  extended_error(b, "its error");
  settle(a);
  party_close(a);
  party_close(b);
}

// More commands than fit into one read of netbinder's.
static void large_read(void) {
  static uint8_t in[32 * 1024];
  begin("large_read");
  for (binder_uintptr_t ptr = 0x2000; ptr < 0x2000 + 256 * 16;) {
    for (int calls = 0; calls < 8; ++calls) {
      struct parcel parcel = {.size = 0};
      for (size_t i = 0; i < kMaxObjects; ++i, ptr += 16) parcel_binder(&parcel, ptr);
      put_transaction(b, BC_TRANSACTION, to_a, 1, TF_ONE_WAY, &parcel);
    }
    write_only(b, "128 nodes sent");
  }
  for (int i = 0; i < 2; ++i) {
    struct binder_write_read bwr = {.read_buffer = (uintptr_t)in, .read_size = sizeof(in)};
    const int result = ioctl(b->fd, BINDER_WRITE_READ, &bwr);
    note("read", "%d, %llu bytes\n", result, (unsigned long long)bwr.read_consumed);
  }
  party_close(a);
  party_close(b);
}

static int open_descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 2048; ++fd) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

// Many descriptors in one call, and more of them than netbinder takes.
static void many_descriptors(void) {
  begin("many_descriptors");
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  const struct rlimit enough = {.rlim_cur = 2048, .rlim_max = limit.rlim_max};
  setrlimit(RLIMIT_NOFILE, &enough);
  static const uint64_t kCounts[] = {254, 600, 1000, 1001};
  for (size_t round = 0; round < sizeof(kCounts) / sizeof(kCounts[0]); ++round) {
    const uint64_t count = kCounts[round];
    static int fds[1001];
    for (size_t i = 0; i < count; ++i) fds[i] = 0;
    struct parcel parcel = {.size = 0};
    parcel_word(&parcel, 0);  // nothing can be fixed up in an object at offset 0
    parcel_word(&parcel, 0);
    parcel_buffer(&parcel, fds, count * sizeof(fds[0]), 0, 0, 0);
    parcel_fd_array(&parcel, count, 0, 0);
    put_transaction(b, BC_TRANSACTION_SG, to_a, 1, TF_ONE_WAY, &parcel);
    char what[8];
    snprintf(what, sizeof(what), "%llu", (unsigned long long)count);
    exchange(b, what);
    extended_error(b, "its error");
    put_call(b, to_a, 2, TF_ONE_WAY);
    exchange(b, "one behind it");
    const int before = open_descriptors();
    exchange(a, "received");
    note("descriptors", "%d\n", open_descriptors() - before);
    put_free(a);
    exchange(a, "freed");
    note("left of them", "%d\n", open_descriptors() - before);
    settle(a);
    put_free(a);
    settle(a);
  }
  setrlimit(RLIMIT_NOFILE, &limit);
  party_close(a);
  party_close(b);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(120);
  manager_start();
  thread_ends_unsaid();
  readiness();
  binder_in_a_call();
  large_read();
  many_descriptors();
  manager_stop();
  return 0;
}
