/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of hosts that is replaced host by host, and names another arbiter, while programs claim a
 * context: core/cluster/host_lists.cc, arbiter_changes.cc, context_claims.cc. By list 1 host 0 is the
 * arbiter, by list 2 host 1. Three hosts, none of which loses another one.
 *
 * Each transition is one event of one host, and bears the name of the function that handles it.
 * Managers that others announce are left out: what is checked holds without anybody looking at them.
 *
 * Checked: there is never a second program that was told that it is manager, none is deposed, and when
 * all hosts have the same list and nothing is under way the arbiter has exactly the claim of the one
 * that there is.
 */
#ifndef CLAIMS
#define CLAIMS 3    /* programs that claim */
#endif
#define HOSTS 3
#define LINK(a, b) ((a) * HOSTS + (b))
#define ARBITER(h) (list[h] - 1)

mtype = { CLAIM, RESULT, RELEASED, HOLDER, LIST };
/* CLAIM: the list. RESULT: one of these. HOLDER: the host, whether it holds. LIST: number, newest. */
#define DENIED 0
#define GRANTED 1
#define OTHER_LIST 2
chan to[9] = [10] of { mtype, byte, byte };

byte list[HOSTS];
byte newest[HOSTS];
byte told_number[9];   /* at a host, of another */
byte told_newest[9];
bool decides[HOSTS];

bool manager[HOSTS];
bool granted[HOSTS];
bool claimant[HOSTS];
byte unanswered[HOSTS];
byte left[HOSTS];      /* by host 0 */
byte holder[HOSTS];    /* ContextHolders: host + 1 */
bool taken_over[HOSTS];
byte confirmed[HOSTS]; /* RemoteManagers::last_confirmed: host + 1 */

byte claims;
byte i, j, a1, a2; mtype kind; bool changed;

#define OTHER1(h) ((h) == 0 -> 1 : 0)
#define OTHER2(h) ((h) == 2 -> 1 : 2)
#define NEWEST(h) (newest[h] == list[h])
#ifdef WITHOUT_WAITING
#define MAY_DECIDE(h) NEWEST(h)
#else
#define MAY_DECIDE(h) \
  (NEWEST(h) && told_newest[LINK(h, OTHER1(h))] >= list[h] && \
   told_newest[LINK(h, OTHER2(h))] >= list[h])
#endif

inline send(f, t, M, X, Y) { assert(nfull(to[LINK(f, t)])); to[LINK(f, t)]!M, X, Y }

/* HostLists::tell_all */
inline tell_all(h) {
  send(h, OTHER1(h), LIST, list[h], newest[h]); send(h, OTHER2(h), LIST, list[h], newest[h])
}

/* ContextClaims::tell_holder */
inline tell_holder(h, who, holds) {
  if :: OTHER1(h) != who -> send(h, OTHER1(h), HOLDER, who, holds) :: else fi;
  if :: OTHER2(h) != who -> send(h, OTHER2(h), HOLDER, who, holds) :: else fi
}

/* ContextClaims::decide. `i` is whether it is granted. */
inline decide(h, who) {
  if :: holder[h] == 0 -> holder[h] = who + 1 :: else fi;
  i = (holder[h] == who + 1);
  if :: i == 1 -> taken_over[h] = 0 :: else fi;
  if
  :: who != h && i == 1 -> confirmed[h] = who + 1
  :: who != h && i == 0 && confirmed[h] == who + 1 -> confirmed[h] = 0
  :: else
  fi;
  tell_holder(h, who, i)
}

inline end_claim(h, who) {
  if
  :: holder[h] == who + 1 ->
     holder[h] = 0; taken_over[h] = 0;
     if :: confirmed[h] == who + 1 -> confirmed[h] = 0 :: else fi;
     tell_holder(h, who, 0)
  :: else
  fi
}

inline ask(h) { unanswered[h]++; send(h, ARBITER(h), CLAIM, list[h], 0) }

inline install(h) {
  assert(!manager[0] && !manager[1] && !manager[2]);
  manager[h] = 1; granted[h] = 1
}

