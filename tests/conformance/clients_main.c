// SPDX-License-Identifier: Apache-2.0
// binder_clients: what binder programs do besides talking to the driver: opening, mapping, waiting,
// forking, being killed. It ignores BINDER_DEVICE, because the paths are what is tested.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conformance.h"

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(120);
  if (argc == 2 && strcmp(argv[1], "spawned") == 0) {
    run_spawned();
    return 0;
  }
  manager_start();
  run_opening("/dev/binder");
  run_maps();
  run_readiness();
  run_processes("/proc/self/exe");
  run_kills();
  run_holders();
  manager_stop();
  return 0;
}
