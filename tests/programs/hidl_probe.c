// SPDX-License-Identifier: Apache-2.0
//
// A client of hwservicemanager, as libhwbinder writes its parcels: interface names as plain text, strings
// in buffers of their own.
#include <errno.h>
#include <fcntl.h>
#include <linux/android/binder.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { kGet = 1, kAdd, kTransport, kList, kListBy, kNotify, kDump, kUnnotify = 9, kAddChain = 12 };
static const uint32_t kChain = 0x0f43484e;
static const uint32_t kPing = 0x0f504e47;
#define MANAGER "android.hidl.manager@1.0::IServiceManager"
#define BASE "android.hidl.base@1.0::IBase"

struct hidl_string {
  uint64_t buffer;
  uint32_t size;
  uint32_t owns;
};

static uint8_t data[4096];
static binder_size_t offsets[64];
static size_t size, count, buffers;
static struct hidl_string strings[64];
static size_t used;
static int fd;

static void begin(const char* interface) {
  size = count = buffers = used = 0;
  strcpy((char*)data, interface);
  for (size = strlen(interface) + 1; size % 4 != 0; ++size) data[size] = 0;
}

static void word(int32_t value) {
  memcpy(data + size, &value, 4);
  size += 4;
}

static size_t put(const void* bytes, size_t length, int parent, size_t offset) {
  struct binder_buffer_object object = {.hdr.type = BINDER_TYPE_PTR,
                                        .buffer = (uintptr_t)bytes,
                                        .length = length};
  if (parent >= 0) {
    object.flags = BINDER_BUFFER_FLAG_HAS_PARENT;
    object.parent = parent;
    object.parent_offset = offset;
  }
  offsets[count] = size;
  memcpy(data + size, &object, sizeof object);
  size += sizeof object;
  buffers += (length + 7) & ~(size_t)7;
  return count++;
}

static void string(const char* text) {
  struct hidl_string* header = &strings[used++];
  *header = (struct hidl_string){.buffer = (uintptr_t)text, .size = (uint32_t)strlen(text)};
  size_t parent = put(header, sizeof *header, -1, 0);
  put(text, strlen(text) + 1, (int)parent, 0);
}

static void vector(const char* const* texts, uint32_t length) {
  struct hidl_string* header = &strings[used++];
  struct hidl_string* all = &strings[used];
  used += length;
  *header = (struct hidl_string){.buffer = (uintptr_t)all, .size = length};
  size_t parent = put(header, sizeof *header, -1, 0);
  for (uint32_t i = 0; i < length; ++i) {
    all[i] = (struct hidl_string){.buffer = (uintptr_t)texts[i], .size = (uint32_t)strlen(texts[i])};
  }
  size_t array = put(all, length * sizeof *all, (int)parent, 0);
  for (uint32_t i = 0; i < length; ++i) {
    put(texts[i], strlen(texts[i]) + 1, (int)array, i * sizeof *all);
  }
}

static void object(uint64_t ptr) {
  struct flat_binder_object flat = {.hdr.type = BINDER_TYPE_BINDER, .flags = 0x7f, .binder = ptr,
                                    .cookie = ptr};
  offsets[count++] = size;
  memcpy(data + size, &flat, sizeof flat);
  size += sizeof flat;
}

struct sg {
  uint32_t command;
  struct binder_transaction_data_sg data;
} __attribute__((packed));

static struct sg described(uint32_t command, uint32_t handle, uint32_t code) {
  struct sg made = {.command = command};
  made.data.transaction_data.target.handle = handle;
  made.data.transaction_data.code = code;
  made.data.transaction_data.data_size = size;
  made.data.transaction_data.offsets_size = count * sizeof offsets[0];
  made.data.transaction_data.data.ptr.buffer = (uintptr_t)data;
  made.data.transaction_data.data.ptr.offsets = (uintptr_t)offsets;
  made.data.buffers_size = buffers;
  return made;
}

static void exchange(const void* from, size_t length, void* into, size_t room, size_t* got) {
  struct binder_write_read io = {.write_buffer = (uintptr_t)from, .write_size = length,
                                 .read_buffer = (uintptr_t)into, .read_size = room};
  while (ioctl(fd, BINDER_WRITE_READ, &io) != 0) {
    if (errno != EINTR) {
      perror("ioctl");
      exit(1);
    }
  }
  if (got) *got = io.read_consumed;
}

// Serves the probe's own object: answers with its interfaces, and prints notifications to it.
static void answer(const struct binder_transaction_data* call) {
  static const char* const chain[] = {"vendor.foo@1.1::IFoo", "vendor.foo@1.0::IFoo", BASE};
  const uint8_t* bytes = (const void*)(uintptr_t)call->data.ptr.buffer;
  if (call->code == kChain || call->code == kPing) {
    size = count = buffers = used = 0;
    word(0);
    if (call->code == kChain) vector(chain, 3);
    struct sg reply = described(BC_REPLY_SG, 0, 0);
    exchange(&reply, sizeof reply, NULL, 0, NULL);
    return;
  }
  const binder_size_t* places = (const void*)(uintptr_t)call->data.ptr.offsets;
  const struct binder_buffer_object* interface = (const void*)(bytes + places[1]);
  const struct binder_buffer_object* instance = (const void*)(bytes + places[3]);
  int32_t before;
  memcpy(&before, bytes + places[3] + sizeof *instance, 4);
  printf("notified: %s %s %s\n", (const char*)(uintptr_t)interface->buffer,
         (const char*)(uintptr_t)instance->buffer, before ? "was there" : "is new");
  fflush(stdout);
}