inline renew(h) {
  if
  :: manager[h] && !granted[h] && ARBITER(h) != h -> ask(h)
  :: manager[h] && !granted[h] && ARBITER(h) == h && MAY_DECIDE(h) ->
     decide(h, h); assert(i == 1); granted[h] = 1; i = 0
  :: else
  fi
}

/* ContextClaims::tell_holders, with ask_whether_holds */
inline tell_holders_one(h, p) {
  if
  :: holder[h] != 0 && holder[h] != p + 1 -> send(h, p, HOLDER, (holder[h] - 1), 1)
#ifndef WITHOUT_ASKING
  :: holder[h] == p + 1 && taken_over[h] -> send(h, p, HOLDER, p, 1)
#endif
  :: else
  fi
}
inline tell_holders(h) { tell_holders_one(h, OTHER1(h)); tell_holders_one(h, OTHER2(h)) }

inline reconsider(h) {
  if
  :: MAY_DECIDE(h) && !decides[h] && ARBITER(h) == h ->
     decides[h] = 1; tell_all(h); tell_holders(h); renew(h)
  :: else -> decides[h] = MAY_DECIDE(h)
  fi
}

/* HostLists::told, ContextClaims::list_told */
inline list_told(f, t) {
  changed = (told_number[LINK(t, f)] != a1);
  told_number[LINK(t, f)] = a1; told_newest[LINK(t, f)] = a2;
  if :: a2 > newest[t] -> newest[t] = a2; tell_all(t) :: else fi;
  if
  :: ARBITER(t) == t ->
     if :: changed && a1 == list[t] -> tell_holders_one(t, f) :: else fi;
     reconsider(t)
  :: ARBITER(t) != t && f == ARBITER(t) && a1 == list[t] -> renew(t)
  :: else
  fi;
  changed = 0
}

/* ContextClaims::handle(ClaimContext) */
inline claim_arrives(f, t) {
  if
  :: a1 != list[t] || !MAY_DECIDE(t) -> send(t, f, RESULT, OTHER_LIST, 0)
  :: else -> assert(ARBITER(t) == t); decide(t, f); send(t, f, RESULT, i, 0); i = 0
  fi
}

/* ContextClaims::handle(ContextClaimResult), answered_late, decided */
inline result_arrives(f, t) {
  if
  :: f == 0 && left[t] > 0 ->
     left[t]--;
     if
     :: a1 == GRANTED && !manager[t] && !(ARBITER(t) == f && unanswered[t] > 0) ->
        send(t, f, RELEASED, 0, 0)
     :: else
     fi
  :: else ->
     assert(f == ARBITER(t) && unanswered[t] > 0);
     unanswered[t]--;
     if
     :: unanswered[t] > 0
     :: unanswered[t] == 0 && a1 == OTHER_LIST -> claimant[t] = 0
     :: unanswered[t] == 0 && a1 != OTHER_LIST && claimant[t] ->
        claimant[t] = 0;
        if :: a1 == GRANTED -> install(t) :: else fi
     :: unanswered[t] == 0 && a1 != OTHER_LIST && !claimant[t] ->
        if
        :: manager[t] -> assert(a1 == GRANTED); granted[t] = 1
        :: !manager[t] && a1 == GRANTED -> send(t, f, RELEASED, 0, 0)
        :: else
        fi
     fi
  fi
}

/* ContextClaims::handle(ContextHolder), take_over */
inline holder_arrives(f, t) {
  if
  :: ARBITER(t) == t && told_number[LINK(t, f)] < list[t] && a1 != t ->
     if
     :: a2 == 1 && holder[t] == 0 ->
        holder[t] = a1 + 1; taken_over[t] = 1; confirmed[t] = a1 + 1;
        tell_holder(t, a1, 1);
        send(t, a1, HOLDER, a1, 1)
     :: a2 == 0 && taken_over[t] -> i = a1; end_claim(t, i); i = 0
     :: else
     fi
  :: ARBITER(t) != t && f == ARBITER(t) && a1 == t ->
     if
     :: a2 == 1 && !manager[t] && unanswered[t] == 0 -> send(t, f, RELEASED, 0, 0)
     :: else
     fi
  :: ARBITER(t) != t && f == ARBITER(t) && a1 != t ->
     if
     :: a2 == 1 -> confirmed[t] = a1 + 1
     :: a2 == 0 && confirmed[t] == a1 + 1 -> confirmed[t] = 0
     :: else
     fi
  :: else
  fi
}

