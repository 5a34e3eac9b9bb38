// SPDX-License-Identifier: Apache-2.0
// Write buffers: mostly commands about live objects.
#include <string.h>

#include "random.h"

static void append(struct slot* slot, const void* bytes, size_t size) {
  memcpy(slot->out + slot->out_size, bytes, size);
  slot->out_size += size;
}

static void put_command(struct slot* slot, uint32_t command) {
  append(slot, &command, sizeof(command));
}

static uint32_t pick_handle(int party) {
  uint64_t handle;
  const uint32_t which = below(100);
  if (which < 70 && ring_any(&models[party].handles, &handle)) return (uint32_t)handle;
  if (which < 88) return 0;
  return which < 97 ? below(7) : 0x7fffffff;
}

static void put_transaction(struct slot* slot, size_t index, bool reply) {
  const bool gather = chance(40);
  struct binder_transaction_data_sg data;
  memset(&data, 0, sizeof(data));
  data.transaction_data.code = below(4);
  if (!reply) {
    data.transaction_data.target.handle = pick_handle(slot->party);
    data.transaction_data.flags = (chance(50) ? TF_ONE_WAY : 0) | (chance(8) ? 0x40 : 0);
  }
  data.transaction_data.flags |= (chance(60) ? TF_ACCEPT_FDS : 0) | (chance(15) ? 0x20 : 0);
  fprintf(described, " %s%s", reply ? "BC_REPLY" : "BC_TRANSACTION", gather ? "_SG" : "");
  if (!reply) fprintf(described, " to %u", data.transaction_data.target.handle);
  fprintf(described, " code %u flags 0x%x:", data.transaction_data.code,
          data.transaction_data.flags);
  generate_payload(slot, index, gather, &data);
  if (reply) {
    put_command(slot, gather ? BC_REPLY_SG : BC_REPLY);
    int* const depth = &depths[slot - shared->slots];
    if (*depth > 0) --*depth;
  } else {
    put_command(slot, gather ? BC_TRANSACTION_SG : BC_TRANSACTION);
  }
  append(slot, &data, gather ? sizeof(data) : sizeof(data.transaction_data));
}

static void put_free(struct slot* slot) {
  struct model* const model = &models[slot->party];
  const uint32_t which = below(100);
  uint64_t address = 0;
  fprintf(described, " BC_FREE_BUFFER");
  if (which < 96 && ring_take(&model->buffers, &address)) {
    // The address itself is not the same everywhere.
  } else if (which < 98 && ring_any(&model->buffers, &address)) {
    fprintf(described, " kept");
  } else if (ring_any(&model->buffers, &address)) {
    address += 4;
    fprintf(described, " inside");
  } else {
    address = map_address(slot->party) + 4 + 8 * below(100);
    fprintf(described, " unknown");
  }
  put_command(slot, BC_FREE_BUFFER);
  append(slot, &address, sizeof(address));
}

static void put_reference(struct slot* slot) {
  static const struct {
    uint32_t command;
    const char* name;
  } kCommands[] = {{BC_ACQUIRE, "BC_ACQUIRE"},
                   {BC_INCREFS, "BC_INCREFS"},
                   {BC_RELEASE, "BC_RELEASE"},
                   {BC_DECREFS, "BC_DECREFS"}};
  const uint32_t which = chance(70) ? (chance(70) ? 0 : 1) : 2 + below(2);
  const uint32_t handle = pick_handle(slot->party);
  put_command(slot, kCommands[which].command);
  append(slot, &handle, sizeof(handle));
  fprintf(described, " %s %u", kCommands[which].name, handle);
}

static void put_reference_done(struct slot* slot) {
  struct model* const model = &models[slot->party];
  const bool strong = chance(50);
  struct binder_ptr_cookie object = {.ptr = 0};
  uint64_t ptr;
  if (chance(96) && ring_take(strong ? &model->acquires : &model->increfs, &ptr)) {
    object.ptr = ptr;
  } else {
    object.ptr = 0x1000u * (uint32_t)(slot->party + 1) + 0x10 * below(7);
  }
  object.cookie = object.ptr + (chance(97) ? 1 : 2);
  put_command(slot, strong ? BC_ACQUIRE_DONE : BC_INCREFS_DONE);
  append(slot, &object, sizeof(object));
  fprintf(described, " %s 0x%llx 0x%llx", strong ? "BC_ACQUIRE_DONE" : "BC_INCREFS_DONE",
          (unsigned long long)object.ptr, (unsigned long long)object.cookie);
}

