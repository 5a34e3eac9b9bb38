// SPDX-License-Identifier: Apache-2.0
// The threads that carry out the controller's requests.
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "random.h"
#include "returns.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static pthread_t threads[kSlots];

static uint32_t hash_bytes(const void* bytes, size_t size) {  // FNV-1a
  uint32_t hash = 0x811c9dc5u;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ ((const uint8_t*)bytes)[i]) * 0x01000193u;
  return hash;
}

static void take_object(const struct returns_text* text, struct slot* slot, const uint8_t* bytes) {
  struct flat_binder_object flat;
  struct binder_buffer_object buffer;
  memcpy(&flat.hdr, bytes, sizeof(flat.hdr));
  switch (flat.hdr.type) {
    case BINDER_TYPE_HANDLE:
    case BINDER_TYPE_WEAK_HANDLE:
      memcpy(&flat, bytes, sizeof(flat));
      if (slot->handle_count < sizeof(slot->handles) / sizeof(slot->handles[0])) {
        slot->handles[slot->handle_count++] = flat.handle;
      }
      return;
    case BINDER_TYPE_FD:
      memcpy(&flat, bytes, sizeof(flat));
      fprintf(text->out, " (%s)", fcntl((int)flat.handle, F_GETFD) == FD_CLOEXEC ? "open" : "bad");
      close((int)flat.handle);
      return;
    case BINDER_TYPE_PTR:
      memcpy(&buffer, bytes, sizeof(buffer));
      fprintf(text->out, " (%08x)",
              hash_bytes((const void*)(uintptr_t)buffer.buffer, (size_t)buffer.length));
      return;
    default:
      return;
  }
}

// Leaves out the place in the mapping: no rule says which of several free places of one size is
// taken. So addresses of buffers in it count from its start, too.
static uint32_t hash_data(const struct binder_transaction_data* data, const binder_size_t* offsets,
                          size_t count) {
  static _Thread_local uint8_t bytes[64 * 1024];  // a mapping holds no more
  struct binder_buffer_object buffer;
  if (data->data_size > sizeof(bytes)) abort();
  memcpy(bytes, (const void*)(uintptr_t)data->data.ptr.buffer, (size_t)data->data_size);
  for (size_t i = 0; i < count; ++i) {
    memcpy(&buffer.hdr, bytes + offsets[i], sizeof(buffer.hdr));
    if (buffer.hdr.type != BINDER_TYPE_PTR) continue;
    memcpy(&buffer, bytes + offsets[i], sizeof(buffer));
    buffer.buffer -= data->data.ptr.buffer;
    memcpy(bytes + offsets[i], &buffer, sizeof(buffer));
  }
  return hash_bytes(bytes, (size_t)data->data_size);
}

static void take_payload(const struct returns_text* text, uint32_t command,
                         const struct binder_transaction_data* data) {
  struct slot* const slot = text->context;
  const uint8_t* const bytes = (const uint8_t*)(uintptr_t)data->data.ptr.buffer;
  const binder_size_t* const offsets = (const binder_size_t*)(uintptr_t)data->data.ptr.offsets;
  const size_t count = (size_t)data->offsets_size / sizeof(offsets[0]);
  (void)command;
  fprintf(text->out, " offsets at +%lld: %08x",
          (long long)(data->data.ptr.offsets - data->data.ptr.buffer),
          hash_data(data, offsets, count));
  for (size_t i = 0; i < count; ++i) take_object(text, slot, bytes + offsets[i]);
}

static void write_read(struct slot* slot, FILE* out) {
  const int fd = shared->fds[slot->party];
  struct binder_write_read bwr = {.write_buffer = (uintptr_t)slot->out,
                                  .write_size = slot->out_size,
                                  .read_buffer = (uintptr_t)slot->in,
                                  .read_size = slot->read_size};
  fcntl(fd, F_SETFL, slot->blocking ? 0 : O_NONBLOCK);
  slot->result = ioctl(fd, BINDER_WRITE_READ, &bwr);
  slot->error = errno;
  slot->written = bwr.write_consumed;
  slot->read = bwr.read_consumed;
  fprintf(out, "%s", slot->result == 0 ? "ok" : strerrorname_np(slot->error));
  if (slot->out_size > 0) {
    fprintf(out, ", written %llu of %zu", (unsigned long long)slot->written, slot->out_size);
  }
  if (slot->read_size > 0) {
    const struct returns_text text = {
        .out = out, .sender = process_name, .payload = take_payload, .context = slot};
    fprintf(out, ", read");
    write_returns(&text, slot->in, (size_t)slot->read);
  }
}