inline arrives(f, t) {
  to[LINK(f, t)]?kind, a1, a2;
  if
  :: kind == CLAIM -> claim_arrives(f, t)
  :: kind == RESULT -> result_arrives(f, t)
  :: kind == RELEASED -> end_claim(t, f)
  :: kind == HOLDER -> holder_arrives(f, t)
  :: kind == LIST -> list_told(f, t)
  fi;
  kind = 0; a1 = 0; a2 = 0
}

inline claim(h) {
  claims++;
  if
  :: ARBITER(h) == h && MAY_DECIDE(h) && (holder[h] == 0 || holder[h] == h + 1) ->
     decide(h, h); i = 0; install(h)
  :: ARBITER(h) != h -> claimant[h] = 1; ask(h)
  :: else
  fi
}

/* ContextClaims::manager_gone */
inline die(h) {
  manager[h] = 0;
  if
  :: granted[h] && ARBITER(h) == h -> granted[h] = 0; end_claim(h, h)
  :: granted[h] && ARBITER(h) != h -> granted[h] = 0; send(h, ARBITER(h), RELEASED, 0, 0)
  :: else
  fi
}

/* Cluster::change_list, ContextClaims::list_changed, arbiter_moved */
inline update(h) {
  list[h] = 2; newest[h] = 2;
  tell_all(h);
  if :: h == 0 -> holder[0] = 0; taken_over[0] = 0 :: else fi;
  left[h] = left[h] + unanswered[h]; unanswered[h] = 0; claimant[h] = 0;
  if
  :: h != 1 -> granted[h] = 0
  :: h == 1 && granted[1] -> holder[1] = 2
  :: h == 1 && !granted[1] && confirmed[1] != 0 -> holder[1] = confirmed[1]; taken_over[1] = 1
  :: else
  fi;
  decides[h] = MAY_DECIDE(h);
  if :: h == 1 && decides[1] -> tell_holders(1) :: else fi;
  renew(h)
}

#define CAN_CLAIM(h) (claims < CLAIMS && !manager[h] && !claimant[h] && NEWEST(h))
#define QUIET \
  (empty(to[1]) && empty(to[2]) && empty(to[3]) && empty(to[5]) && empty(to[6]) && empty(to[7]) && \
   list[0] == list[1] && list[1] == list[2])
#define A (list[0] - 1)

active proctype cluster() {
  d_step {
    i = 0;
    do
    :: i < HOSTS -> list[i] = 1; newest[i] = 1; decides[i] = 1; i++
    :: else -> break
    od;
    i = 0;
    do :: i < 9 -> told_number[i] = 1; told_newest[i] = 1; i++ :: else -> break od;
    i = 0
  }
  do
  :: d_step { CAN_CLAIM(0) -> claim(0) }
  :: d_step { CAN_CLAIM(1) -> claim(1) }
  :: d_step { CAN_CLAIM(2) -> claim(2) }
  :: d_step { manager[0] -> die(0) }
  :: d_step { manager[1] -> die(1) }
  :: d_step { manager[2] -> die(2) }
  :: d_step { claimant[0] -> claimant[0] = 0 }
  :: d_step { claimant[1] -> claimant[1] = 0 }
  :: d_step { claimant[2] -> claimant[2] = 0 }
  :: d_step { list[0] == 1 -> update(0) }
  :: d_step { list[1] == 1 -> update(1) }
  :: d_step { list[2] == 1 -> update(2) }
  :: d_step { nempty(to[1]) -> arrives(0, 1) }
  :: d_step { nempty(to[2]) -> arrives(0, 2) }
  :: d_step { nempty(to[3]) -> arrives(1, 0) }
  :: d_step { nempty(to[5]) -> arrives(1, 2) }
  :: d_step { nempty(to[6]) -> arrives(2, 0) }
  :: d_step { nempty(to[7]) -> arrives(2, 1) }
  :: d_step { QUIET ->
       if
       :: holder[A] == 0 -> assert(!manager[0] && !manager[1] && !manager[2])
       :: else -> assert(manager[holder[A] - 1] && granted[holder[A] - 1])
       fi }
  od
}
