// SPDX-License-Identifier: Apache-2.0
// ask_manager CODE NAME [LIBRARY]...: loads the libraries, then calls the service manager as a
// client of Android 11 or later with one string, and prints the words of the answer.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "binder_io.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  for (int i = 3; i < argc; ++i) {
    if (dlopen(argv[i], RTLD_NOW | RTLD_LOCAL) == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
  }
  struct binder_conn conn;
  if (!binder_open(&conn, "/dev/binder", 128 * 1024)) return 1;
  struct parcel_writer request;
  parcel_init(&request);
  parcel_write_u32(&request, 0);            // strict mode
  parcel_write_u32(&request, 0xffffffffu);  // work source
  parcel_write_u32(&request, 0x53595354u);  // SYST
  parcel_write_string16(&request, "android.os.IServiceManager");
  parcel_write_string16(&request, argv[2]);
  struct binder_reply reply;
  const enum binder_result result =
      binder_call(&conn, 0, (uint32_t)strtoul(argv[1], NULL, 10), &request, &reply);
  parcel_free(&request);
  if (result == kBinderStatus) printf("status %d\n", reply.status);
  if (result != kBinderOk) return result == kBinderStatus ? 0 : 1;
  uint32_t word = 0;
  printf("words");
  while (parcel_read_u32(&reply.parcel, &word)) printf(" %d", (int)word);
  printf("\n");
  return 0;
}
