// SPDX-License-Identifier: Apache-2.0
// Threads: how they register, when one more is requested, and their first read.
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "conformance.h"

static struct party* a;
static struct party* b;
static uint32_t to_a;

static void begin(const char* name, uint32_t max_threads) {
  area(name);
  a = party_open("A");
  b = party_open("B");
  to_a = share(a, 0x1000, 0, b);
  if (ioctl(a->fd, BINDER_SET_MAX_THREADS, &max_threads) != 0) perror("max threads");
}

static void end(void) {
  party_close(a);
  party_close(b);
}

static void wake_up(uint32_t code) {
  put_call(b, to_a, code, TF_ONE_WAY);
  settle(b);
}

static void first_reads(void) {
  area("first_read");
  a = open_raw("A", O_NONBLOCK, 0);
  struct pollfd ready = {.fd = a->fd, .events = POLLIN};
  exchange(a, "of a new thread");
  exchange(a, "its second");
  note_result("poll", poll(&ready, 1, 0));
  struct worker* const worker = worker_start();
  put(a, BC_ENTER_LOOPER);
  exchange_by(worker, a, "of another thread, with a command");
  exchange_by(worker, a, "its second");
  put(a, BC_ENTER_LOOPER);
  write_only(a, "a write only");
  exchange(a, "and a read");
  worker_stop(worker);
  struct worker* const third = worker_start();
  put(a, BC_ENTER_LOOPER);
  write_only_by(third, a, "a third thread writes");
  exchange_by(third, a, "and reads");
  worker_stop(third);
  thread_exit(a, "exit");
  exchange(a, "after an exit and a first read");
  party_close(a);
  a = open_raw("A", O_NONBLOCK, 0);
  struct binder_version version;
  note_result("version", ioctl(a->fd, BINDER_VERSION, &version));
  exchange(a, "after the version");
  a->read_size = 4;
  exchange(a, "four bytes");
  party_close(a);
}

static void spawning(void) {
  begin("spawn", 2);
  wake_up(1);
  exchange(a, "no looper");
  put_free(a);
  put(a, BC_ENTER_LOOPER);
  wake_up(2);
  exchange(a, "a looper");
  put_free(a);
  wake_up(3);
  exchange(a, "asked already");
  put_free(a);
  struct worker* const second = worker_start();
  put(a, BC_REGISTER_LOOPER);
  exchange_by(second, a, "the second registers");
  wake_up(4);
  exchange_by(second, a, "the second reads");
  put_free(a);
  wake_up(5);
  exchange_by(second, a, "the second again");
  put_free(a);
  struct worker* const third = worker_start();
  put(a, BC_REGISTER_LOOPER);
  exchange_by(third, a, "the third registers");
  wake_up(6);
  exchange_by(third, a, "as many as allowed");
  put_free(a);
  struct worker* const fourth = worker_start();
  put(a, BC_REGISTER_LOOPER);
  exchange_by(fourth, a, "one that nobody asked for");
  wake_up(7);
  exchange_by(fourth, a, "it reads");
  put_free(a);
  put(a, BC_REGISTER_LOOPER);
  exchange(a, "registers what has entered");
  wake_up(8);
  exchange(a, "reads");
  put_free(a);
  put(a, BC_EXIT_LOOPER);
  exchange(a, "leaves");
  wake_up(9);
  exchange(a, "reads after leaving");
  put_free(a);
  worker_stop(second);
  worker_stop(third);
  worker_stop(fourth);
  end();
}

static void none_allowed(void) {
  begin("spawn_none", 0);
  put(a, BC_ENTER_LOOPER);
  wake_up(1);
  exchange(a, "a looper");
  put_free(a);
  put(a, BC_REGISTER_LOOPER);
  put(a, BC_ENTER_LOOPER);
  put(a, BC_EXIT_LOOPER);
  put(a, BC_EXIT_LOOPER);
  exchange(a, "all at once");
  uint32_t many = 5;
  note_result("more", ioctl(a->fd, BINDER_SET_MAX_THREADS, &many));
  wake_up(2);
  exchange(a, "after raising the number");
  put_free(a);
  end();

  begin("spawn_without_work", 5);
  put(a, BC_ENTER_LOOPER);
  exchange(a, "nothing to read");
  struct worker* const second = worker_start();
  put(a, BC_ENTER_LOOPER);
  exchange_by(second, a, "the first read of a looper");
  worker_stop(second);
  end();
}

// A read behind the bytes of an earlier one, when a thread is wanted.
static void continued(void) {
  begin("continued_read", 2);
  put(a, BC_ENTER_LOOPER);
  write_only(a, "enters");
  for (uint32_t code = 1; code <= 2; ++code) {
    wake_up(code);
    uint32_t in[64];
    memset(in, 0xa5, sizeof(in));
    struct binder_write_read bwr = {
        .read_buffer = (uintptr_t)in, .read_size = sizeof(in), .read_consumed = 8};
    const int result = ioctl(a->fd, BINDER_WRITE_READ, &bwr);
    note("read", "%d, consumed %llu, first %x %x,", result, (unsigned long long)bwr.read_consumed,
         in[0], in[1]);
    print_returns(a, (const uint8_t*)(in + 2), bwr.read_consumed - 8);
    putchar('\n');
    put_free(a);
    write_only(a, "freed");
  }
  end();
}

void run_loopers(void) {
  first_reads();
  spawning();
  none_allowed();
  continued();
}
