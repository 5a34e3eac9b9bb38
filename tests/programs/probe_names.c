// SPDX-License-Identifier: Apache-2.0
// A program that is the context's manager, and one that has a name for another program's binder.
#include <errno.h>
#include <stdio.h>

#include "probe.h"

int probe_manage(int argc, char** argv) {
  (void)argc;
  (void)argv;
  struct binder_conn conn;
  if (!probe_open(&conn)) {
    perror("binder_probe: open");
    return 1;
  }
  if (!binder_become_manager(&conn)) {
    printf("refused %d\n", errno);
    return 1;
  }
  printf("managing\n");
  fflush(stdout);
  binder_loop(&conn);
  printf("%s %d\n", errno == ESTALE ? "deposed" : "ended", errno);
  return 0;
}

int probe_alias(int argc, char** argv) {
  (void)argc;
  struct binder_conn conn;
  uint32_t handle = 0;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  if (!probe_publish_handle(&conn, argv[1], handle)) return 1;
  printf("%s is %s\n", argv[1], argv[0]);
  fflush(stdout);
  binder_loop(&conn);
  return 1;
}
