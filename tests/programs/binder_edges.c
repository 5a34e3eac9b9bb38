// SPDX-License-Identifier: Apache-2.0
// binder_edges: the behaviour of a binder descriptor in edge cases: bad pointers, mapping rules,
// dup, close, fork, signals. Needs no other process and no service manager. Prints one line for
// each observation, to be compared between the kernel's driver and the shim; observations that are
// allowed to differ are made equal here. The device is /dev/binder or the one in BINDER_DEVICE.
#include <errno.h>
#include <fcntl.h>
#include <linux/android/binder.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kPage = 4096 };

static const char* device = "/dev/binder";

static void report(const char* what, long result) {
  if (result < 0) {
    printf("%s: %s\n", what, strerrorname_np(errno));
  } else {
    printf("%s: %ld\n", what, result);
  }
}

static int open_device(int flags) {
  const int fd = open(device, O_RDWR | flags);
  if (fd < 0) {
    perror(device);
    exit(1);
  }
  return fd;
}

static void pause_ms(unsigned milliseconds) {
  struct timespec left = {.tv_sec = milliseconds / 1000,
                          .tv_nsec = (long)(milliseconds % 1000) * 1000000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

static uint8_t* pages(size_t count, int protection) {
  void* const memory =
      mmap(NULL, count * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) abort();
  if (mprotect(memory, count * kPage, protection) != 0) abort();
  return memory;
}

static binder_uintptr_t address(const void* pointer) {
  return (binder_uintptr_t)(uintptr_t)pointer;
}

static void write_read(const char* what, int fd, struct binder_write_read* bwr) {
  const int result = ioctl(fd, BINDER_WRITE_READ, bwr);
  printf("%s: %s, written %llu, read %llu\n", what, result < 0 ? strerrorname_np(errno) : "0",
         (unsigned long long)bwr->write_consumed, (unsigned long long)bwr->read_consumed);
}

// The first read of a thread returns at once, whatever there is; a poll before it says so.
static void prime(int fd) {
  uint32_t in[64];
  struct binder_write_read bwr = {.read_buffer = address(in), .read_size = sizeof(in)};
  if (ioctl(fd, BINDER_WRITE_READ, &bwr) != 0) perror("the first read");
}

static void test_files(void) {
  struct stat status;
  report("access", access(device, R_OK | W_OK));
  report("stat", stat(device, &status));
  printf("character device %d, mode %o\n", S_ISCHR(status.st_mode), status.st_mode & 0777);
  const int fd = open_device(O_CLOEXEC);
  printf("descriptor %d, cloexec %d\n", fd, fcntl(fd, F_GETFD) & FD_CLOEXEC);
  report("fstat", fstat(fd, &status));
  printf("character device %d\n", S_ISCHR(status.st_mode));
  close(fd);
  report("fstat of the closed", fstat(fd, &status));
  const int plain = open_device(0);
  printf("descriptor %d, cloexec %d\n", plain, fcntl(plain, F_GETFD) & FD_CLOEXEC);
  close(plain);
}

// The driver has neither, and a stray one does no harm.
static void test_reading_and_writing(void) {
  const int fd = open_device(O_CLOEXEC);
  char byte = 0;
  struct iovec part = {.iov_base = &byte, .iov_len = 1};
  struct binder_version version;
  report("read", read(fd, &byte, 1));
  report("write", write(fd, &byte, 1));
  report("readv", readv(fd, &part, 1));
  report("writev", writev(fd, &part, 1));
  report("version after it", ioctl(fd, BINDER_VERSION, &version));
  close(fd);
}

// Memory that the program no longer has, however it went.
static void test_freed_memory(void) {
  const int fd = open_device(O_CLOEXEC);
  struct binder_version* const version = (struct binder_version*)pages(1, PROT_READ | PROT_WRITE);
  report("version", ioctl(fd, BINDER_VERSION, version));
  if (syscall(SYS_munmap, version, kPage) != 0) abort();
  report("version in freed memory", ioctl(fd, BINDER_VERSION, version));
  struct binder_write_read* const bwr =
      (struct binder_write_read*)pages(1, PROT_READ | PROT_WRITE);
  report("write read", ioctl(fd, BINDER_WRITE_READ, bwr));
  if (syscall(SYS_munmap, bwr, kPage) != 0) abort();
  report("write read in freed memory", ioctl(fd, BINDER_WRITE_READ, bwr));
  close(fd);
}

static void test_map_arguments(void) {
  const int fd = open_device(O_CLOEXEC);
  const struct {
    const char* what;
    int flags;
    off_t offset;
  } kinds[] = {{"at offset 100", MAP_PRIVATE, 100},
               {"without a kind", 0, 0},
               {"at the second page", MAP_PRIVATE, kPage}};
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
    void* const mapped = mmap(NULL, kPage, PROT_READ, kinds[i].flags, fd, kinds[i].offset);
    report(kinds[i].what, mapped == MAP_FAILED ? -1 : 0);
  }
  close(fd);
}

// A thread that is cancelled in a call ends behind it.
static int called = -1;
static void* call_and_be_cancelled(void* argument) {
  const int fd = *(int*)argument;
  static struct binder_version version;
  pthread_cancel(pthread_self());
  called = ioctl(fd, BINDER_VERSION, &version);
  pthread_testcancel();
  return NULL;
}

static void test_cancellation(void) {
  int fd = open_device(O_CLOEXEC);
  pthread_t thread;
  void* result = NULL;
  if (pthread_create(&thread, NULL, call_and_be_cancelled, &fd) != 0) abort();
  pthread_join(thread, &result);
  printf("a call of a cancelled thread %d, cancelled %d\n", called, result == PTHREAD_CANCELED);
  close(fd);
}

static void test_arguments(void) {
  const int fd = open_device(O_CLOEXEC);
  uint8_t* const none = pages(1, PROT_NONE);
  uint8_t* const constant = pages(1, PROT_READ);
  struct binder_version version;
  uint32_t threads = 3;
  report("version", ioctl(fd, BINDER_VERSION, &version));
  printf("protocol %d\n", version.protocol_version);
  report("version at NULL", ioctl(fd, BINDER_VERSION, NULL));
  report("version at an unreadable page", ioctl(fd, BINDER_VERSION, none));
  report("version at a constant page", ioctl(fd, BINDER_VERSION, constant));
  report("max threads", ioctl(fd, BINDER_SET_MAX_THREADS, &threads));
  report("max threads at NULL", ioctl(fd, BINDER_SET_MAX_THREADS, NULL));
  report("max threads at a constant page", ioctl(fd, BINDER_SET_MAX_THREADS, constant));
  report("write read at NULL", ioctl(fd, BINDER_WRITE_READ, NULL));
  report("write read at an unreadable page", ioctl(fd, BINDER_WRITE_READ, none));
  report("write read at a constant page", ioctl(fd, BINDER_WRITE_READ, constant));
  report("write read across two pages", ioctl(fd, BINDER_WRITE_READ, none + kPage - 8));
  report("node debug info at NULL", ioctl(fd, BINDER_GET_NODE_DEBUG_INFO, NULL));
  report("node info for ref at NULL", ioctl(fd, BINDER_GET_NODE_INFO_FOR_REF, NULL));
  report("manager ext at NULL", ioctl(fd, BINDER_SET_CONTEXT_MGR_EXT, NULL));
  report("freeze at NULL", ioctl(fd, BINDER_FREEZE, NULL));
  report("frozen info at NULL", ioctl(fd, BINDER_GET_FROZEN_INFO, NULL));
  report("spam detection at NULL", ioctl(fd, BINDER_ENABLE_ONEWAY_SPAM_DETECTION, NULL));
  report("extended error at NULL", ioctl(fd, BINDER_GET_EXTENDED_ERROR, NULL));
  report("extended error at a constant page", ioctl(fd, BINDER_GET_EXTENDED_ERROR, constant));
  report("idle timeout", ioctl(fd, BINDER_SET_IDLE_TIMEOUT, &threads));
  report("idle priority", ioctl(fd, BINDER_SET_IDLE_PRIORITY, &threads));
  report("unknown", ioctl(fd, _IOWR('b', 99, struct binder_version), &version));
  report("unknown and large", ioctl(fd, _IOC(_IOC_READ, 'b', 98, 4000), &version));
  report("FIONREAD", ioctl(fd, FIONREAD, &threads));
  report("thread exit", ioctl(fd, BINDER_THREAD_EXIT, 0));
  munmap(none, kPage);
  munmap(constant, kPage);
  close(fd);
}

static void test_buffers(void) {
  const int fd = open_device(O_CLOEXEC | O_NONBLOCK);
  uint8_t* const two = pages(2, PROT_READ | PROT_WRITE);
  mprotect(two + kPage, kPage, PROT_NONE);
  uint8_t* const none = two + kPage;
  uint32_t in[64];
  const uint32_t looper = BC_ENTER_LOOPER;
  const uint32_t exits = BC_EXIT_LOOPER;

  struct binder_write_read bwr = {.read_buffer = address(in), .read_size = sizeof(in)};
  write_read("the first read", fd, &bwr);
  bwr = (struct binder_write_read){.read_buffer = address(in), .read_size = sizeof(in)};
  write_read("nothing to read", fd, &bwr);
  bwr = (struct binder_write_read){0};
  write_read("nothing at all", fd, &bwr);
  bwr = (struct binder_write_read){.write_buffer = address(none), .write_size = 4};
  write_read("unreadable commands", fd, &bwr);
  bwr = (struct binder_write_read){.write_buffer = 0, .write_size = 4};
  write_read("commands at NULL", fd, &bwr);
  memcpy(none - 8, &looper, 4);
  memcpy(none - 4, &exits, 4);
  bwr = (struct binder_write_read){.write_buffer = address(none - 8), .write_size = 12};
  write_read("partly readable commands", fd, &bwr);
  bwr = (struct binder_write_read){.write_buffer = address(none - 8), .write_size = 4000};
  write_read("many partly readable commands", fd, &bwr);
  bwr = (struct binder_write_read){.write_buffer = address(none - 8),
                                   .write_size = 8,
                                   .read_buffer = address(none),
                                   .read_size = 256};
  write_read("unwritable answers", fd, &bwr);
  bwr = (struct binder_write_read){.read_buffer = address(none), .read_size = 256};
  write_read("only unwritable answers", fd, &bwr);
  bwr = (struct binder_write_read){
      .write_buffer = address(&looper), .write_size = 4, .write_consumed = 4};
  write_read("consumed before", fd, &bwr);
  bwr = (struct binder_write_read){
      .write_buffer = address(&looper), .write_size = 4, .write_consumed = 8};
  write_read("consumed too much before", fd, &bwr);
  bwr = (struct binder_write_read){
      .read_buffer = address(in), .read_size = sizeof(in), .read_consumed = 8};
  write_read("read before", fd, &bwr);
  const uint32_t mixed[3] = {BC_EXIT_LOOPER, 0x12345678, BC_EXIT_LOOPER};
  bwr = (struct binder_write_read){.write_buffer = address(mixed),
                                   .write_size = sizeof(mixed),
                                   .read_buffer = address(in),
                                   .read_size = sizeof(in)};
  write_read("unknown command", fd, &bwr);
  bwr = (struct binder_write_read){.write_buffer = address(mixed), .write_size = 2};
  write_read("half a command", fd, &bwr);
  uint32_t cut[2] = {BC_FREE_BUFFER, 0};
  bwr = (struct binder_write_read){.write_buffer = address(cut), .write_size = 4};
  write_read("command without payload", fd, &bwr);
  // More commands than fit into a mailbox.
  static uint32_t many[4096];
  for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); ++i) many[i] = BC_EXIT_LOOPER;
  bwr = (struct binder_write_read){.write_buffer = address(many), .write_size = sizeof(many)};
  write_read("many commands", fd, &bwr);
  munmap(two, 2 * kPage);
  close(fd);
}

