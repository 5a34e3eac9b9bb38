// SPDX-License-Identifier: Apache-2.0
// The other ioctls.
#include <string.h>

#include "random.h"

static void argue(struct slot* slot, uint32_t command, const void* argument, size_t size) {
  slot->command = command;
  memset(slot->argument, 0, sizeof(slot->argument));
  memcpy(slot->argument, argument, size);
}

static int pick_process(uint32_t* pid) {
  const int process = (int)below(kProcesses);
  *pid = chance(97) && shared->pids[process] != 0 ? (uint32_t)shared->pids[process] : 0x7ffffff0;
  return process;
}

static void freeze(struct slot* slot) {
  struct binder_freeze_info info = {.pid = 0};
  int process = pick_process(&info.pid);
  for (int i = 0; i < kProcesses; ++i) {
    // Only for a short time, because little happens to a frozen process.
    if (process_frozen[i] && shared->pids[i] != 0 && chance(70)) {
      process = i;
      info.pid = (uint32_t)shared->pids[i];
    }
  }
  info.enable = process_frozen[process] ? chance(15) : chance(85);
  argue(slot, BINDER_FREEZE, &info, sizeof(info));
  fprintf(described, " BINDER_FREEZE %s %u", process_name((int32_t)info.pid), info.enable);
}

static void become_manager(struct slot* slot) {
  // No security contexts: they are of different lengths on different systems.
  struct flat_binder_object node = {.hdr = {.type = BINDER_TYPE_BINDER}};
  if (chance(40)) {
    argue(slot, BINDER_SET_CONTEXT_MGR, &node, 0);
    fprintf(described, " BINDER_SET_CONTEXT_MGR");
    return;
  }
  node.binder = chance(60) ? 0x1000u * (uint32_t)(slot->party + 1) + 0x10 * below(6) : 0;
  node.cookie = node.binder == 0 ? 0 : node.binder + 1;
  node.flags = chance(80) ? FLAT_BINDER_FLAG_ACCEPTS_FDS : 0;
  argue(slot, BINDER_SET_CONTEXT_MGR_EXT, &node, sizeof(node));
  fprintf(described, " BINDER_SET_CONTEXT_MGR_EXT 0x%llx flags 0x%x",
          (unsigned long long)node.binder, node.flags);
}

static void ask_about_nodes(struct slot* slot) {
  struct binder_node_debug_info node = {.ptr = 0};
  struct binder_node_info_for_ref ref = {.handle = below(5)};
  uint64_t handle;
  if (chance(50)) {
    if (chance(70)) node.ptr = 0x1000u * (uint32_t)(slot->party + 1) + 0x10 * below(6) - 8;
    argue(slot, BINDER_GET_NODE_DEBUG_INFO, &node, sizeof(node));
    fprintf(described, " BINDER_GET_NODE_DEBUG_INFO 0x%llx", (unsigned long long)node.ptr);
    return;
  }
  if (chance(80) && ring_any(&models[slot->party].handles, &handle)) ref.handle = (uint32_t)handle;
  if (chance(5)) ref.strong_count = 1;
  argue(slot, BINDER_GET_NODE_INFO_FOR_REF, &ref, sizeof(ref));
  fprintf(described, " BINDER_GET_NODE_INFO_FOR_REF %u", ref.handle);
}

void generate_control(struct slot* slot) {
  struct binder_frozen_status_info frozen = {.pid = 0};
  uint32_t number;
  const uint32_t which = below(100);
  if (manager_party < 0 ? which < 60 : which < 3) {
    become_manager(slot);
  } else if (which < 15) {
    number = below(4);
    argue(slot, BINDER_SET_MAX_THREADS, &number, sizeof(number));
    fprintf(described, " BINDER_SET_MAX_THREADS %u", number);
  } else if (which < 22) {
    number = chance(80);
    argue(slot, BINDER_ENABLE_ONEWAY_SPAM_DETECTION, &number, sizeof(number));
    fprintf(described, " BINDER_ENABLE_ONEWAY_SPAM_DETECTION %u", number);
  } else if (which < 32) {
    argue(slot, BINDER_THREAD_EXIT, &which, 0);
    fprintf(described, " BINDER_THREAD_EXIT");
    depths[slot - shared->slots] = 0;
    has_read[slot - shared->slots] = false;
  } else if (which < 34) {
    argue(slot, BINDER_VERSION, &which, 0);
    fprintf(described, " BINDER_VERSION");
  } else if (which < 52) {
    ask_about_nodes(slot);
  } else if (which < 75) {
    freeze(slot);
  } else if (which < 85) {
    pick_process(&frozen.pid);
    argue(slot, BINDER_GET_FROZEN_INFO, &frozen, sizeof(frozen));
    fprintf(described, " BINDER_GET_FROZEN_INFO %s", process_name((int32_t)frozen.pid));
  } else {
    argue(slot, BINDER_GET_EXTENDED_ERROR, &which, 0);
    fprintf(described, " BINDER_GET_EXTENDED_ERROR");
  }
}
