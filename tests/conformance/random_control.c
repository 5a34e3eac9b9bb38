// SPDX-License-Identifier: Apache-2.0
// The controller's side of processes and threads, and how it finds out that nothing moves any more.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"

#define SHARED_ADDRESS 0x320000000000u
#define MAP_ADDRESS 0x300000000000u

struct shared* const shared = (struct shared*)SHARED_ADDRESS;

const struct party_kind kPartyKinds[kParties] = {
    {"A", 0, 3, 32 * 1024, true},  {"B", 1, 3, 32 * 1024, true}, {"C", 2, 2, 16 * 1024, true},
    {"D", 3, 1, 12 * 1024, false}, {"E", 3, 2, 16 * 1024, true},
};

// The driver's pid if it is a process, to which its descriptors are connected; 0 if it is the
// kernel.
static pid_t driver_pid;

// The kernel's driver ends processes in a worker of its own, and threads it has woken run on other
// processors while it is still at it: what they see depends on who is faster. On one processor, in
// fixed order of priority, everything has its effect before any of the woken threads sees it, and
// these run in the order in which they were woken.
enum { kControllerPriority = 1, kWaiterPriority = 10, kActorPriority = 20, kWorkerPriority = 30 };

uintptr_t map_address(int party) { return MAP_ADDRESS + (uintptr_t)party * 0x1000000; }

struct slot* slot_of(int party, int thread) {
  return &shared->slots[party * kThreads + thread];
}
struct slot* main_slot(int process) {
  return &shared->slots[kParties * kThreads + process];
}

const char* slot_name(const struct slot* slot) {
  static char name[8];
  const int index = (int)(slot - shared->slots);
  if (slot->party < 0) return "main";
  snprintf(name, sizeof(name), "%s%d", kPartyKinds[slot->party].name, index % kThreads);
  return name;
}

const char* process_name(int32_t pid) {
  static const char* const kNames[kProcesses] = {"A", "B", "C", "DE"};
  for (int i = 0; i < kProcesses; ++i) {
    if (shared->pids[i] == pid) return kNames[i];
  }
  return "gone";
}

static void die(const char* what) {
  fflush(stdout);
  perror(what);
  exit(1);
}

static void set_priority(pid_t tid, int priority) {
  const struct sched_param parameters = {.sched_priority = priority};
  if (driver_pid == 0) sched_setscheduler(tid, SCHED_FIFO, &parameters);
}

// Whether the kernel's workers on the first processor are idle. They run before the threads.
static bool workers_idle(void) {
  bool idle = true;
  if (driver_pid != 0) return true;
  DIR* const directory = opendir("/proc");
  struct dirent* entry;
  if (directory == NULL) die("/proc");
  while ((entry = readdir(directory)) != NULL) {
    static const char kName[] = "kworker/0:";
    char path[300], text[300] = "";
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    close(fd);
    const char* const name = strchr(text, '(');
    const char* const state = strrchr(text, ')');
    if (size <= 0 || state == NULL || strncmp(name + 1, kName, sizeof(kName) - 1) != 0) continue;
    set_priority(atoi(entry->d_name), kWorkerPriority);
    if (state[2] != 'I') idle = false;
  }
  closedir(directory);
  return idle;
}

static void flush_workers(void) {
  while (!workers_idle()) usleep(200);
}

static void find_driver(void) {
  struct ucred peer;
  socklen_t size = sizeof(peer);
  const char* const device = getenv("BINDER_DEVICE");
  const int fd = open(device != NULL ? device : "/dev/binder", O_RDWR | O_CLOEXEC);
  if (fd < 0) die("open");
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) driver_pid = peer.pid;
  close(fd);
}

void control_start(void) {
  void* const map = mmap(shared, sizeof(*shared), PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (map != (void*)shared) die("mmap");
  if (dup2(open("/dev/null", O_RDWR | O_CLOEXEC), kFdOne) < 0 || dup2(kFdOne, kFdTwo) < 0) {
    die("descriptors");
  }
  for (int party = 0; party < kParties; ++party) {
    for (int i = 0; i < kThreads; ++i) slot_of(party, i)->party = party;
  }
  for (int i = 0; i < kProcesses; ++i) main_slot(i)->party = -1;
  find_driver();
  if (driver_pid == 0) {
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof(first), &first);
    set_priority(0, kControllerPriority);
    (void)workers_idle();
  }
}

// --- settling ---

// 'S' and the rest of /proc/…/stat; how often it has slept. False: it is gone.
struct activity {
  char state;
  unsigned long switches;
};