static void* try_map(const char* what, int fd, size_t size, int protection, int flags) {
  void* const map = mmap(NULL, size, protection, flags, fd, 0);
  report(what, map == MAP_FAILED ? -1 : 0);
  return map;
}

static void test_maps(void) {
  int fd = open_device(O_CLOEXEC);
  try_map("writable", fd, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE);
  try_map("writable shared", fd, 65536, PROT_READ | PROT_WRITE, MAP_SHARED);
  void* map = try_map("private", fd, 65536, PROT_READ, MAP_PRIVATE | MAP_NORESERVE);
  try_map("twice", fd, 65536, PROT_READ, MAP_PRIVATE);
  report("made writable", mprotect(map, 65536, PROT_READ | PROT_WRITE));
  report("unmapped", munmap(map, 65536));
  try_map("after unmapping", fd, 65536, PROT_READ, MAP_PRIVATE);
  close(fd);
  fd = open_device(O_CLOEXEC);
  map = try_map("large", fd, 16 << 20, PROT_READ, MAP_SHARED);
  report("unmapped", munmap(map, 16 << 20));
  close(fd);
  fd = open_device(O_CLOEXEC);
  uint8_t* const place = pages(16, PROT_NONE);
  map = mmap(place, 16 * kPage, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
  printf("at a fixed place: %d\n", map == place);
  munmap(map, 16 * kPage);
  close(fd);
}

static void test_copies(void) {
  const int fd = open_device(O_CLOEXEC | O_NONBLOCK);
  struct binder_version version;
  const int copy = dup(fd);
  printf("copy %d\n", copy - fd);
  close(fd);
  report("version of the copy", ioctl(copy, BINDER_VERSION, &version));
  report("version of the closed", ioctl(fd, BINDER_VERSION, &version));
  report("dup2", dup2(copy, 40));
  report("dup3", dup3(copy, 41, O_CLOEXEC));
  report("F_DUPFD", fcntl(copy, F_DUPFD, 50));
  report("F_DUPFD_CLOEXEC", fcntl(copy, F_DUPFD_CLOEXEC, 60));
  const int numbers[] = {40, 41, 50, 60};
  for (size_t i = 0; i < 4; ++i) {
    report("version of another", ioctl(numbers[i], BINDER_VERSION, &version));
  }
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  report("dup2 over it", dup2(null, 40));
  report("version of what took its place", ioctl(40, BINDER_VERSION, &version));
  report("close_range", close_range(41, 55, 0));
  report("version of the closed", ioctl(50, BINDER_VERSION, &version));
  report("version of the last", ioctl(60, BINDER_VERSION, &version));
  closefrom(40);
  report("version after closefrom", ioctl(60, BINDER_VERSION, &version));
  report("version of the lowest", ioctl(copy, BINDER_VERSION, &version));
  close(null);
  close(copy);
  report("closed again", close(copy));
}

struct reader {
  int fd;
  struct binder_write_read bwr;
  uint32_t in[64];
  int result;
  int error;
};

static void* read_now(void* argument) {
  struct reader* const reader = argument;
  static const uint32_t kLooper = BC_ENTER_LOOPER;
  reader->bwr = (struct binder_write_read){.write_buffer = address(&kLooper),
                                           .write_size = 4,
                                           .read_buffer = address(reader->in),
                                           .read_size = sizeof(reader->in)};
  reader->result = ioctl(reader->fd, BINDER_WRITE_READ, &reader->bwr);
  reader->error = errno;
  return NULL;
}

static void* read_blocking(void* argument) {
  const struct reader* const reader = argument;
  prime(reader->fd);
  return read_now(argument);
}

static bool join_in_time(pthread_t thread) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 10;
  return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

static void test_closing_under_a_reader(void) {
  pthread_t thread;
  struct reader reader = {.fd = open_device(O_CLOEXEC)};
  const int copy = dup(reader.fd);
  pthread_create(&thread, NULL, read_blocking, &reader);
  pause_ms(200);
  close(copy);
  bool returned = join_in_time(thread);
  printf("a copy closed under a reader: returned %d, %d, written %llu, read %llu\n", returned,
         reader.result, (unsigned long long)reader.bwr.write_consumed,
         (unsigned long long)reader.bwr.read_consumed);
  pthread_create(&thread, NULL, read_blocking, &reader);
  pause_ms(200);
  close(reader.fd);
  returned = join_in_time(thread);
  // The kernel's reader returns without an error, having read nothing.
  const bool harmless = reader.result == 0 || reader.error == EBADF;
  printf("closed under a reader: returned %d, harmless %d\n", returned, harmless);
}

static volatile sig_atomic_t signal_fd = -1;
static volatile sig_atomic_t nested_result = -1;

static void on_signal(int number) {
  (void)number;
  struct binder_version version;
  if (signal_fd >= 0) nested_result = ioctl(signal_fd, BINDER_VERSION, &version);
}

static void test_signals(void) {
  const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGUSR1, &action, NULL);
  for (int nested = 0; nested < 2; ++nested) {
    pthread_t thread;
    struct reader reader = {.fd = open_device(O_CLOEXEC)};
    signal_fd = nested ? reader.fd : -1;
    pthread_create(&thread, NULL, read_blocking, &reader);
    pause_ms(200);
    pthread_kill(thread, SIGUSR1);
    const bool returned = join_in_time(thread);
    printf("signal: returned %d, %s, written %llu, read %llu\n", returned,
           reader.result < 0 ? strerrorname_np(reader.error) : "0",
           (unsigned long long)reader.bwr.write_consumed,
           (unsigned long long)reader.bwr.read_consumed);
    if (nested) printf("a call in the handler: %d\n", (int)nested_result);
    close(reader.fd);
  }
}

