// SPDX-License-Identifier: Apache-2.0
//
// Asks for the device in unusual ways, and prints what it is told.
#include <errno.h>
#include <fcntl.h>
#include <linux/android/binder.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* error_of(int failed) { return failed ? strerror(errno) : "ok"; }

// ---- paths ----

static void try_it(const char* how, int fd) {
  struct binder_version version = {0};
  if (fd < 0) {
    printf("%s: %s\n", how, strerror(errno));
    return;
  }
  int failed = ioctl(fd, BINDER_VERSION, &version);
  printf("%s: version %d%s%s\n", how, failed ? -1 : version.protocol_version, failed ? " " : "",
         failed ? strerror(errno) : "");
  close(fd);
}

static int paths(void) {
  struct stat status;
  char text[4096];
  symlink("/dev/binder", "link");
  symlink("link", "link.to.link");
  symlink("/dev", "folder");
  try_it("link", open("link", O_RDWR));
  try_it("link of a link", open("./link.to.link", O_RDWR));
  try_it("link not followed", open("link", O_RDWR | O_NOFOLLOW));
  try_it("made by a link", open("link", O_RDWR | O_CREAT, 0600));
  try_it("below a link", open("folder/binder", O_RDWR));
  try_it("..", open("/dev/../dev/./binder", O_RDWR));
  try_it("slash behind it", open("/dev/binder/", O_RDWR));
  try_it("nothing there", open("folder/bindr", O_RDWR));
  int folder = open("/dev", O_RDONLY | O_DIRECTORY);
  try_it("directory", openat(folder, "binder", O_RDWR));
  if (chdir("/dev") != 0) return 1;
  try_it("working directory", open("binder", O_RDWR));
  int fd = open("/dev/binder", O_RDWR);
  snprintf(text, sizeof text, "/proc/self/fd/%d", fd);
  try_it("its descriptor", open(text, O_RDWR));
  char target[64] = "";
  readlink(text, target, sizeof target - 1);
  printf("link of the descriptor: %s\n", target);
  printf("realpath: %s\n", realpath("./binder", text) ? text : strerror(errno));
  printf("stat below a link: %s %o\n", error_of(stat("/dev/fd/../../../dev/binder", &status)),
         status.st_mode);
  printf("access: %s\n", error_of(access("binder", R_OK | W_OK)));
  printf("chmod: %s\n", error_of(chmod("binder", 0666)));
  printf("chown: %s\n", error_of(fchownat(folder, "binder", 0, 0, 0)));
  FILE* stream = fopen("/dev/binder", "r+");
  try_it("stream", stream ? fileno(stream) : -1);
  int place = open("/dev/binder", O_PATH);
  printf("O_PATH: %s %o\n", error_of(fstat(place, &status)), status.st_mode & S_IFMT);
  snprintf(text, sizeof text, "/proc/self/fd/%d", place);
  try_it("opened again", open(text, O_RDWR));
  return 0;
}

// ---- calls ----

static int device(void) {
  int fd = open("/dev/binder", O_RDWR | O_CLOEXEC);
  if (fd < 0 || mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) {
    perror("/dev/binder");
    exit(2);
  }
  return fd;
}

struct call {
  uint32_t command;
  struct binder_transaction_data data;
} __attribute__((packed));

static void write_read(int fd, const void* from, size_t size, void* into, size_t room,
                       size_t* got) {
  struct binder_write_read io = {.write_buffer = (uintptr_t)from,
                                 .write_size = size,
                                 .read_buffer = (uintptr_t)into,
                                 .read_size = room};
  if (ioctl(fd, BINDER_WRITE_READ, &io) != 0) {
    perror("ioctl");
    exit(3);
  }
  if (got) *got = io.read_consumed;
}

// The first call or reply that is read.
static uint32_t next(int fd, struct binder_transaction_data* data) {
  for (;;) {
    uint8_t bytes[256];
    size_t got = 0;
    write_read(fd, NULL, 0, bytes, sizeof bytes, &got);
    for (size_t at = 0; at + 4 <= got;) {
      uint32_t command;
      memcpy(&command, bytes + at, 4);
      at += 4;
      if (command == BR_TRANSACTION || command == BR_REPLY) {
        memcpy(data, bytes + at, sizeof *data);
        return command;
      }
      if (command == BR_DEAD_REPLY || command == BR_FAILED_REPLY) return command;
      at += _IOC_SIZE(command);
    }
  }
}