static void control(struct slot* slot, FILE* out) {
  slot->result = ioctl(shared->fds[slot->party], slot->command, slot->argument);
  slot->error = errno;
  fprintf(out, "%s", slot->result == 0 ? "ok" : strerrorname_np(slot->error));
  struct binder_version version;
  struct binder_node_debug_info node;
  struct binder_node_info_for_ref ref;
  struct binder_frozen_status_info frozen;
  struct binder_extended_error error;
  switch (slot->command) {
    case BINDER_VERSION:
      memcpy(&version, slot->argument, sizeof(version));
      fprintf(out, " %d", version.protocol_version);
      return;
    case BINDER_GET_NODE_DEBUG_INFO:
      memcpy(&node, slot->argument, sizeof(node));
      fprintf(out, " 0x%llx 0x%llx strong %u weak %u", (unsigned long long)node.ptr,
              (unsigned long long)node.cookie, node.has_strong_ref, node.has_weak_ref);
      return;
    case BINDER_GET_NODE_INFO_FOR_REF:
      memcpy(&ref, slot->argument, sizeof(ref));
      fprintf(out, " handle %u strong %u weak %u", ref.handle, ref.strong_count, ref.weak_count);
      return;
    case BINDER_GET_FROZEN_INFO:
      memcpy(&frozen, slot->argument, sizeof(frozen));
      fprintf(out, " sync %u async %u", frozen.sync_recv, frozen.async_recv);
      return;
    case BINDER_GET_EXTENDED_ERROR:
      memcpy(&error, slot->argument, sizeof(error));
      fprintf(out, " command %u param %s", _IOC_NR(error.command),
              error.param == 0 ? "0" : strerrorname_np(-error.param));
      return;
    default:
      return;
  }
}

static void open_party(struct slot* slot, int party, FILE* out) {
  const char* const device = getenv("BINDER_DEVICE");
  const int fd = open(device != NULL ? device : "/dev/binder", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  void* const map = mmap((void*)map_address(party), kPartyKinds[party].map_size, PROT_READ,
                         MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED_NOREPLACE, fd, 0);
  slot->result = fd >= 0 && map == (void*)map_address(party) ? 0 : -1;
  shared->fds[party] = fd;
  fprintf(out, "%s", slot->result == 0 ? "ok" : "failed");
}

static void* actor_loop(void* argument);

static void carry_out(struct slot* slot) {
  FILE* const out = fmemopen(slot->text, sizeof(slot->text), "w");
  struct pollfd ready = {.events = POLLIN};
  slot->handle_count = 0;
  switch (slot->kind) {
    case kWriteRead:
      write_read(slot, out);
      break;
    case kControl:
      control(slot, out);
      break;
    case kPoll:
      ready.fd = shared->fds[slot->party];
      slot->result = poll(&ready, 1, 0);
      fprintf(out, "%d 0x%x", slot->result, ready.revents);
      break;
    case kOpen:
      open_party(slot, (int)slot->command, out);
      break;
    case kClose:
      munmap((void*)map_address((int)slot->command), kPartyKinds[slot->command].map_size);
      close(shared->fds[slot->command]);
      break;
    case kStart:
      if (pthread_create(&threads[slot->command], NULL, actor_loop,
                         &shared->slots[slot->command]) != 0) {
        abort();
      }
      break;
    case kJoin:
      pthread_join(threads[slot->command], NULL);
      break;
    case kEnd:
      break;
  }
  fclose(out);
}

static void* actor_loop(void* argument) {
  struct slot* const slot = argument;
  slot->tid = (pid_t)syscall(SYS_gettid);
  atomic_store(&slot->state, kIdle);
  for (;;) {
    uint32_t state;
    while ((state = atomic_load(&slot->state)) != kBusy) {
      syscall(SYS_futex, &slot->state, FUTEX_WAIT, state, NULL, NULL, 0);
    }
    const bool ends = slot->kind == kEnd;
    carry_out(slot);
    atomic_store(&slot->state, kDone);
    if (ends) return NULL;
  }
}

static void on_signal(int signal) { (void)signal; }

void actor_main(int process) {
  const struct sigaction action = {.sa_handler = on_signal};  // system calls end with EINTR
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigaction(SIGUSR1, &action, NULL);
  actor_loop(main_slot(process));
  _exit(0);
}
