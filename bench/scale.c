// SPDX-License-Identifier: Apache-2.0
// scale PROCESSES REFERENCES HOSTS CALLS: that many binder processes, spread over the hosts of a
// netbinder session, each with a thread that serves one node and one that calls. Each holds
// references to so many nodes of others, spread over all hosts. Then the callers time calls of 64
// bytes, one at a time: first between random processes, then among only ten while the others idle,
// which shows whether idle ones cost anything. Finally each gives its neighbour, which is on
// another host, references to many new nodes. bench/scale runs it and reads the agents' memory
// between the phases: a line is printed at the end of each, and a line read before the next one.
//
// It is one program: every open is a binder process of its own, and the shim reads NETBINDER_SOCKET
// at every open.
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binder_io.h"
#include "times.h"

enum {
  kFew = 10,
  kWarmUpCalls = 5,
  kCheckService = 2,
  kAddService = 3,
  kEcho = 1,
  kKeep = 4,
  kNodes = 96,  // of each process, beside the one that is called
  kMapBytes = 128 * 1024,
  kStackBytes = 64 * 1024
};

struct process {
  struct binder_conn serving;  // used by its serving thread
  struct binder_conn calling;  // the same descriptor: the main thread's, then the calling thread's
  uint32_t* handles;
  int object;
  char nodes[kNodes];
  sem_t to_call;
  uint32_t callee;
  uint64_t time_ns;  // of the last call
};

static struct process* processes;
static sem_t called;

static void die(const char* what) {
  perror(what);
  exit(1);
}

static int32_t answer(struct binder_conn* conn, const struct binder_request* request,
                      struct parcel_reader* in, struct parcel_writer* reply, void* context) {
  (void)context;
  if (request->code == kKeep) {
    struct flat_binder_object object;
    while (parcel_read_object(in, &object)) binder_acquire(conn, object.handle);
    return 0;
  }
  parcel_write_bytes(reply, in->data, in->size);
  return 0;
}

static void* serve(void* argument) {
  struct process* const process = argument;
  binder_loop(&process->serving);
  return NULL;
}

static void* call(void* argument) {
  struct process* const process = argument;
  for (;;) {
    static const uint8_t kBytes[64];
    struct parcel_writer request;
    struct binder_reply reply;
    while (sem_wait(&process->to_call) != 0) {
    }
    parcel_init(&request);
    parcel_write_bytes(&request, kBytes, sizeof(kBytes));
    const uint64_t before = now_ns();
    if (binder_call(&process->calling, process->callee, kEcho, &request, &reply) != kBinderOk)
      die("call");
    process->time_ns = now_ns() - before;
    binder_reply_release(&process->calling, &reply);
    parcel_free(&request);
    sem_post(&called);
  }
  return NULL;
}

static uint64_t time_call(struct process* process, uint32_t handle) {
  process->callee = handle;
  sem_post(&process->to_call);
  while (sem_wait(&called) != 0) {
  }
  return process->time_ns;
}

static void start_manager_request(struct parcel_writer* request, size_t name) {
  char text[32];
  snprintf(text, sizeof(text), "scale.%zu", name);
  parcel_init(request);
  parcel_write_u32(request, 0);  // strict mode
  parcel_write_string16(request, "android.os.IServiceManager");
  parcel_write_string16(request, text);
}

static void publish(size_t index) {
  struct process* const process = &processes[index];
  struct parcel_writer request;
  struct binder_reply reply;
  start_manager_request(&request, index);
  parcel_write_local_object(&request, &process->object);
  parcel_write_u32(&request, 0);
  if (binder_call(&process->calling, 0, kAddService, &request, &reply) != kBinderOk)
    die("addService");
  binder_reply_release(&process->calling, &reply);
  parcel_free(&request);
}

// Names reach other hosts after a short delay.
static uint32_t look_up(struct binder_conn* conn, size_t index) {
  const struct timespec pause = {.tv_nsec = 1000 * 1000};
  for (int tries = 0; tries < 10000; ++tries) {
    struct parcel_writer request;
    struct binder_reply reply;
    struct flat_binder_object object;
    start_manager_request(&request, index);
    const enum binder_result result = binder_call(conn, 0, kCheckService, &request, &reply);
    parcel_free(&request);
    if (result != kBinderOk && result != kBinderStatus) die("checkService");
    const bool found = result == kBinderOk && parcel_read_object(&reply.parcel, &object) &&
                       object.hdr.type == BINDER_TYPE_HANDLE;
    if (found) binder_acquire(conn, object.handle);
    binder_reply_release(conn, &reply);
    if (found) return object.handle;
    nanosleep(&pause, NULL);
  }
  die("a name is not there");
  return 0;
}