static bool look_at(pid_t pid, pid_t tid, struct activity* activity) {
  char path[64], text[4096];
  snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t size = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (size <= 0) return false;
  text[size] = '\0';
  const char* const state = strstr(text, "\nState:\t");
  const char* const switches = strstr(text, "\nvoluntary_ctxt_switches:\t");
  if (state == NULL || switches == NULL) die("status of a thread");
  activity->state = state[8];
  activity->switches = strtoul(switches + 26, NULL, 10);
  return true;
}

// Whether the driver waits for events. It may sleep elsewhere in the middle of its work, as for a lock
// that another thread of its process has for a moment.
static bool driver_waits(void) {
  char path[64], text[64];
  snprintf(path, sizeof(path), "/proc/%d/syscall", driver_pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die(path);
  const ssize_t size = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (size <= 0) die(path);
  text[size] = '\0';
  const long number = text[0] >= '0' && text[0] <= '9' ? strtol(text, NULL, 10) : -1;
  return number == SYS_epoll_wait || number == SYS_epoll_pwait;
}

static pid_t pid_of(const struct slot* slot) {
  const int index = (int)(slot - shared->slots);
  return shared
      ->pids[slot->party < 0 ? index - kParties * kThreads : kPartyKinds[slot->party].process];
}

// Every busy thread sleeps. Whatever woke one of them made it runnable at once.
static bool all_sleep(struct activity* activities) {
  for (int i = 0; i < kSlots; ++i) {
    struct slot* const slot = &shared->slots[i];
    activities[i] = (struct activity){.state = 0};
    if (atomic_load(&slot->state) != kBusy) continue;
    if (!look_at(pid_of(slot), slot->tid, &activities[i])) die("a thread is gone");
    if (activities[i].state != 'S') return false;
  }
  return true;
}

static bool is_settled(void) {
  struct activity before[kSlots], after[kSlots], driver;
  if (!all_sleep(before)) return false;
  if (driver_pid == 0) return true;
  // Their requests woke the driver before they slept. If the driver sleeps it has done everything,
  // and if they still sleep as before, they were not woken by it.
  if (!look_at(driver_pid, driver_pid, &driver)) die("the driver is gone");
  return driver.state == 'S' && driver_waits() && all_sleep(after) && memcmp(before, after, sizeof(before)) == 0;
}

void settle_all(void) {
  while (!is_settled()) sched_yield();
  for (int i = 0; i < kSlots; ++i) {
    if (atomic_load(&shared->slots[i].state) == kBusy) {
      set_priority(shared->slots[i].tid, kWaiterPriority);
    }
  }
}

// --- what the controller does ---

void post(struct slot* slot, enum request_kind kind) {
  set_priority(slot->tid, kActorPriority);
  slot->kind = kind;
  atomic_store(&slot->state, kBusy);
  syscall(SYS_futex, &slot->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void run(struct slot* slot, enum request_kind kind) {
  post(slot, kind);
  settle_all();
  if (kind == kClose) {
    flush_workers();
    settle_all();
  }
  if (atomic_load(&slot->state) != kDone) die("what cannot wait waits");
  atomic_store(&slot->state, kIdle);
}

void thread_start(int party, int thread) {
  struct slot* const slot = slot_of(party, thread);
  struct slot* const starter = main_slot(kPartyKinds[party].process);
  starter->command = (uint32_t)(slot - shared->slots);
  atomic_store(&slot->state, kAbsent);
  run(starter, kStart);
  while (atomic_load(&slot->state) == kAbsent) usleep(100);
}

void thread_end(struct slot* slot) {
  struct slot* const joiner = main_slot(kPartyKinds[slot->party].process);
  run(slot, kEnd);
  atomic_store(&slot->state, kAbsent);
  joiner->command = (uint32_t)(slot - shared->slots);
  run(joiner, kJoin);
}

void process_start(int process) {
  fflush(stdout);
  atomic_store(&main_slot(process)->state, kAbsent);
  const pid_t pid = fork();
  if (pid < 0) die("fork");
  if (pid == 0) actor_main(process);
  shared->pids[process] = pid;
  while (atomic_load(&main_slot(process)->state) == kAbsent) usleep(100);
}

void process_kill(int process) {
  kill(shared->pids[process], SIGKILL);
  if (waitpid(shared->pids[process], NULL, 0) != shared->pids[process]) die("waitpid");
  atomic_store(&main_slot(process)->state, kAbsent);
  for (int i = 0; i < kParties * kThreads; ++i) {
    if (kPartyKinds[shared->slots[i].party].process == process) {
      atomic_store(&shared->slots[i].state, kAbsent);
    }
  }
  shared->pids[process] = 0;
  flush_workers();
  settle_all();
}

void interrupt_slot(struct slot* slot) { syscall(SYS_tgkill, pid_of(slot), slot->tid, SIGUSR1); }
