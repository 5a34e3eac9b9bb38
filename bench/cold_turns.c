// SPDX-License-Identifier: Apache-2.0
// cold_turns PROCESSES HOSTS CALLS: what bench/scale measures, with programs that do nothing. It
// has that many pairs of threads, one that serves and one that calls, and a process for each host
// that hands the turn on as an agent does: woken by an eventfd or by TCP, it wakes a thread or
// another host. The more there are, the longer each has been idle when its turn comes, and only the
// cost of fetching its memory into the caches shows here. Prints the median and the 99 % time of a
// call between random ones, in microseconds.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "times.h"

enum { kWarmUpCalls = 5, kStackBytes = 64 * 1024, kEvents = 16 };

// A page for each process, as its channel has; the counts determine whose turn it is.
struct process {
  _Alignas(4096) _Atomic uint32_t called;  // by its calling thread
  _Atomic uint32_t answered;               // to it
  _Atomic uint32_t serving;                // of its serving thread
  _Atomic uint32_t served;                 // by it
  uint32_t callee;
  uint32_t caller;
};

struct message {
  uint32_t is_answer;
  uint32_t from;
  uint32_t to;
};

static struct process* processes;
static size_t count;
static size_t hosts;
static int* doorbells;
static int* sockets;  // from a host (row) to another
static sem_t* to_call;
static sem_t called;
static uint64_t* times;  // of each process's last call

static void die(const char* what) {
  perror(what);
  exit(1);
}

static void wait_for(_Atomic uint32_t* turn, uint32_t taken) {
  while (atomic_load(turn) == taken) syscall(SYS_futex, turn, FUTEX_WAIT, taken, NULL, NULL, 0);
}

static void give(_Atomic uint32_t* turn) {
  atomic_fetch_add(turn, 1);
  syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void ring(size_t process) {
  const uint64_t one = 1;
  if (write(doorbells[process], &one, sizeof(one)) != sizeof(one)) die("eventfd");
}

// ---- the hosts ----

static void deliver(const struct message* message) {
  struct process* const to = &processes[message->to];
  if (message->is_answer) {
    give(&to->answered);
  } else {
    to->caller = message->from;
    give(&to->serving);
  }
}

static void hand_on(size_t host, const struct message* message) {
  const size_t other = message->to % hosts;
  if (other == host) {
    deliver(message);
  } else if (send(sockets[host * hosts + other], message, sizeof(*message), MSG_NOSIGNAL) !=
             sizeof(*message)) {
    die("send");
  }
}

static void watch(int set, int fd, uint64_t what) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = what};
  if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) != 0) die("epoll_ctl");
}

static void run_host(size_t host) {
  const int set = epoll_create1(0);
  uint32_t* const calls = calloc(count, sizeof(*calls));
  uint32_t* const answers = calloc(count, sizeof(*answers));
  for (size_t i = host; i < count; i += hosts) watch(set, doorbells[i], i);
  for (size_t i = 0; i < hosts; ++i) {
    if (i != host) watch(set, sockets[host * hosts + i], count + i);
  }
  for (;;) {
    struct epoll_event events[kEvents];
    const int ready = epoll_wait(set, events, kEvents, -1);
    for (int i = 0; i < ready; ++i) {
      const uint64_t what = events[i].data.u64;
      struct message message;
      if (what >= count) {
        const int from = sockets[host * hosts + (what - count)];
        while (recv(from, &message, sizeof(message), MSG_DONTWAIT) == sizeof(message)) {
          deliver(&message);
        }
        continue;
      }
      struct process* const process = &processes[what];
      message.from = (uint32_t)what;
      if (atomic_load(&process->called) != calls[what]) {
        ++calls[what];
        message.is_answer = false;
        message.to = process->callee;
        hand_on(host, &message);
      }
      if (atomic_load(&process->served) != answers[what]) {
        ++answers[what];
        message.is_answer = true;
        message.to = process->caller;
        hand_on(host, &message);
      }
    }
  }
}

