// SPDX-License-Identifier: Apache-2.0
// The content of a read buffer, as text.
#include "returns.h"

#include <string.h>
#include <unistd.h>

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

static void print_object(FILE* out, const struct binder_transaction_data* data,
                         binder_size_t offset) {
  const uint8_t* const bytes = (const uint8_t*)(uintptr_t)data->data.ptr.buffer + offset;
  struct flat_binder_object flat;
  struct binder_buffer_object buffer;
  struct binder_fd_array_object array;
  memcpy(&flat.hdr, bytes, sizeof(flat.hdr));
  switch (flat.hdr.type) {
    case BINDER_TYPE_BINDER:
    case BINDER_TYPE_WEAK_BINDER:
      memcpy(&flat, bytes, sizeof(flat));
      fprintf(out, " %s 0x%llx 0x%llx",
              flat.hdr.type == BINDER_TYPE_BINDER ? "binder" : "weak binder",
              (unsigned long long)flat.binder, (unsigned long long)flat.cookie);
      break;
    case BINDER_TYPE_HANDLE:
    case BINDER_TYPE_WEAK_HANDLE:
      memcpy(&flat, bytes, sizeof(flat));
      fprintf(out, " %s %u cookie %llu",
              flat.hdr.type == BINDER_TYPE_HANDLE ? "handle" : "weak handle", flat.handle,
              (unsigned long long)flat.cookie);
      break;
    case BINDER_TYPE_FD:
      memcpy(&flat, bytes, sizeof(flat));
      fprintf(out, " fd cookie %llu", (unsigned long long)flat.cookie);
      break;
    case BINDER_TYPE_PTR:
      memcpy(&buffer, bytes, sizeof(buffer));
      fprintf(out, " buffer at +%llu length %llu flags %u parent %llu+%llu",
              (unsigned long long)(buffer.buffer - data->data.ptr.buffer),
              (unsigned long long)buffer.length, buffer.flags, (unsigned long long)buffer.parent,
              (unsigned long long)buffer.parent_offset);
      return;
    case BINDER_TYPE_FDA:
      memcpy(&array, bytes, sizeof(array));
      fprintf(out, " array of %llu parent %llu+%llu", (unsigned long long)array.num_fds,
              (unsigned long long)array.parent, (unsigned long long)array.parent_offset);
      return;
    default:
      fprintf(out, " type %x", flat.hdr.type);
      return;
  }
  if (flat.flags != 0) fprintf(out, " flags 0x%x", flat.flags);
}

static void print_transaction(const struct returns_text* text, uint32_t command,
                              const struct binder_transaction_data* data) {
  FILE* const out = text->out;
  fprintf(out, " code %u flags 0x%x data %llu", data->code, data->flags,
          (unsigned long long)data->data_size);
  if (command != BR_REPLY) {
    fprintf(out, " to 0x%llx 0x%llx", (unsigned long long)data->target.ptr,
            (unsigned long long)data->cookie);
  }
  fprintf(out, " from %s", data->sender_pid == 0 ? "0" : text->sender(data->sender_pid));
  if (data->sender_euid != geteuid()) fprintf(out, " with another uid");
  const binder_size_t* const offsets = (const binder_size_t*)(uintptr_t)data->data.ptr.offsets;
  for (size_t i = 0; i < data->offsets_size / sizeof(offsets[0]); ++i) {
    print_object(out, data, offsets[i]);
  }
  if (text->payload != NULL) text->payload(text, command, data);
}

static void print_payload(const struct returns_text* text, uint32_t command,
                          const uint8_t* payload) {
  FILE* const out = text->out;
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
      if (text->last != NULL) *text->last = transaction.transaction_data;
      print_transaction(text, command, &transaction.transaction_data);
      if (transaction.secctx != 0) {
        const char* const context = (const char*)(uintptr_t)transaction.secctx;
        fprintf(out, " context %s", context[0] != '\0' ? "there" : "empty");
      }
      return;
    case BR_INCREFS:
    case BR_ACQUIRE:
    case BR_RELEASE:
    case BR_DECREFS:
      memcpy(&object, payload, sizeof(object));
      fprintf(out, " 0x%llx 0x%llx", (unsigned long long)object.ptr,
              (unsigned long long)object.cookie);
      return;
    case BR_DEAD_BINDER:
    case BR_CLEAR_DEATH_NOTIFICATION_DONE:
    case CONF_BR_CLEAR_FREEZE_NOTIFICATION_DONE:
      memcpy(&cookie, payload, sizeof(cookie));
      fprintf(out, " 0x%llx", (unsigned long long)cookie);
      return;
    case CONF_BR_FROZEN_BINDER:
      memcpy(&state, payload, sizeof(state));
      fprintf(out, " 0x%llx frozen %u %u", (unsigned long long)state.cookie, state.is_frozen,
              state.reserved);
      return;
    case BR_ERROR:
      memcpy(&error, payload, sizeof(error));
      fprintf(out, " %s", strerrorname_np(-error));
      return;
    default:
      if (size > 0) fprintf(out, " with %zu bytes", size);
  }
}

void write_returns(const struct returns_text* text, const uint8_t* in, size_t size) {
  FILE* const out = text->out;
  if (size == 0) fprintf(out, " nothing");
  for (size_t position = 0; position < size;) {
    uint32_t command;
    memcpy(&command, in + position, sizeof(command));
    position += sizeof(command);
    fprintf(out, "%s %s", position == sizeof(command) ? "" : ",", return_name(command));
    if (position + _IOC_SIZE(command) > size) {
      fprintf(out, " cut off\n");
      return;
    }
    print_payload(text, command, in + position);
    position += _IOC_SIZE(command);
  }
}
