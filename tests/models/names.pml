/* SPDX-License-Identifier: Apache-2.0
 *
 * A name that is registered on one host for a binder whose home is another, as a third host knows it:
 * host/service-manager/service_manager.cc, other_managers.cc, name_table.cc. Host 0 is the home of the
 * binder, host 1 has the name, host 2 is told of it.
 *
 * Each transition is one event of one host, and bears the name of the function that handles it. Of the
 * references it is told only whether a host can have them: ledgers.pml is about these.
 *
 * Checked: when every host has a session with every other and nothing is under way, host 2 knows the
 * name if and only if host 1 has it, and by the binder that it stands for there; and a listener on
 * host 2 is never told of what a lookup gave already.
 */
#ifndef NAMES
#define NAMES 2     /* times that the name is registered */
#endif
#ifndef LOSSES
#define LOSSES 2    /* of sessions */
#endif
#ifndef OWN
#define OWN 1       /* host 2 may have the name itself, too */
#endif
mtype = { PUBLISH, FORGET, REFRESH };
/* PUBLISH: the binder, and how often hosts 0 and 1 had lost each other when it was sent */
chan to_2 = [8] of { mtype, byte, byte };
chan to_1 = [8] of { mtype, byte, byte };
bool up01, up02, up12;
byte lives01;            /* how often 0 and 1 have lost each other */
byte lives02;

byte binders;            /* made at home so far; each registration is for a new one */
bool alive[4];
byte at_1;               /* the binder that the name stands for on host 1; 0 none */
byte at_2;               /* by what it is known on host 2, of host 1 */
byte at_2_life;          /* with which session of 0 and 2 it was had */
bool own_2;              /* host 2 has it itself, and prefers that */
byte heard;              /* what the listener was last told: 0 none, a binder, or 9 for host 2's own */
byte heard_life;
byte losses;
byte i, j, given; mtype kind;

#define SEND(q, l, M, X, Y) if :: l -> assert(nfull(q)); q!M, X, Y :: else fi

/* ServiceManager::put on host 2, and Listeners::tell */
inline put(binder) {
  given = (own_2 -> 9 : at_2);
  at_2 = binder; at_2_life = lives02;
  if
  :: !own_2 && (given != binder) ->
     assert(heard != binder || heard_life != lives02 || given == 0);
     heard = binder; heard_life = lives02
  :: else
  fi;
  given = 0
}

/* ServiceManager::add on host 1 */
inline add() {
  binders++; alive[binders] = 1; at_1 = binders; SEND(to_2, up12, PUBLISH, binders, lives01)
}

/* ServiceManager::publish_again, on host 1 */
inline refresh() { if :: at_1 != 0 -> SEND(to_2, up12, PUBLISH, at_1, lives01) :: else fi }

inline publish_arrives(binder, life_then) {
  if
  :: up02 && alive[binder] && life_then == lives01 -> put(binder)
  /* the introducer has lost the home meanwhile: the home may have heard of the introduction, or not */
  :: up02 && alive[binder] && life_then != lives01 -> put(binder)
  :: up02 && alive[binder] && life_then != lives01 -> at_2 = 0
  :: else -> at_2 = 0
  fi
}

/* Its death is told to whoever holds it. ServiceManager::died */
inline dies(binder) {
  alive[binder] = 0;
  if :: at_1 == binder && up01 -> at_1 = 0 :: else fi;
  if :: at_2 == binder && up02 -> at_2 = 0 :: else fi
}

inline lose01() {
  up01 = 0; lives01++;
  if :: at_1 != 0 -> at_1 = 0; SEND(to_2, up12, FORGET, 0, 0) :: else fi
}
inline lose02() { up02 = 0; lives02++; at_2 = 0 }
inline lose12() {
  up12 = 0; at_2 = 0;
  do :: nempty(to_2) -> to_2?kind, i, j :: empty(to_2) -> break od;
  do :: nempty(to_1) -> to_1?kind, i, j :: empty(to_1) -> break od;
  kind = 0; i = 0; j = 0
}
/* ServiceManager::peer_connected on host 1 */
inline connect12() { up12 = 1; refresh() }
/* ServiceManager::host_reachable on host 2 */
#ifdef WITHOUT_REFRESH
inline connect02() { up02 = 1 }
#else
inline connect02() { up02 = 1; SEND(to_1, up12, REFRESH, 0, 0) }
#endif

#define QUIET (up01 && up02 && up12 && empty(to_1) && empty(to_2))

active proctype hosts() {
  d_step { up01 = 1; up02 = 1; up12 = 1 }
  do
  :: d_step { binders < NAMES && up01 -> add() }
  :: d_step { binders >= 1 && alive[1] -> dies(1) }
  :: d_step { binders >= 2 && alive[2] -> dies(2) }
#if OWN
  :: d_step { !own_2 -> own_2 = 1; heard = 9 }
  :: d_step { own_2 -> own_2 = 0 }
#endif
  :: d_step { losses < LOSSES && up01 -> losses++; lose01() }
  :: d_step { losses < LOSSES && up02 -> losses++; lose02() }
  :: d_step { losses < LOSSES && up12 -> losses++; lose12() }
  :: d_step { !up01 -> up01 = 1 }
  :: d_step { !up02 -> connect02() }
  :: d_step { !up12 -> connect12() }
  :: d_step { nempty(to_2) -> to_2?kind, i, j;
       if
       :: kind == PUBLISH -> publish_arrives(i, j)
       :: kind == FORGET -> at_2 = 0
       fi;
       kind = 0; i = 0; j = 0 }
  :: d_step { nempty(to_1) -> to_1?kind, i, j; refresh(); kind = 0; i = 0; j = 0 }
  :: d_step { QUIET -> assert(at_2 == at_1) }
  od
}