static void connect_hosts(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof(address);
  const int on = 1;
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (struct sockaddr*)&address, size) != 0 || listen(listener, 1) != 0 ||
      getsockname(listener, (struct sockaddr*)&address, &size) != 0) {
    die("listen");
  }
  for (size_t a = 0; a < hosts; ++a) {
    for (size_t b = a + 1; b < hosts; ++b) {
      const int here = socket(AF_INET, SOCK_STREAM, 0);
      if (connect(here, (struct sockaddr*)&address, size) != 0) die("connect");
      const int there = accept(listener, NULL, NULL);
      setsockopt(here, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      setsockopt(there, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      sockets[a * hosts + b] = here;
      sockets[b * hosts + a] = there;
    }
  }
  close(listener);
}

// ---- the programs ----

static void* serve(void* argument) {
  const size_t self = (size_t)(uintptr_t)argument;
  for (uint32_t taken = 0;; ++taken) {
    wait_for(&processes[self].serving, taken);
    atomic_fetch_add(&processes[self].served, 1);
    ring(self);
  }
  return NULL;
}

static void* call(void* argument) {
  const size_t self = (size_t)(uintptr_t)argument;
  for (uint32_t taken = 0;; ++taken) {
    while (sem_wait(&to_call[self]) != 0) {
    }
    const uint64_t before = now_ns();
    atomic_fetch_add(&processes[self].called, 1);
    ring(self);
    wait_for(&processes[self].answered, taken);
    times[self] = now_ns() - before;
    sem_post(&called);
  }
  return NULL;
}

static size_t below(size_t bound) {
  static uint64_t state = 0x9e3779b97f4a7c15u;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(state >> 33) % bound;
}

static uint64_t time_call(size_t from) {
  const size_t other = below(count - 1);
  processes[from].callee = (uint32_t)(other < from ? other : other + 1);
  sem_post(&to_call[from]);
  while (sem_wait(&called) != 0) {
  }
  return times[from];
}

static void start_threads(void) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, kStackBytes);
  // Shared ones: all private futexes of one program are in a few lists, which thousands of sleepers
  // make long.
  sem_init(&called, 1, 0);
  for (size_t i = 0; i < count; ++i) {
    pthread_t thread;
    sem_init(&to_call[i], 1, 0);
    if (pthread_create(&thread, &small, serve, (void*)(uintptr_t)i) != 0 ||
        pthread_create(&thread, &small, call, (void*)(uintptr_t)i) != 0) {
      die("thread");
    }
  }
}

int main(int argc, char** argv) {
  count = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;
  hosts = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
  const size_t calls = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
  if (count < 2 || hosts == 0 || calls == 0) {
    fprintf(stderr, "usage: cold_turns PROCESSES HOSTS CALLS\n");
    return 2;
  }
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  processes = mmap(NULL, count * sizeof(*processes), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  doorbells = calloc(count, sizeof(*doorbells));
  sockets = calloc(hosts * hosts, sizeof(*sockets));
  to_call = calloc(count, sizeof(*to_call));
  times = calloc(count, sizeof(*times));
  pid_t* const agents = calloc(hosts, sizeof(*agents));
  uint64_t* const all = calloc(calls, sizeof(*all));
  if (processes == MAP_FAILED) die("mmap");
  for (size_t i = 0; i < count; ++i) {
    doorbells[i] = eventfd(0, EFD_NONBLOCK);
    if (doorbells[i] < 0) die("eventfd");
  }
  connect_hosts();
  const pid_t parent = getpid();
  for (size_t i = 0; i < hosts; ++i) {
    agents[i] = fork();
    if (agents[i] < 0) die("fork");
    if (agents[i] > 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) run_host(i);
    _exit(1);
  }
  start_threads();
  for (size_t i = 0; i < count * kWarmUpCalls; ++i) (void)time_call(i % count);
  for (size_t i = 0; i < calls; ++i) all[i] = time_call(below(count));
  for (size_t i = 0; i < hosts; ++i) {
    kill(agents[i], SIGKILL);
    waitpid(agents[i], NULL, 0);
  }
  sort_times(all, calls);
  printf("%.1f %.1f\n", (double)all[calls / 2] / 1000, (double)all[calls * 99 / 100] / 1000);
  return 0;
}