static int serve(int count) {
  int fd = device(), none = 0;
  if (ioctl(fd, BINDER_SET_CONTEXT_MGR, &none) != 0) {
    perror("manager");
    return 4;
  }
  uint32_t enter = BC_ENTER_LOOPER;
  write_read(fd, &enter, sizeof enter, NULL, 0, NULL);
  puts("serving");
  fflush(stdout);
  for (int i = 0; i < count; ++i) {
    struct binder_transaction_data data;
    if (next(fd, &data) != BR_TRANSACTION) return 5;
    printf("call %u: pid %d euid %d\n", data.code, data.sender_pid, (int)data.sender_euid);
    fflush(stdout);
    struct call reply = {BC_REPLY, {0}};
    write_read(fd, &reply, sizeof reply, NULL, 0, NULL);
  }
  return 0;
}

static int make_call(unsigned code) {
  int fd = device();
  struct call call = {BC_TRANSACTION, {.code = code}};
  struct binder_transaction_data data;
  if (getenv("SAY_PID")) {
    printf("I am %d\n", getpid());
    fflush(stdout);
  }
  write_read(fd, &call, sizeof call, NULL, 0, NULL);
  return next(fd, &data) == BR_REPLY ? 0 : 6;
}

// ---- threads ----

static int shared_fd;
static pthread_barrier_t together;
static int failures;

static void* ask_with_others(void* unused) {
  struct binder_version version;
  if (ioctl(shared_fd, BINDER_VERSION, &version) != 0) __sync_fetch_and_add(&failures, 1);
  pthread_barrier_wait(&together);  // nobody ends before everybody has asked
  return unused;
}

static int threads(int count) {
  shared_fd = device();
  pthread_barrier_init(&together, NULL, count);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 << 10);
  pthread_t* all = calloc(count, sizeof *all);
  for (int i = 0; i < count; ++i) pthread_create(&all[i], &small, ask_with_others, NULL);
  for (int i = 0; i < count; ++i) pthread_join(all[i], NULL);
  printf("%d threads, %d refused\n", count, failures);
  return 0;
}

// ---- few descriptors ----

static int few(int free_numbers) {
  int highest = dup(0);
  close(highest);
  struct rlimit limit = {.rlim_cur = highest + free_numbers, .rlim_max = highest + free_numbers};
  setrlimit(RLIMIT_NOFILE, &limit);
  int fd = open("/dev/binder", O_RDWR);
  printf("with %d free: %s\n", free_numbers, error_of(fd < 0));
  void* memory = mmap(NULL, 65536, PROT_READ, MAP_PRIVATE, fd, 0);
  printf("mapped: %s\n", error_of(memory == MAP_FAILED));
  int left = 0;
  while (dup(0) >= 0) ++left;
  printf("left: %d\n", left);
  return 0;
}

// ---- raw system calls ----

#if defined(__x86_64__)
static long raw(long number, long a, long b, long c, long d) {
  long result;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                   : "rcx", "r11", "memory");
  return result;
}
#else
static long raw(long number, long a, long b, long c, long d) {
  long result = syscall(number, a, b, c, d);
  return result < 0 ? -errno : result;
}
#endif

static int raw_fd;
static volatile int begun;

static void ask_raw(const char* who) {
  struct binder_version version = {0};
  long result = raw(SYS_ioctl, raw_fd, BINDER_VERSION, (long)&version, 0);
  printf("%s: %s %d\n", who, result < 0 ? strerror((int)-result) : "ok", version.protocol_version);
  fflush(stdout);
}

static void* early(void* unused) {
  while (!begun) usleep(1000);
  ask_raw("a thread from before the open");
  return unused;
}

static void* late(void* unused) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
  ask_raw("a thread that blocks every signal");
  unsigned long mask = ~0UL;
  raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8);
  ask_raw("and by a system call");
  return unused;
}

static void in_handler(int signal) {
  (void)signal;
  ask_raw("a handler");
}

static void on_foreign_sigsys(int signal) {
  (void)signal;
  puts("the program's own SIGSYS");
}

static int raw_calls(const char* self) {
  pthread_t thread;
  pthread_create(&thread, NULL, early, NULL);
  signal(SIGSYS, on_foreign_sigsys);
  raw_fd = getenv("OPEN_RAW") ? (int)raw(SYS_openat, AT_FDCWD, (long)"/dev/binder", O_RDWR, 0)
                              : open("/dev/binder", O_RDWR);
  begun = 1;
  pthread_join(thread, NULL);
  pthread_create(&thread, NULL, late, NULL);
  pthread_join(thread, NULL);
  printf("syscall(2): %s\n", error_of(syscall(SYS_ioctl, raw_fd, BINDER_VERSION, &(struct binder_version){0})));
  long memory = raw(SYS_mmap, 0, 65536, PROT_READ, MAP_PRIVATE);  // and no descriptor: not ours
  (void)memory;
  printf("opened: %s\n", raw(SYS_openat, AT_FDCWD, (long)"/dev/binder", O_RDWR, 0) < 0 ? "no" : "ok");
  signal(SIGUSR1, in_handler);
  raise(SIGUSR1);
  raise(SIGSYS);
  int status = 0;
  fflush(stdout);
  if (fork() == 0) {
    ask_raw("a forked process");
    execl(self, self, "executed", (char*)NULL);
  }
  wait(&status);
  long pid = raw(SYS_fork, 0, 0, 0, 0);
  if (pid == 0) {
    ask_raw("one forked by a system call");
    _exit(0);
  }
  waitpid((pid_t)pid, &status, 0);
  printf("ended with %d\n", status);
  return 0;
}