// Reads until a reply; serves calls meanwhile. With `until_notified` the first notification ends it, too.
static const struct binder_transaction_data* await(int until_notified) {
  static struct binder_transaction_data kept;
  for (;;) {
    uint8_t bytes[512];
    size_t got = 0;
    exchange(NULL, 0, bytes, sizeof bytes, &got);
    for (size_t at = 0; at + 4 <= got;) {
      uint32_t command;
      memcpy(&command, bytes + at, 4);
      at += 4;
      if (command == BR_FAILED_REPLY || command == BR_DEAD_REPLY) {
        printf("failed\n");
        exit(1);
      }
      if (command == BR_REPLY || command == BR_TRANSACTION) memcpy(&kept, bytes + at, sizeof kept);
      if (command == BR_REPLY) return &kept;
      if (command == BR_TRANSACTION) {
        answer(&kept);
        if (until_notified && kept.code == 1) return &kept;
      }
      if (command == BR_INCREFS || command == BR_ACQUIRE) {
        struct {
          uint32_t command;
          struct binder_ptr_cookie node;
        } __attribute__((packed)) done = {
            command == BR_INCREFS ? BC_INCREFS_DONE : BC_ACQUIRE_DONE, {0}};
        memcpy(&done.node, bytes + at, sizeof done.node);
        exchange(&done, sizeof done, NULL, 0, NULL);
      }
      at += _IOC_SIZE(command);
    }
  }
}

static const struct binder_transaction_data* call_handle(uint32_t handle, uint32_t code) {
  struct sg made = described(BC_TRANSACTION_SG, handle, code);
  exchange(&made, sizeof made, NULL, 0, NULL);
  return await(0);
}
static const struct binder_transaction_data* call(uint32_t code) { return call_handle(0, code); }

static int32_t word_of(const struct binder_transaction_data* reply, size_t place) {
  int32_t value;
  memcpy(&value, (const uint8_t*)(uintptr_t)reply->data.ptr.buffer + place, 4);
  return value;
}

// The strings that lie in the array at the reply's second buffer, at these places of each element.
static void print_strings(const struct binder_transaction_data* reply, size_t step, size_t second) {
  const uint8_t* bytes = (const void*)(uintptr_t)reply->data.ptr.buffer;
  const binder_size_t* places = (const void*)(uintptr_t)reply->data.ptr.offsets;
  const struct binder_buffer_object* header = (const void*)(bytes + places[0]);
  const struct hidl_string* vector_header = (const void*)(uintptr_t)header->buffer;
  const uint8_t* elements = (const void*)(uintptr_t)vector_header->buffer;
  printf("status %d, %u:", word_of(reply, 0), vector_header->size);
  for (uint32_t i = 0; i < vector_header->size; ++i) {
    const struct hidl_string* text = (const void*)(elements + i * step);
    printf(" %.*s", (int)text->size, (const char*)(uintptr_t)text->buffer);
    if (second) {
      text = (const void*)(elements + i * step + second);
      printf("/%.*s", (int)text->size, (const char*)(uintptr_t)text->buffer);
    }
  }
  printf("\n");
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  fd = open("/dev/hwbinder", O_RDWR | O_CLOEXEC);
  if (fd < 0 || mmap(NULL, 1 << 16, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) {
    perror("/dev/hwbinder");
    return 1;
  }
  uint32_t enter = BC_ENTER_LOOPER;
  exchange(&enter, sizeof enter, NULL, 0, NULL);
  begin(MANAGER);
  if (strcmp(what, "add") == 0) {
    string(argv[2]);
    object(16);
    printf("added: %d\n", word_of(call(kAdd), 4));
    fflush(stdout);
    await(0);
  } else if (strcmp(what, "add_chain") == 0) {
    const char* const chain[] = {"vendor.bar@2.0::IBar", BASE};
    string(argv[2]);
    object(32);
    vector(chain, 2);
    printf("added: %d\n", word_of(call(kAddChain), 4));
    fflush(stdout);
    await(0);
  } else if (strcmp(what, "get") == 0) {
    string(argv[2]);
    string(argv[3]);
    const struct binder_transaction_data* reply = call(kGet);
    printf("status %d, %s\n", word_of(reply, 0), reply->offsets_size ? "a handle" : "nothing");
  } else if (strcmp(what, "ping") == 0) {
    string(argv[2]);
    string(argv[3]);
    const struct binder_transaction_data* reply = call(kGet);
    if (reply->offsets_size == 0) {
      printf("nothing\n");
      return 1;
    }
    const uint8_t* bytes = (const void*)(uintptr_t)reply->data.ptr.buffer;
    struct flat_binder_object service;
    memcpy(&service, bytes + *(const binder_size_t*)(uintptr_t)reply->data.ptr.offsets,
           sizeof service);
    begin(BASE);
    printf("answered: %d\n", word_of(call_handle(service.handle, kPing), 0));
  } else if (strcmp(what, "transport") == 0) {
    string(argv[2]);
    string(argv[3]);
    printf("transport %d\n", word_of(call(kTransport), 4));
  } else if (strcmp(what, "list") == 0) {
    if (argc > 2) string(argv[2]);
    print_strings(call(argc > 2 ? kListBy : kList), sizeof(struct hidl_string), 0);
  } else if (strcmp(what, "dump") == 0) {
    print_strings(call(kDump), 64, sizeof(struct hidl_string));
  } else if (strcmp(what, "watch") == 0) {
    string(argv[2]);
    string(argc > 3 ? argv[3] : "");
    object(48);
    printf("watching: %d\n", word_of(call(kNotify), 4));
    fflush(stdout);
    await(1);
  } else {
    return 2;
  }
  return 0;
}