static void put_notification(struct slot* slot, bool death, bool clear) {
  struct model* const model = &models[slot->party];
  struct ring* const requested = death ? &model->deaths : &model->freezes;
  struct binder_handle_cookie request;
  uint64_t value;
  memset(&request, 0, sizeof(request));
  if (clear && chance(92) && ring_take(requested, &value)) {
    request.handle = (uint32_t)(value >> 32);
    request.cookie = (uint32_t)value;
  } else {
    request.handle = pick_handle(slot->party);
    request.cookie = 0x100 * request.handle + below(3) + (death ? 1 : 0x51);
    if (!clear) ring_add(requested, (uint64_t)request.handle << 32 | (uint32_t)request.cookie);
  }
  put_command(slot, death ? (clear ? BC_CLEAR_DEATH_NOTIFICATION : BC_REQUEST_DEATH_NOTIFICATION)
                          : (clear ? CONF_BC_CLEAR_FREEZE_NOTIFICATION
                                   : CONF_BC_REQUEST_FREEZE_NOTIFICATION));
  append(slot, &request, sizeof(request));
  fprintf(described, " BC_%s_%s_NOTIFICATION %u 0x%llx", clear ? "CLEAR" : "REQUEST",
          death ? "DEATH" : "FREEZE", request.handle, (unsigned long long)request.cookie);
}

static void put_notification_done(struct slot* slot, bool death) {
  struct model* const model = &models[slot->party];
  uint64_t cookie = 0x99;
  if (chance(95)) ring_take(death ? &model->dead : &model->frozen, &cookie);
  put_command(slot, death ? BC_DEAD_BINDER_DONE : CONF_BC_FREEZE_NOTIFICATION_DONE);
  append(slot, &cookie, sizeof(cookie));
  fprintf(described, " %s 0x%llx", death ? "BC_DEAD_BINDER_DONE" : "BC_FREEZE_NOTIFICATION_DONE",
          (unsigned long long)cookie);
}

static void put_looper(struct slot* slot) {
  static const struct {
    uint32_t command;
    const char* name;
  } kCommands[] = {{BC_ENTER_LOOPER, "BC_ENTER_LOOPER"},
                   {BC_REGISTER_LOOPER, "BC_REGISTER_LOOPER"},
                   {BC_EXIT_LOOPER, "BC_EXIT_LOOPER"}};
  const uint32_t which = chance(85) ? below(2) : 2;
  put_command(slot, kCommands[which].command);
  fprintf(described, " %s", kCommands[which].name);
}

static void put_wrong(struct slot* slot) {
  static const uint32_t kCommands[] = {BC_ATTEMPT_ACQUIRE, BC_ACQUIRE_RESULT, BR_NOOP, 0};
  static const uint8_t kZeros[64];
  const uint32_t command = kCommands[below(4)];
  put_command(slot, command);
  append(slot, kZeros, _IOC_SIZE(command));
  fprintf(described, " command 0x%x", command);
}

static void put_one(struct slot* slot, size_t index) {
  const struct model* const model = &models[slot->party];
  const struct {
    uint32_t weight;
  } kinds[] = {{28},
               {depths[slot - shared->slots] > 0 ? 30u : 1u},
               {model->buffers.count > 0 ? 20u : 2u},
               {18},
               {model->increfs.count + model->acquires.count > 0 ? 20u : 2u},
               {6},
               {model->deaths.count > 0 ? 4u : 1u},
               {model->dead.count > 0 ? 12u : 1u},
               {4},
               {model->freezes.count > 0 ? 3u : 1u},
               {model->frozen.count > 0 ? 8u : 1u},
               {5},
               {1}};
  uint32_t total = 0;
  for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) total += kinds[i].weight;
  uint32_t chosen = below(total);
  size_t kind = 0;
  while (chosen >= kinds[kind].weight) chosen -= kinds[kind++].weight;
  switch (kind) {
    case 0:
    case 1:
      put_transaction(slot, index, kind == 1);
      return;
    case 2:
      put_free(slot);
      return;
    case 3:
      put_reference(slot);
      return;
    case 4:
      put_reference_done(slot);
      return;
    case 5:
    case 6:
      put_notification(slot, true, kind == 6);
      return;
    case 7:
      put_notification_done(slot, true);
      return;
    case 8:
    case 9:
      put_notification(slot, false, kind == 9);
      return;
    case 10:
      put_notification_done(slot, false);
      return;
    case 11:
      put_looper(slot);
      return;
    default:
      put_wrong(slot);
  }
}

void generate_commands(struct slot* slot) {
  static const uint32_t kReadSizes[] = {4, 8, 40, 68, 72, 76, 80, 148, 200, 300};
  const uint32_t amount = below(100);
  const size_t count = amount < 25 ? 0 : amount < 65 ? 1 : amount < 85 ? 2 : 2 + below(4);
  slot->out_size = 0;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) fputc(',', described);
    put_one(slot, i);
  }
  if (count > 0 && chance(1)) {
    slot->out_size -= 4;
    fprintf(described, " cut off");
  }
  slot->read_size = sizeof(slot->in);
  if (count > 0 && chance(12)) {
    slot->read_size = 0;
  } else if (chance(12)) {
    slot->read_size = kReadSizes[below(sizeof(kReadSizes) / sizeof(kReadSizes[0]))];
  }
  slot->blocking = kPartyKinds[slot->party].waits && slot->read_size > 0 && chance(40);
  if (slot->read_size == 0) {
    fprintf(described, "; no read");
  } else if (slot->read_size != sizeof(slot->in)) {
    fprintf(described, "; reads %zu", slot->read_size);
  }
  if (slot->blocking) fprintf(described, "; blocking");
}