// ---- limits, children, numbers of descriptors, signals ----

static int locked(void) {
  struct binder_version version = {0};
  printf("locking: %s\n", error_of(mlockall(MCL_FUTURE)));
  int fd = open("/dev/binder", O_RDWR | O_CLOEXEC);
  printf("open: %s\n", error_of(fd < 0));
  printf("version: %s\n", error_of(ioctl(fd, BINDER_VERSION, &version)));
  void* arena = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE, fd, 0);
  printf("map: %s\n", error_of(arena == MAP_FAILED));
  return 0;
}

// Children, some at a time, that use what their parent has opened.
static int forks(int count) {
  int fd = open("/dev/binder", O_RDWR | O_CLOEXEC);
  int failed = 0, running = 0, status = 0;
  for (int i = 0; i < count; ++i) {
    if (fork() == 0) {
      struct binder_version version = {0};
      _exit(ioctl(fd, BINDER_VERSION, &version) == 0 && version.protocol_version == 8 ? 0 : 1);
    }
    if (++running < 16) continue;
    wait(&status);
    failed += status != 0;
    --running;
  }
  for (; running > 0; --running) {
    wait(&status);
    failed += status != 0;
  }
  printf("%d children, %d failed\n", count, failed);
  return 0;
}

static void close_by(const char* how, int fd) {
  if (strcmp(how, "close") == 0) close(fd);
  if (strcmp(how, "a system call") == 0) syscall(SYS_close, fd);
  if (strcmp(how, "close_range") == 0) close_range((unsigned)fd, (unsigned)fd, 0);
  if (strcmp(how, "fclose") == 0) fclose(fdopen(fd, "r+"));
}

static int reused(void) {
  static const char* const ways[] = {"close", "a system call", "close_range", "fclose"};
  for (unsigned i = 0; i < 4; ++i) {
    struct binder_version version = {0};
    int fd = open("/dev/binder", O_RDWR | O_CLOEXEC);
    close_by(ways[i], fd);
    int next = open("/dev/null", O_RDWR | O_CLOEXEC);
    printf("closed by %s, same number %d: %s\n", ways[i], next == fd,
           error_of(ioctl(next, BINDER_VERSION, &version)));
    close(next);
  }
  return 0;
}

static volatile sig_atomic_t handled = 0;
static void handle(int number) {
  (void)number;
  handled = 1;
}

// A signal that has a handler, while the thread waits. The agent may be stopped by then.
static int signalled(void) {
  int fd = open("/dev/binder", O_RDWR | O_CLOEXEC);
  struct binder_version version = {0};
  ioctl(fd, BINDER_VERSION, &version);
  struct sigaction action = {.sa_handler = handle};
  sigaction(SIGALRM, &action, NULL);
  char buffer[256];
  struct binder_write_read bwr = {.read_size = sizeof buffer, .read_buffer = (uintptr_t)buffer};
  ioctl(fd, BINDER_WRITE_READ, &bwr);  // the first one does not wait
  printf("ready\n");
  getchar();
  alarm(1);
  bwr.read_consumed = 0;
  int failed = ioctl(fd, BINDER_WRITE_READ, &bwr);
  printf("handled %d: %s\n", (int)handled, error_of(failed));
  return 0;
}

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  const char* what = argc > 1 ? argv[1] : "";
  int number = argc > 2 ? atoi(argv[2]) : 0;
  if (strcmp(what, "paths") == 0) return paths();
  if (strcmp(what, "serve") == 0) return serve(number);
  if (strcmp(what, "call") == 0) return make_call((unsigned)number);
  if (strcmp(what, "threads") == 0) return threads(number);
  if (strcmp(what, "few") == 0) return few(number);
  if (strcmp(what, "locked") == 0) return locked();
  if (strcmp(what, "forks") == 0) return forks(number);
  if (strcmp(what, "reused") == 0) return reused();
  if (strcmp(what, "signalled") == 0) return signalled();
  if (strcmp(what, "raw") == 0) return raw_calls("/proc/self/exe");
  if (strcmp(what, "executed") == 0) {
    printf("executed: %s\n", raw(SYS_getpid, 0, 0, 0, 0) == getpid() ? "ok" : "no");
    return 0;
  }
  fprintf(stderr, "usage: reach_probe paths|serve N|call N|threads N|few N|locked|forks N|reused|signalled|raw\n");
  return 2;
}
