// SPDX-License-Identifier: Apache-2.0
// Observations as text.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conformance.h"

static const char* area_name = "";

void area(const char* name) { area_name = name; }

void note(const char* what, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("%s.%s: ", area_name, what);
  vprintf(format, arguments);
  va_end(arguments);
}

void note_result(const char* what, int result) {
  if (result < 0) {
    note(what, "%s\n", strerrorname_np(errno));
  } else {
    note(what, "%d\n", result);
  }
}

static const char* return_name(uint32_t command) {
  static const char* const kNames[] = {"BR_ERROR",
                                       "BR_OK",
                                       "BR_TRANSACTION",
                                       "BR_REPLY",
                                       "BR_ACQUIRE_RESULT",
                                       "BR_DEAD_REPLY",
                                       "BR_TRANSACTION_COMPLETE",
                                       "BR_INCREFS",
                                       "BR_ACQUIRE",
                                       "BR_RELEASE",
                                       "BR_DECREFS",
                                       "BR_ATTEMPT_ACQUIRE",
                                       "BR_NOOP",
                                       "BR_SPAWN_LOOPER",
                                       "BR_FINISHED",
                                       "BR_DEAD_BINDER",
                                       "BR_CLEAR_DEATH_NOTIFICATION_DONE",
                                       "BR_FAILED_REPLY",
                                       "BR_FROZEN_REPLY",
                                       "BR_ONEWAY_SPAM_SUSPECT",
                                       "BR_TRANSACTION_PENDING_FROZEN",
                                       "BR_FROZEN_BINDER",
                                       "BR_CLEAR_FREEZE_NOTIFICATION_DONE"};
  const uint32_t number = _IOC_NR(command);
  if (command == BR_TRANSACTION_SEC_CTX) return "BR_TRANSACTION_SEC_CTX";
  return number < sizeof(kNames) / sizeof(kNames[0]) ? kNames[number] : "unknown";
}

static void print_object(const struct binder_transaction_data* data, binder_size_t offset) {
  const uint8_t* const bytes = (const uint8_t*)(uintptr_t)data->data.ptr.buffer + offset;
  struct flat_binder_object flat;
  struct binder_buffer_object buffer;
  struct binder_fd_array_object array;
  memcpy(&flat.hdr, bytes, sizeof(flat.hdr));
  switch (flat.hdr.type) {
    case BINDER_TYPE_BINDER:
    case BINDER_TYPE_WEAK_BINDER:
      memcpy(&flat, bytes, sizeof(flat));
      printf(" %s 0x%llx 0x%llx", flat.hdr.type == BINDER_TYPE_BINDER ? "binder" : "weak binder",
             (unsigned long long)flat.binder, (unsigned long long)flat.cookie);
      break;
    case BINDER_TYPE_HANDLE:
    case BINDER_TYPE_WEAK_HANDLE:
      memcpy(&flat, bytes, sizeof(flat));
      printf(" %s %u cookie %llu", flat.hdr.type == BINDER_TYPE_HANDLE ? "handle" : "weak handle",
             flat.handle, (unsigned long long)flat.cookie);
      break;
    case BINDER_TYPE_FD:
      memcpy(&flat, bytes, sizeof(flat));
      printf(" fd cookie %llu", (unsigned long long)flat.cookie);
      break;
    case BINDER_TYPE_PTR:
      memcpy(&buffer, bytes, sizeof(buffer));
      printf(" buffer at +%llu length %llu flags %u parent %llu+%llu",
             (unsigned long long)(buffer.buffer - data->data.ptr.buffer),
             (unsigned long long)buffer.length, buffer.flags, (unsigned long long)buffer.parent,
             (unsigned long long)buffer.parent_offset);
      return;
    case BINDER_TYPE_FDA:
      memcpy(&array, bytes, sizeof(array));
      printf(" array of %llu parent %llu+%llu", (unsigned long long)array.num_fds,
             (unsigned long long)array.parent, (unsigned long long)array.parent_offset);
      return;
    default:
      printf(" type %x", flat.hdr.type);
      return;
  }
  if (flat.flags != 0) printf(" flags 0x%x", flat.flags);
}

static void print_transaction(uint32_t command, const struct binder_transaction_data* data) {
  printf(" code %u flags 0x%x data %llu", data->code, data->flags,
         (unsigned long long)data->data_size);
  if (command != BR_REPLY) {
    printf(" to 0x%llx 0x%llx", (unsigned long long)data->target.ptr,
           (unsigned long long)data->cookie);
  }
  printf(" from %s", data->sender_pid == 0 ? "0" : data->sender_pid == getpid() ? "us" : "another");
  if (data->sender_euid != geteuid()) printf(" with another uid");
  const binder_size_t* const offsets = (const binder_size_t*)(uintptr_t)data->data.ptr.offsets;
  for (size_t i = 0; i < data->offsets_size / sizeof(offsets[0]); ++i) {
    print_object(data, offsets[i]);
  }
}

static void print_payload(struct party* party, uint32_t command, const uint8_t* payload) {
  struct binder_transaction_data_secctx transaction = {.secctx = 0};
  struct binder_ptr_cookie object;
  struct conf_frozen_state state;
  binder_uintptr_t cookie;
  int32_t error;
  const size_t size = _IOC_SIZE(command);
  switch (command) {
    case BR_TRANSACTION:
    case BR_TRANSACTION_SEC_CTX:
    case BR_REPLY:
      memcpy(&transaction, payload, size);
      party->got = transaction.transaction_data;
      print_transaction(command, &transaction.transaction_data);
      if (transaction.secctx != 0) {
        const char* const text = (const char*)(uintptr_t)transaction.secctx;
        printf(" context %s", text[0] != '\0' ? "there" : "empty");
      }
      return;
    case BR_INCREFS:
    case BR_ACQUIRE:
    case BR_RELEASE:
    case BR_DECREFS:
      memcpy(&object, payload, sizeof(object));
      printf(" 0x%llx 0x%llx", (unsigned long long)object.ptr, (unsigned long long)object.cookie);
      return;
    case BR_DEAD_BINDER:
    case BR_CLEAR_DEATH_NOTIFICATION_DONE:
    case CONF_BR_CLEAR_FREEZE_NOTIFICATION_DONE:
      memcpy(&cookie, payload, sizeof(cookie));
      printf(" 0x%llx", (unsigned long long)cookie);
      return;
    case CONF_BR_FROZEN_BINDER:
      memcpy(&state, payload, sizeof(state));
      printf(" 0x%llx frozen %u %u", (unsigned long long)state.cookie, state.is_frozen,
             state.reserved);
      return;
    case BR_ERROR:
      memcpy(&error, payload, sizeof(error));
      printf(" %s", strerrorname_np(-error));
      return;
    default:
      if (size > 0) printf(" with %zu bytes", size);
  }
}

void print_returns(struct party* party, const uint8_t* in, size_t size) {
  if (size == 0) printf(" nothing");
  for (size_t position = 0; position < size;) {
    uint32_t command;
    memcpy(&command, in + position, sizeof(command));
    position += sizeof(command);
    printf("%s %s", position == sizeof(command) ? "" : ",", return_name(command));
    if (position + _IOC_SIZE(command) > size) {
      printf(" cut off\n");
      return;
    }
    print_payload(party, command, in + position);
    position += _IOC_SIZE(command);
  }
}
