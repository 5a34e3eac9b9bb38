// SPDX-License-Identifier: Apache-2.0
// binder_probe SUBCOMMAND …: what end-to-end tests need on both sides of a binder. The device is
// /dev/binder or the one in BINDER_DEVICE. Exit status 0 if all was as it should be, 1 if not, 2
// for a wrong command line. Lines on stdout, which tests compare ("N" stands for a number):
//
//   serve NAME [--oneway-log]   "serving NAME pid N", then serves for ever the codes of probe.h;
//                               with --oneway-log a line "oneway N" for each oneway call
//   echo NAME SIZE…             "echo SIZE ok" for each
//   sum NAME SIZE…              "sum SIZE ok" for each
//   pid NAME                    "pid N": the server's own idea of it
//   oneway NAME COUNT           "oneway COUNT received COUNT in order COUNT"
//   callback NAME               "callback ok": the server called a binder of ours while we waited
//   die NAME                    "BR_DEAD_REPLY": the server was asked to exit
//   call-until-dead NAME MS     "calling", then "BR_DEAD_REPLY" if the server dies within MS
//                               milliseconds; otherwise "replied" and status 1
//   pass NAME VIA               "passed NAME to VIA": VIA holds a binder of NAME now
//   take VIA                    "took pid N", the pid of the binder VIA holds, and "echo 64 ok"
//   home NAME [VIA]             NAME's own binder, through VIA if given, is sent to NAME:
//                               "same handle" and "home ok"
//   file NAME                   "file ok": the server wrote to a pipe we passed
//   give NAME COMMAND [N…]      "given": the server runs COMMAND in a shell, with our descriptors N
//                               (0 if there is none) as its 3, 4 …; or how the call failed,
//                               "BR_FAILED_REPLY ERRNO", and status 1
//   give-array NAME COMMAND N…  the same with the descriptors in an array
//   fetch NAME COMMAND [--unaccepted]
//                               what COMMAND prints at the server, through a pipe that is in the
//                               reply; --unaccepted: the call does not accept one
//   watch NAME                  "linked", then "dead" when the server has died
//   manage                      "managing" as the context's manager, then "deposed N" if another host's
//                               has taken its place; or "refused ERRNO"
//   alias NAME OTHER            "OTHER is NAME": has published NAME's binder once more, by that name
//   manager-info                "service NAME" for each, in the manager's order; "services N"
#include <stdio.h>
#include <string.h>

#include "probe.h"

struct subcommand {
  const char* name;
  int (*run)(int argc, char** argv);  // of the arguments behind the subcommand
  int least;
  int most;
};

enum { kAnyNumber = 1000 };

static const struct subcommand kSubcommands[] = {
    {"serve", probe_serve, 1, 2},
    {"echo", probe_echo, 2, kAnyNumber},
    {"sum", probe_sum, 2, kAnyNumber},
    {"pid", probe_pid, 1, 1},
    {"oneway", probe_oneway, 2, 2},
    {"callback", probe_callback, 1, 1},
    {"die", probe_die, 1, 1},
    {"call-until-dead", probe_call_until_dead, 2, 2},
    {"pass", probe_pass, 2, 2},
    {"take", probe_take, 1, 1},
    {"home", probe_home, 1, 2},
    {"file", probe_file, 1, 1},
    {"give", probe_give, 2, 18},
    {"give-array", probe_give_array, 2, 18},
    {"fetch", probe_fetch, 2, 3},
    {"watch", probe_watch, 1, 1},
    {"manager-info", probe_manager_info, 0, 0},
    {"manage", probe_manage, 0, 0},
    {"alias", probe_alias, 2, 2},
};

int main(int argc, char** argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t i = 0; argc > 1 && i < sizeof(kSubcommands) / sizeof(kSubcommands[0]); ++i) {
    const struct subcommand* const subcommand = &kSubcommands[i];
    if (strcmp(argv[1], subcommand->name) != 0) continue;
    if (argc - 2 < subcommand->least || argc - 2 > subcommand->most) break;
    return subcommand->run(argc - 2, argv + 2);
  }
  fprintf(stderr, "usage: binder_probe SUBCOMMAND ARGUMENT…\nsubcommands:");
  for (size_t i = 0; i < sizeof(kSubcommands) / sizeof(kSubcommands[0]); ++i) {
    fprintf(stderr, " %s", kSubcommands[i].name);
  }
  fputc('\n', stderr);
  return 2;
}
