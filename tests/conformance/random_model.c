// SPDX-License-Identifier: Apache-2.0
// The objects that are live according to the text so far; and random numbers.
#include <string.h>

#include "random.h"

struct model models[kParties];
int depths[kSlots];
bool has_read[kSlots];
bool process_frozen[kProcesses];
int manager_party = -1;

static uint64_t random_state;

static uint64_t next_random(void) {  // splitmix64
  uint64_t z = random_state += 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// Neighbouring seeds are not neighbouring places in one sequence.
void seed_random(uint64_t seed) {
  random_state = seed;
  random_state = next_random() ^ seed << 32;
}

uint32_t below(uint32_t bound) { return (uint32_t)((next_random() >> 32) * bound >> 32); }
bool chance(uint32_t percent) { return below(100) < percent; }

void ring_add(struct ring* ring, uint64_t value) {
  if (ring->count == kKept) {
    memmove(ring->values, ring->values + 1, sizeof(ring->values) - sizeof(ring->values[0]));
    --ring->count;
  }
  ring->values[ring->count++] = value;
}

bool ring_any(const struct ring* ring, uint64_t* value) {
  if (ring->count == 0) return false;
  *value = ring->values[below((uint32_t)ring->count)];
  return true;
}

bool ring_take(struct ring* ring, uint64_t* value) {
  if (ring->count == 0) return false;
  const size_t i = below((uint32_t)ring->count);
  *value = ring->values[i];
  memmove(ring->values + i, ring->values + i + 1, (--ring->count - i) * sizeof(ring->values[0]));
  return true;
}

void forget_party(int party) {
  memset(&models[party], 0, sizeof(models[party]));
  for (int i = party * kThreads; i < (party + 1) * kThreads; ++i) {
    depths[i] = 0;
    has_read[i] = false;
  }
  if (manager_party == party) manager_party = -1;
}

static void learn_command(const struct slot* slot, uint32_t command, const uint8_t* payload) {
  struct model* const model = &models[slot->party];
  struct binder_transaction_data data;
  struct binder_ptr_cookie object;
  binder_uintptr_t cookie;
  switch (command) {
    case BR_TRANSACTION:
    case BR_TRANSACTION_SEC_CTX:
    case BR_REPLY:
      memcpy(&data, payload, sizeof(data));
      ring_add(&model->buffers, data.data.ptr.buffer);
      if (command != BR_REPLY && (data.flags & TF_ONE_WAY) == 0) ++depths[slot - shared->slots];
      return;
    case BR_INCREFS:
    case BR_ACQUIRE:
      memcpy(&object, payload, sizeof(object));
      ring_add(command == BR_INCREFS ? &model->increfs : &model->acquires, object.ptr);
      return;
    case BR_DEAD_BINDER:
    case CONF_BR_FROZEN_BINDER:
      memcpy(&cookie, payload, sizeof(cookie));
      ring_add(command == BR_DEAD_BINDER ? &model->dead : &model->frozen, cookie);
      return;
    default:
      return;
  }
}

void learn(const struct slot* slot) {
  if (slot->party < 0 || slot->kind != kWriteRead) return;
  if (slot->read_size > 0) has_read[slot - shared->slots] = true;
  for (size_t position = 0; position + sizeof(uint32_t) <= slot->read;) {
    uint32_t command;
    memcpy(&command, slot->in + position, sizeof(command));
    position += sizeof(command);
    if (position + _IOC_SIZE(command) > slot->read) return;
    learn_command(slot, command, slot->in + position);
    position += _IOC_SIZE(command);
  }
  for (size_t i = 0; i < slot->handle_count; ++i) {
    ring_add(&models[slot->party].handles, slot->handles[i]);
  }
}