static void test_fork(void) {
  const int fd = open_device(O_CLOEXEC);
  struct binder_version version;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    report("child: version", ioctl(fd, BINDER_VERSION, &version));
    try_map("child: map", fd, 65536, PROT_READ, MAP_PRIVATE);
    const uint32_t looper = BC_ENTER_LOOPER;
    struct binder_write_read bwr = {.write_buffer = address(&looper), .write_size = 4};
    write_read("child: write", fd, &bwr);
    close(fd);
    report("child: version of the closed", ioctl(fd, BINDER_VERSION, &version));
    const int own = open_device(O_CLOEXEC);
    report("child: version of its own", ioctl(own, BINDER_VERSION, &version));
    close(own);
    fflush(stdout);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  report("parent: version", ioctl(fd, BINDER_VERSION, &version));
  try_map("parent: map", fd, 65536, PROT_READ, MAP_PRIVATE);
  // The child of vfork closes what it does not want to hand on.
  child = vfork();
  if (child == 0) {
    close(fd);
    _exit(0);
  }
  waitpid(child, NULL, 0);
  report("parent: version after vfork", ioctl(fd, BINDER_VERSION, &version));
  // A descriptor lives as long as anybody has it.
  fflush(stdout);
  int gate[2];
  if (pipe(gate) != 0) exit(1);
  child = fork();
  if (child == 0) {
    char byte = 0;
    (void)!read(gate[0], &byte, 1);
    report("child: version after the parent's close", ioctl(fd, BINDER_VERSION, &version));
    fflush(stdout);
    _exit(0);
  }
  close(fd);
  pause_ms(100);
  (void)!write(gate[1], "", 1);
  waitpid(child, NULL, 0);
  close(gate[0]);
  close(gate[1]);
}

