// SPDX-License-Identifier: Apache-2.0
// Threads that run the main thread's requests while it waits for them.
#include <pthread.h>
#include <stdlib.h>

#include "conformance.h"

struct worker {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  void (*run)(void*);
  void* argument;
  bool stops;
};

static void* work(void* argument) {
  struct worker* const worker = argument;
  pthread_mutex_lock(&worker->mutex);
  while (!worker->stops) {
    if (worker->run != NULL) {
      worker->run(worker->argument);
      worker->run = NULL;
      pthread_cond_broadcast(&worker->changed);
    } else {
      pthread_cond_wait(&worker->changed, &worker->mutex);
    }
  }
  pthread_mutex_unlock(&worker->mutex);
  return NULL;
}

struct worker* worker_start(void) {
  struct worker* const worker = calloc(1, sizeof(*worker));
  pthread_mutex_init(&worker->mutex, NULL);
  pthread_cond_init(&worker->changed, NULL);
  if (pthread_create(&worker->thread, NULL, work, worker) != 0) abort();
  return worker;
}

void worker_stop(struct worker* worker) {
  pthread_mutex_lock(&worker->mutex);
  worker->stops = true;
  pthread_cond_broadcast(&worker->changed);
  pthread_mutex_unlock(&worker->mutex);
  pthread_join(worker->thread, NULL);
  free(worker);
}

void worker_run(struct worker* worker, void (*run)(void*), void* argument) {
  pthread_mutex_lock(&worker->mutex);
  worker->run = run;
  worker->argument = argument;
  pthread_cond_broadcast(&worker->changed);
  while (worker->run != NULL) pthread_cond_wait(&worker->changed, &worker->mutex);
  pthread_mutex_unlock(&worker->mutex);
}

struct talk {
  struct party* party;
  const char* what;
};

static void run_exchange(void* argument) {
  const struct talk* const talk = argument;
  exchange(talk->party, talk->what);
}

static void run_write(void* argument) {
  const struct talk* const talk = argument;
  write_only(talk->party, talk->what);
}

void exchange_by(struct worker* worker, struct party* party, const char* what) {
  struct talk talk = {.party = party, .what = what};
  worker_run(worker, run_exchange, &talk);
}

void write_only_by(struct worker* worker, struct party* party, const char* what) {
  struct talk talk = {.party = party, .what = what};
  worker_run(worker, run_write, &talk);
}
