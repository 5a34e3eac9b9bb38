/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is the manager of a context whose claims a store decides: membership/etcd/claims.cc at each host,
 * core/cluster/context_claims.cc and remote_managers.cc. Two hosts that claim, and a third that only
 * looks on. The store is one place that changes in one order.
 *
 * Each transition is one event of one place, and bears the name of the function that handles it.
 * Answers come in order; each host's watch brings the store's changes in order; a session brings what a
 * host announces in order. A host may lose the store: its requests and answers are gone then, it stops
 * by its own clock, and only after that the store ends its lease.
 *
 * Checked: no two hosts have a manager that was granted at the same time; and when nothing is under
 * way, all hosts have the manager of the host whose claim holds, and none if none does.
 */
#ifndef CLAIMS
#define CLAIMS 3    /* asks, by all programs together */
#endif
#ifndef CUTS
#define CUTS 1      /* losses of the store */
#endif
#define HOSTS 3
#define LINK(a, b) ((a) * HOSTS + (b))

mtype = { HELD, FREE, MANAGER, DIED, ASK, RELEASE };
chan watch[3] = [12] of { mtype, byte };   /* the host */
chan jobs[2] = [6] of { mtype, byte };     /* requests under way or queued; RELEASE: the epoch */
chan to[9] = [8] of { mtype, byte };       /* the program */

/* the store */
byte holder;          /* host + 1 */
byte epoch;           /* of its claim */
byte epochs;
bool lease[2] = true;

/* each host */
byte claimant[2];     /* the program that waits */
byte manager[3];      /* granted; the third host has none */
byte held[2];         /* its epoch */
bool cut[2];          /* it cannot reach the store */
bool stopped[2];      /* by its own clock */
byte known[3];        /* the holder, by the watch: host + 1 */
byte announced[12];   /* here, by which host, from 1: the program */
byte programs, cuts;
byte i; mtype kind;

#define USED(h) announced[(h) * 4 + known[h]]

inline tell_watches(what, h) {
  i = 0;
  do :: i < HOSTS -> watch[i]!what, h; i++ :: else -> break od;
  i = 0
}

inline announce(h, what, program) {
  i = 0;
  do :: i < HOSTS -> if :: i != h -> to[LINK(h, i)]!what, program :: else fi; i++ :: else -> break od;
  i = 0
}

/* Managers::become_manager, Claims::ask */
inline claim(h) {
  programs++; claimant[h] = programs; jobs[h]!ASK, programs
}

/* Claims::answered. The store decides and its answer is heard, or it is not (answer_lost). */
inline decided(h) {
  jobs[h]?kind, i;
  if
  :: kind == RELEASE && holder == h + 1 && epoch == i ->
     holder = 0; if :: known[h] == h + 1 -> known[h] = 0 :: else fi; tell_watches(FREE, h)
  :: kind == RELEASE && !(holder == h + 1 && epoch == i)
  :: kind == ASK && holder != 0 && holder != h + 1 -> claimant[h] = 0
  :: kind == ASK && holder == 0 ->
     epochs++; epoch = epochs; holder = h + 1; tell_watches(HELD, h); granted(h)
  :: kind == ASK && holder == h + 1 -> granted(h)
  fi;
  i = 0; kind = 0
}

inline granted(h) {
  known[h] = h + 1; manager[h] = claimant[h]; held[h] = epoch; claimant[h] = 0;
  if :: manager[h] == 0 -> release(h) :: else -> announce(h, MANAGER, manager[h]) fi
}

inline release(h) { jobs[h]!RELEASE, held[h]; held[h] = 0 }

/* ContextClaims::manager_gone */
inline die(h) {
  announce(h, DIED, manager[h]); manager[h] = 0;
  if :: held[h] != 0 -> release(h) :: else fi
}

/* The host loses the store; what the store has decided, it may not hear: Claims::unreachable. */
inline cut_off(h, heard) {
  cuts++; cut[h] = 1;
  if
  :: nempty(jobs[h]) ->
     jobs[h]?kind, i;
     if
     :: kind == ASK && heard && holder == 0 ->
        epochs++; epoch = epochs; holder = h + 1; tell_watches(HELD, h)
     :: !(kind == ASK && heard && holder == 0)
     fi
  :: empty(jobs[h])
  fi;
  do :: nempty(jobs[h]) -> jobs[h]?kind, i :: empty(jobs[h]) -> break od;
  claimant[h] = 0; i = 0; kind = 0
}

/* Claims::lose_all, ContextClaims::lost */
inline stop(h) {
  stopped[h] = 1; held[h] = 0;
  if :: manager[h] != 0 -> announce(h, DIED, manager[h]); manager[h] = 0 :: else fi
}

inline lease_ends(h) {
  lease[h] = 0;
  if :: holder == h + 1 -> holder = 0; tell_watches(FREE, h) :: else fi
}