static void test_readiness(void) {
  const int fd = open_device(O_CLOEXEC);
  struct pollfd ready = {.fd = fd, .events = POLLIN};
  prime(fd);
  report("poll", poll(&ready, 1, 50));
  int on = 1;
  report("FIONBIO", ioctl(fd, FIONBIO, &on));
  struct reader reader = {.fd = fd};
  (void)read_now(&reader);
  printf("made nonblocking: %s\n", reader.result < 0 ? strerrorname_np(reader.error) : "0");
  report("F_SETFL", fcntl(fd, F_SETFL, 0));
  report("F_SETFL", fcntl(fd, F_SETFL, O_NONBLOCK));
  printf("flags %d\n", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  (void)read_now(&reader);
  printf("made nonblocking again: %s\n", reader.result < 0 ? strerrorname_np(reader.error) : "0");
  close(fd);
}

static void* ask_version(void* argument) {
  struct binder_version version;
  const int* const fd = argument;
  for (int i = 0; i < 20; ++i) {
    if (ioctl(*fd, BINDER_VERSION, &version) != 0) return argument;
  }
  return NULL;
}

static void test_many_threads(void) {
  int fd = open_device(O_CLOEXEC);
  int failures = 0;
  // More in all than there can be at a time.
  for (int round = 0; round < 15; ++round) {
    pthread_t threads[40];
    for (int i = 0; i < 40; ++i) pthread_create(&threads[i], NULL, ask_version, &fd);
    for (int i = 0; i < 40; ++i) {
      void* failed = NULL;
      pthread_join(threads[i], &failed);
      failures += failed != NULL;
    }
  }
  printf("many threads: %d failures\n", failures);
  close(fd);
  for (int i = 0; i < 100; ++i) {
    fd = open_device(O_CLOEXEC);
    failures += ask_version(&fd) != NULL;
    close(fd);
  }
  printf("many opens: %d failures\n", failures);
}

int main(void) {
  if (getenv("BINDER_DEVICE") != NULL) device = getenv("BINDER_DEVICE");
  setvbuf(stdout, NULL, _IOLBF, 0);
  test_files();
  test_arguments();
  test_buffers();
  test_maps();
  test_copies();
  test_closing_under_a_reader();
  test_signals();
  test_fork();
  test_readiness();
  test_many_threads();
  test_reading_and_writing();
  test_freed_memory();
  test_map_arguments();
  test_cancellation();
  return 0;
}