static void open_process(size_t index, size_t hosts, const pthread_attr_t* attributes) {
  char name[64];
  struct process* const process = &processes[index];
  snprintf(name, sizeof(name), "NETBINDER_SOCKET_%zu", index % hosts + 1);
  setenv("NETBINDER_SOCKET", getenv(name), 1);
  if (!binder_open(&process->serving, "/dev/binder", kMapBytes)) exit(1);
  binder_set_handler(&process->serving, answer, NULL);
  process->calling = (struct binder_conn){.fd = process->serving.fd,
                                          .map = process->serving.map,
                                          .map_size = process->serving.map_size};
  pthread_t thread;
  if (pthread_create(&thread, attributes, serve, process) != 0) die("thread");
  sem_init(&process->to_call, 1, 0);
  if (pthread_create(&thread, attributes, call, process) != 0) die("thread");
  publish(index);
}

static void give_nodes(struct process* process, uint32_t neighbour) {
  for (size_t i = 0; i < kNodes;) {
    struct parcel_writer request;
    struct binder_reply reply;
    parcel_init(&request);
    for (size_t j = 0; j < kParcelMaxObjects && i < kNodes; ++j, ++i) {
      parcel_write_local_object(&request, &process->nodes[i]);
    }
    if (binder_call(&process->calling, neighbour, kKeep, &request, &reply) != kBinderOk)
      die("nodes");
    binder_reply_release(&process->calling, &reply);
    parcel_free(&request);
  }
  binder_flush(&process->calling);
}

static size_t below(size_t bound) {
  static uint64_t state = 0x9e3779b97f4a7c15u;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (size_t)(state >> 33) % bound;
}

static void end_of_phase(const char* text) {
  char line[16];
  printf("%s\n", text);
  fflush(stdout);
  if (fgets(line, sizeof(line), stdin) == NULL) exit(1);
}

int main(int argc, char** argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: scale PROCESSES REFERENCES HOSTS CALLS\n");
    return 2;
  }
  const size_t count = strtoul(argv[1], NULL, 10);
  const size_t references = strtoul(argv[2], NULL, 10);
  const size_t hosts = strtoul(argv[3], NULL, 10);
  const size_t calls = strtoul(argv[4], NULL, 10);

  // Shared ones: all private futexes of one program are in a few lists, which thousands of sleepers
  // make long.
  sem_init(&called, 1, 0);
  processes = calloc(count + hosts, sizeof(*processes));
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, kStackBytes);
  // One process on each host is not counted: what an agent allocates once for its first is not part
  // of the cost of others.
  for (size_t i = count; i < count + hosts; ++i) open_process(i, hosts, &small);
  end_of_phase("nothing");

  for (size_t i = 0; i < count; ++i) open_process(i, hosts, &small);
  end_of_phase("processes");

  for (size_t i = 0; i < count; ++i) {
    processes[i].handles = calloc(references, sizeof(uint32_t));
    // Neighbours of a random place: they are all different, so each is a reference of its own, and
    // spread evenly over the hosts.
    const size_t first = below(count);
    for (size_t j = 0; j < references; ++j) {
      size_t other = (first + j) % count;
      if (other == i) other = (first + references) % count;
      processes[i].handles[j] = look_up(&processes[i].calling, other);
    }
    binder_flush(&processes[i].calling);
  }
  end_of_phase("references");

  // Costs that occur only once, like a thread's first use of its memory, are not part of a call's.
  for (size_t i = 0; i < count * kWarmUpCalls; ++i) {
    struct process* const process = &processes[i % count];
    (void)time_call(process, process->handles[below(references)]);
  }
  uint64_t* const times = calloc(calls, sizeof(*times));
  for (size_t i = 0; i < calls; ++i) {
    struct process* const process = &processes[below(count)];
    times[i] = time_call(process, process->handles[below(references)]);
  }
  sort_times(times, calls);
  const double median_us = (double)times[calls / 2] / 1000;
  const double high_us = (double)times[calls * 99 / 100] / 1000;

  uint32_t few[kFew][kFew];
  const size_t few_count = count < kFew ? count : kFew;
  for (size_t i = 0; i < few_count; ++i) {
    for (size_t j = 0; j < few_count; ++j) {
      if (i != j) few[i][j] = look_up(&processes[i].calling, j);
    }
  }
  for (size_t i = 0; i < calls; ++i) {
    const size_t from = below(few_count);
    const size_t to = (from + 1 + below(few_count - 1)) % few_count;
    times[i] = time_call(&processes[from], few[from][to]);
  }
  sort_times(times, calls);
  char text[128];
  snprintf(text, sizeof(text), "calls %.1f %.1f %.1f", median_us, high_us,
           (double)times[calls / 2] / 1000);
  end_of_phase(text);

  for (size_t i = 0; i < count; ++i) {
    const uint32_t neighbour = look_up(&processes[i].calling, (i + 1) % count);
    give_nodes(&processes[i], neighbour);
  }
  snprintf(text, sizeof(text), "nodes %zu", count * kNodes);
  end_of_phase(text);
  return 0;
}