/* Reads everything, and gives back what nobody here has: Claims::compare. */
inline reconnect(h) {
  cut[h] = 0; stopped[h] = 0; lease[h] = 1;
  do :: nempty(watch[h]) -> watch[h]?kind, i :: empty(watch[h]) -> break od;
  i = 0; kind = 0;
  known[h] = holder;
#ifndef WITHOUT_COMPARE
  if :: holder == h + 1 && held[h] == 0 -> jobs[h]!RELEASE, epoch :: else fi;
  if
  :: held[h] != 0 && !(holder == h + 1 && epoch == held[h]) -> held[h] = 0;
     if :: manager[h] != 0 -> announce(h, DIED, manager[h]); manager[h] = 0 :: else fi
  :: else
  fi
#endif
}

/* ContextClaims::held */
inline watched(h) {
  watch[h]?kind, i;
  if
  :: kind == HELD -> if :: i == h -> skip :: else -> known[h] = i + 1 fi
  :: kind == FREE -> if :: i == h -> skip :: known[h] == i + 1 && i != h -> known[h] = 0 :: else fi
  fi;
  i = 0; kind = 0
}

inline arrives(f, t) {
  to[LINK(f, t)]?kind, i;
  if
  :: kind == MANAGER -> announced[(t) * 4 + f + 1] = i
  :: kind == DIED && announced[(t) * 4 + f + 1] == i -> announced[(t) * 4 + f + 1] = 0
  :: else
  fi;
  i = 0; kind = 0
}

#ifdef WITHOUT_OWN_CLOCK
#define LEASE_MAY_END(h) (stopped[h] || cut[h])
#else
#define LEASE_MAY_END(h) stopped[h]
#endif
#define MAY_CLAIM(h) (programs < CLAIMS && !cut[h] && claimant[h] == 0 && manager[h] == 0 && \
                      (known[h] == 0 || known[h] == h + 1))
#define QUIET (!cut[0] && !cut[1] && empty(watch[0]) && empty(watch[1]) && empty(watch[2]) && \
               empty(jobs[0]) && empty(jobs[1]) && empty(to[1]) && empty(to[2]) && empty(to[3]) && \
               empty(to[5]))
#define HANDLE_ZERO(h) (manager[h] != 0 -> manager[h] : USED(h))

active proctype cluster() {
  do
  :: d_step { MAY_CLAIM(0) -> claim(0) }
  :: d_step { MAY_CLAIM(1) -> claim(1) }
  :: d_step { !cut[0] && nempty(jobs[0]) -> decided(0) }
  :: d_step { !cut[1] && nempty(jobs[1]) -> decided(1) }
  :: d_step { claimant[0] != 0 -> claimant[0] = 0 }   /* its program dies */
  :: d_step { claimant[1] != 0 -> claimant[1] = 0 }
  :: d_step { manager[0] != 0 -> die(0) }
  :: d_step { manager[1] != 0 -> die(1) }
  :: d_step { cuts < CUTS && !cut[0] -> cut_off(0, 1) }
  :: d_step { cuts < CUTS && !cut[0] -> cut_off(0, 0) }
  :: d_step { cuts < CUTS && !cut[1] -> cut_off(1, 1) }
  :: d_step { cuts < CUTS && !cut[1] -> cut_off(1, 0) }
  :: d_step { cut[0] && !stopped[0] -> stop(0) }
  :: d_step { cut[1] && !stopped[1] -> stop(1) }
  :: d_step { cut[0] && LEASE_MAY_END(0) && lease[0] -> lease_ends(0) }
  :: d_step { cut[1] && LEASE_MAY_END(1) && lease[1] -> lease_ends(1) }
  :: d_step { cut[0] -> reconnect(0) }
  :: d_step { cut[1] -> reconnect(1) }
  :: d_step { !cut[0] && nempty(watch[0]) -> watched(0) }
  :: d_step { !cut[1] && nempty(watch[1]) -> watched(1) }
  :: d_step { nempty(watch[2]) -> watched(2) }
  :: d_step { nempty(to[1]) -> arrives(0, 1) }
  :: d_step { nempty(to[2]) -> arrives(0, 2) }
  :: d_step { nempty(to[3]) -> arrives(1, 0) }
  :: d_step { nempty(to[5]) -> arrives(1, 2) }
  :: d_step { manager[0] != 0 && manager[1] != 0 -> assert(manager[0] == 0 || manager[1] == 0) }
  :: d_step { QUIET && claimant[0] == 0 && claimant[1] == 0 ->
       if
       :: holder == 0 -> assert(HANDLE_ZERO(0) == 0 && HANDLE_ZERO(1) == 0 && HANDLE_ZERO(2) == 0)
       :: else ->
          assert(manager[holder - 1] != 0);
          assert(HANDLE_ZERO(0) == manager[holder - 1]);
          assert(HANDLE_ZERO(1) == manager[holder - 1]);
          assert(HANDLE_ZERO(2) == manager[holder - 1])
       fi }
  od
}
