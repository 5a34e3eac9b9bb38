// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <unistd.h>

#include "conformance.h"

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  // Rather than wait for ever for what does not come. Between several hosts it takes longer.
  alarm(spread_start() ? 240 : 120);
  manager_start();
  run_nodes();
  run_references();
  run_deaths();
  run_calls();
  run_oneway();
  run_loopers();
  run_failures();
  run_buffers();
  run_files();
  run_endings();
  run_freeze();
  run_reads();
  run_nice();
  manager_stop();
  run_control();
  return 0;
}
