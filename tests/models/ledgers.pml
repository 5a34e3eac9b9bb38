/* SPDX-License-Identifier: Apache-2.0
 *
 * The references of two hosts to one node of a third, which they are given by its home and pass on to
 * each other: core/cluster/exports.cc, imports.cc, introductions.cc. Host 0 is the home.
 *
 * Each transition is one event of one host, and bears the name of the function that handles it.
 *
 * Checked: a node that a program holds, and whose claims are answered, is counted at home (so it is
 * not freed too early); a call finds its node; nobody is told that a living node has died unless a
 * session with the home was lost; and at rest the home counts exactly what is held, and keeps a
 * reference for a host that will not claim it for a limited time only.
 */
#ifndef SENDS
#define SENDS 3     /* references sent, from the home or passed on */
#endif
#ifndef LOSSES
#define LOSSES 1    /* of sessions */
#endif
#ifndef RESTARTS
#define RESTARTS 0  /* of host 1's agent */
#endif
#ifndef WEAK
#define WEAK 0      /* weak references are held and passed on, too */
#endif
#ifndef DEATH
#define DEATH 1     /* the node may die */
#endif
/* WITHOUT_RECIPIENT_LOST: the introducer does not say that it has lost whom it introduced.
   WITHOUT_LATER: an answer settles the claims that came after its question, too.
   WITHOUT_LATE_CLAIMS: what waited for the home to connect is not claimed then. */
#define LINK(a, b) ((a) * 3 + (b))
#define OTHER(h) (3 - (h))
#define MAX 4       /* handoffs of a host */
#define SLOT(h, n) ((h) * MAX + (n))

mtype = { REFERENCE, RELEASE, INTRODUCE, CLAIM, RESULT, DIED, CALL, RECIPIENT_LOST, ASK, SENT };
/* REFERENCE: strong, handoff (0: from the home). RELEASE: strong, weak. INTRODUCE: strong, handoff.
   CLAIM: strong, handoff (the introducer is the other host). RESULT: strong, handoff, counted.
   RECIPIENT_LOST: nothing (the recipient is the other host). ASK and SENT, AskIntroductions and
   IntroductionsSent: nothing. */
chan to[9] = [12] of { mtype, byte, byte, bool };
bool up[9];

/* the home */
bool alive;
byte strong[3], weak[3];             /* PeerRef of a host */
#define NONE 0
#define WAITING 1
#define HELD 2
#define VOID 3
byte state[12]; bool state_strong[12];       /* Introductions::Introduction, by introducer and number */
bool limited[12];                    /* its deadline follows from a loss; the last resort is not modelled */
bool parked[12]; bool parked_strong[12];     /* claims of the other host, likewise */

bool asked[3];                       /* Introductions::Question::under_way, by introducer */
bool settled[12];                    /* the answer settles that claim; others are `later` ones */

/* hosts 1 and 2 */
bool imported[3];
byte received_strong[3], received_weak[3];   /* ImportedNode */
byte claims[3], strong_claims[3];
bool holds_strong[3], holds_weak[3];         /* a program, by its handle */
byte next[3];                                /* Exports::next_handoff_; goes on over restarts */
bool introduced[3];                          /* Exports::introduced_ */
bool claimed[12], claim_strong[12], claim_wanted[12];  /* PendingClaim, by introducer and number */
bool told_dead[3];                           /* of a node that lives */
bool lost_home;                              /* some session with the home */

byte sends, losses, restarts;
byte i, k, s, a1, a2, q; bool a3, b1; mtype kind;

#define SEND(f, t, M, X, Y, Z) \
  if :: up[LINK(f, t)] -> assert(nfull(to[LINK(f, t)])); to[LINK(f, t)]!M, X, Y, Z :: else fi
#define ANYBODY_STRONG \
  (strong[1] + strong[2] > 0 || (state[5] == HELD && state_strong[5]) || \
   (state[6] == HELD && state_strong[6]) || (state[7] == HELD && state_strong[7]) || \
   (state[9] == HELD && state_strong[9]) || (state[10] == HELD && state_strong[10]) || \
   (state[11] == HELD && state_strong[11]))

/* ---- the home ---- */

/* Introductions::answer, to the host that is not the introducer */
inline answer(introducer, n, is_strong) {
  s = SLOT(introducer, n);
  if
  :: state[s] == HELD && state_strong[s] == is_strong ->
     weak[OTHER(introducer)]++;
     if :: is_strong -> strong[OTHER(introducer)]++ :: else fi;
     state[s] = NONE; state_strong[s] = 0; limited[s] = 0;
     SEND(0, OTHER(introducer), RESULT, is_strong, n, 1)
  :: else ->
     state[s] = NONE; state_strong[s] = 0; limited[s] = 0;
     SEND(0, OTHER(introducer), RESULT, is_strong, n, 0)
  fi;
  s = 0
}

/* Introductions::decide */
inline decide(introducer, n) {
  s = SLOT(introducer, n);
  if
  :: state[s] == WAITING ->
     b1 = 0; k = 1;   /* has the introducer claims that are parked, and would do? */
     do
     :: k < MAX ->
        if
        :: parked[SLOT(OTHER(introducer), k)] &&
           (parked_strong[SLOT(OTHER(introducer), k)] || !state_strong[s]) -> b1 = 1
        :: else
        fi;
        k++
     :: else -> break
     od;
     k = 0;
     if
     :: alive && weak[introducer] > 0 && (!state_strong[s] || strong[introducer] > 0) -> state[s] = HELD
#ifdef WITHOUT_WAITING
     :: else -> state[s] = VOID
#else
     :: else -> if :: !b1 -> state[s] = VOID :: else fi
#endif
     fi;
     b1 = 0
  :: else
  fi;
  s = 0
}

/* Introductions::serve_parked and no_longer_parked, until nothing more can be answered */
inline serve_all() {
  i = 0;
  do
  :: i < 2 * 2 * MAX ->
     k = 0;
     a1 = 1 + (i / MAX) % 2; a2 = i % MAX;
     decide(a1, a2);
     s = SLOT(a1, a2);
     if
     :: a2 > 0 && parked[s] && state[s] != WAITING && (state[s] != NONE || !up[LINK(0, a1)]) ->
        b1 = parked_strong[s]; parked[s] = 0; parked_strong[s] = 0;
        if :: up[LINK(0, OTHER(a1))] -> answer(a1, a2, b1) :: else fi;
        b1 = 0; s = 0;
        i = 0                       /* what waited for it goes on */
     :: else -> i++
     fi
  :: else -> break
  od;
  i = 0; a1 = 0; a2 = 0; s = 0
}

inline introduce_arrives(introducer, is_strong, n) {
  assert(state[SLOT(introducer, n)] == NONE);
  settled[SLOT(introducer, n)] = 0;
  state[SLOT(introducer, n)] = WAITING; state_strong[SLOT(introducer, n)] = is_strong;
  serve_all()
}

inline claim_arrives(claimant, is_strong, n) {
  if
  :: state[SLOT(OTHER(claimant), n)] == WAITING ||
     (state[SLOT(OTHER(claimant), n)] == NONE && up[LINK(0, OTHER(claimant))]) ->
     parked[SLOT(OTHER(claimant), n)] = 1; parked_strong[SLOT(OTHER(claimant), n)] = is_strong;
     if
     :: state[SLOT(OTHER(claimant), n)] == NONE -> ask(OTHER(claimant), n)
     :: else
     fi
  :: else -> answer(OTHER(claimant), n, is_strong)
  fi
}

inline ask(introducer, n) {
  if
  :: !asked[introducer] ->
     asked[introducer] = 1; settled[SLOT(introducer, n)] = 1;
     SEND(0, introducer, ASK, 0, 0, 0)
  :: else
#ifdef WITHOUT_LATER
     -> settled[SLOT(introducer, n)] = 1
#endif
  fi
}

/* Introductions::all_sent */
inline all_sent_arrives(introducer) {
  assert(asked[introducer]);
  asked[introducer] = 0; b1 = 0; q = 1;
  do
  :: q < MAX ->
     if
     :: parked[SLOT(introducer, q)] && state[SLOT(introducer, q)] == NONE && !settled[SLOT(introducer, q)] ->
        b1 = 1
     :: else
     fi;
     q++
  :: else -> break
  od;
  if :: b1 -> asked[introducer] = 1; SEND(0, introducer, ASK, 0, 0, 0) :: else fi;
  b1 = 0; q = 1;
  do
  :: q < MAX ->
     if
     :: settled[SLOT(introducer, q)] && parked[SLOT(introducer, q)] && state[SLOT(introducer, q)] == NONE ->
        settled[SLOT(introducer, q)] = 0;
        expire_parked(introducer, q)
     :: else -> settled[SLOT(introducer, q)] = 0
     fi;
     q++
  :: else -> break
  od;
  q = 1;
  do
  :: q < MAX ->
     if
     :: parked[SLOT(introducer, q)] && state[SLOT(introducer, q)] == NONE ->
        settled[SLOT(introducer, q)] = 1      /* a later one: the next answer settles it */
     :: else
     fi;
     q++
  :: else -> break
  od;
  q = 0
}

/* Introductions::recipient_lost */
inline recipient_lost_arrives(introducer) {
  k = 1;
  do
  :: k < MAX -> if :: state[SLOT(introducer, k)] != NONE -> limited[SLOT(introducer, k)] = 1 :: else fi; k++
  :: else -> break
  od;
  k = 0
}

inline release_arrives(peer, s_count, w_count) {
  if
  :: weak[peer] > 0 ->
     assert(s_count <= strong[peer] && w_count <= weak[peer]);
     strong[peer] = strong[peer] - s_count; weak[peer] = weak[peer] - w_count
  :: else     /* the node has died */
  fi
}

/* Exports::give */
inline home_gives(h, is_strong) {
  sends++; weak[h]++;
  if :: is_strong -> strong[h]++ :: else fi;
  SEND(0, h, REFERENCE, is_strong, 0, 0)
}

/* PeerRef::node_died, EscrowRef::node_died */
inline node_dies() {
  alive = 0; k = 1;
  do
  :: k < 3 ->
     if :: weak[k] > 0 -> SEND(0, k, DIED, 0, 0, 0); weak[k] = 0; strong[k] = 0 :: else fi;
     k++
  :: else -> break
  od;
  k = 0;
  do
  :: k < 12 -> if :: state[k] == HELD -> state[k] = VOID :: else fi; k++
  :: else -> break
  od;
  k = 0
}

/* ---- hosts that hold it ---- */

/* Imports::give_back, at the end of an event */
inline settle(h) {
  if
  :: imported[h] ->
     a1 = 0; a2 = 0;
     if :: !holds_strong[h] -> a1 = received_strong[h]; received_strong[h] = 0 :: else fi;
     if
     :: !holds_strong[h] && !holds_weak[h] -> a2 = received_weak[h]; received_weak[h] = 0
     :: else
     fi;
     if :: a1 > 0 || a2 > 0 -> SEND(h, 0, RELEASE, a1, a2, 0) :: else fi;
     if
     :: !holds_strong[h] && !holds_weak[h] && claims[h] == 0 -> imported[h] = 0
     :: else
     fi;
     a1 = 0; a2 = 0
  :: else
  fi
}

/* Imports::lose, and the program hears of it */
inline loses(h) {
  imported[h] = 0; received_strong[h] = 0; received_weak[h] = 0; claims[h] = 0; strong_claims[h] = 0;
  k = 1;
  do
  :: k < MAX -> claim_wanted[SLOT(OTHER(h), k)] = 0; k++
  :: else -> break
  od;
  k = 0;
  if
  :: (holds_strong[h] || holds_weak[h]) && alive && up[LINK(0, h)] -> told_dead[h] = 1
  :: else
  fi;
  holds_strong[h] = 0; holds_weak[h] = 0
}

/* Imports::receive, and a program gets a handle. If the home has yet to connect, the claim waits. */
inline reference_arrives(h, is_strong, n) {
  if
  :: n == 0 ->
     imported[h] = 1; received_weak[h]++;
     if :: is_strong -> received_strong[h]++ :: else fi
  :: n != 0 ->
     imported[h] = 1; claims[h]++;
     if :: is_strong -> strong_claims[h]++ :: else fi;
     assert(!claimed[SLOT(OTHER(h), n)]);
     claimed[SLOT(OTHER(h), n)] = 1; claim_strong[SLOT(OTHER(h), n)] = is_strong;
     claim_wanted[SLOT(OTHER(h), n)] = 1;
     SEND(h, 0, CLAIM, is_strong, n, 0)
  fi;
  if
  :: imported[h] && is_strong -> holds_strong[h] = 1
  :: imported[h] && !is_strong -> holds_weak[h] = 1
  :: else
  fi
}

/* Imports::send_claims */
inline home_connects(h) {
  k = 1;
  do
#ifdef WITHOUT_LATE_CLAIMS
  :: false ->
#else
  :: k < MAX ->
#endif
     if
     :: claimed[SLOT(OTHER(h), k)] -> SEND(h, 0, CLAIM, claim_strong[SLOT(OTHER(h), k)], k, 0)
     :: else
     fi;
     k++
  :: else -> break
  od;
  k = 0
}

/* Imports::claim_answered */
inline result_arrives(h, is_strong, n, counted) {
  s = SLOT(OTHER(h), n);
  assert(claimed[s] && claim_strong[s] == is_strong);
  b1 = claim_wanted[s];
  claimed[s] = 0; claim_strong[s] = 0; claim_wanted[s] = 0; s = 0;
  if
  :: !b1 && counted -> SEND(h, 0, RELEASE, is_strong, 1, 0)
  :: !b1 && !counted
  :: b1 ->
     assert(imported[h] && claims[h] > 0);
     claims[h]--;
     if :: is_strong -> strong_claims[h]-- :: else fi;
     if
     :: counted ->
        received_weak[h]++;
        if :: is_strong -> received_strong[h]++ :: else fi;
        settle(h)
     :: !counted && (is_strong -> received_strong[h] + strong_claims[h] > 0
                               : received_weak[h] + claims[h] > 0) -> settle(h)
     :: else ->
        if
        :: received_weak[h] > 0 -> SEND(h, 0, RELEASE, received_strong[h], received_weak[h], 0)
        :: else
        fi;
        loses(h)
     fi
  fi;
  b1 = 0
}

/* Exports::give and Exports::sent */
inline hand_on(h, is_strong) {
  sends++; next[h]++; introduced[h] = 1;
  SEND(h, 0, INTRODUCE, is_strong, next[h], 0);
  SEND(h, OTHER(h), REFERENCE, is_strong, next[h], 0)
}

/* ---- sessions ---- */

inline empty_queue(n) {
  do :: nempty(to[n]) -> to[n]?kind, a1, a2, a3 :: empty(to[n]) -> break od;
  kind = 0; a1 = 0; a2 = 0; a3 = 0
}
inline cut(a, b) {
  up[LINK(a, b)] = 0; up[LINK(b, a)] = 0; empty_queue(LINK(a, b)); empty_queue(LINK(b, a))
}
/* Exports::peer_lost, of hosts 1 and 2 for each other */
inline tell_recipient_lost(h) {
#ifndef WITHOUT_RECIPIENT_LOST
  if :: introduced[h] -> SEND(h, 0, RECIPIENT_LOST, 0, 0, 0) :: else fi;
#endif
  introduced[h] = 0
}
inline cut_apart() { cut(1, 2); tell_recipient_lost(1); tell_recipient_lost(2) }
/* Introductions::peer_lost, Exports::peer_lost */
inline lost_at_home(h) {
  strong[h] = 0; weak[h] = 0; asked[h] = 0; k = 1;
  do
  :: k < MAX ->
     parked[SLOT(OTHER(h), k)] = 0; parked_strong[SLOT(OTHER(h), k)] = 0;
     settled[SLOT(h, k)] = 0; settled[SLOT(OTHER(h), k)] = 0;
     if :: state[SLOT(h, k)] == WAITING -> state[SLOT(h, k)] = VOID :: else fi;
     if :: state[SLOT(h, k)] != NONE -> limited[SLOT(h, k)] = 1 :: else fi;
     if :: state[SLOT(OTHER(h), k)] != NONE -> limited[SLOT(OTHER(h), k)] = 1 :: else fi;
     k++
  :: else -> break
  od;
  k = 0;
  serve_all()
}
/* Cluster::peer_lost, of the home */
inline lost_home_at(h) {
  k = 1;
  do
  :: k < MAX ->
     claimed[SLOT(OTHER(h), k)] = 0; claim_strong[SLOT(OTHER(h), k)] = 0;
     claim_wanted[SLOT(OTHER(h), k)] = 0; k++
  :: else -> break
  od;
  k = 0;
  if :: imported[h] -> loses(h) :: else fi
}
/* Cluster::home_did_not_come, of all its nodes */
inline home_stays_away(h) { lost_home_at(h) }
inline lose_home(h) { lost_home = 1; introduced[h] = 0; cut(0, h); lost_at_home(h); lost_home_at(h) }
inline restart() {
  restarts++; lose_home(1); cut_apart();
  imported[1] = 0; holds_strong[1] = 0; holds_weak[1] = 0; told_dead[1] = 0
}

/* Introductions::timer_expired. By then all that could come has come, or the session is over. */
#define NOBODY_COMES(h, n) \
  (!claimed[SLOT(h, n)] && empty(to[LINK(h, OTHER(h))]) && empty(to[LINK(OTHER(h), 0)]))
inline expire(h, n) {
  state[SLOT(h, n)] = NONE; state_strong[SLOT(h, n)] = 0; limited[SLOT(h, n)] = 0; serve_all()
}
inline expire_parked(h, n) {
  b1 = parked_strong[SLOT(h, n)]; parked[SLOT(h, n)] = 0; parked_strong[SLOT(h, n)] = 0;
  answer(h, n, b1); b1 = 0; serve_all()
}

inline arrives(f, t) {
  to[LINK(f, t)]?kind, a1, a2, a3;
  if
  :: kind == REFERENCE -> s = a2; b1 = a1; a1 = 0; a2 = 0; reference_arrives(t, b1, s); s = 0; b1 = 0
  :: kind == RELEASE -> release_arrives(f, a1, a2)
  :: kind == INTRODUCE -> k = a2; b1 = a1; a1 = 0; a2 = 0; introduced_now(f, b1, k)
  :: kind == CLAIM -> k = a2; b1 = a1; a1 = 0; a2 = 0; claimed_now(f, b1, k)
  :: kind == RESULT -> i = a2; b1 = a1; a1 = 0; a2 = 0; resulted_now(t, b1, i, a3)
  :: kind == DIED -> if :: imported[t] -> loses(t) :: else fi
  :: kind == RECIPIENT_LOST -> a1 = 0; a2 = 0; recipient_lost_arrives(f)
  :: kind == ASK -> SEND(t, 0, SENT, 0, 0, 0)
  :: kind == SENT -> a1 = 0; a2 = 0; all_sent_now(f)
  :: kind == CALL -> assert(!alive || strong[f] > 0)
  fi;
  kind = 0; a1 = 0; a2 = 0; a3 = 0
}
/* Their arguments in variables that the steps do not use */
byte n1; bool n2, n3;
inline introduced_now(f, is_strong, n) {
  n1 = n; n2 = is_strong; k = 0; b1 = 0; introduce_arrives(f, n2, n1); n1 = 0; n2 = 0
}
inline claimed_now(f, is_strong, n) {
  n1 = n; n2 = is_strong; k = 0; b1 = 0; claim_arrives(f, n2, n1); n1 = 0; n2 = 0
}
inline all_sent_now(f) { k = 0; b1 = 0; a3 = 0; all_sent_arrives(f) }
inline resulted_now(t, is_strong, n, counted) {
  n1 = n; n2 = is_strong; n3 = counted; i = 0; b1 = 0; a3 = 0;
  result_arrives(t, n2, n1, n3); n1 = 0; n2 = 0; n3 = 0
}

#define AT_REST \
  (up[1] && up[2] && up[5] && empty(to[1]) && empty(to[2]) && empty(to[3]) && empty(to[5]) && \
   empty(to[6]) && empty(to[7]))
#define NOTHING_COMES \
  (empty(to[1]) && empty(to[2]) && empty(to[3]) && empty(to[5]) && empty(to[6]) && empty(to[7]))
#define UNTOLD_ONE(h, n) (parked[SLOT(h, n)] && state[SLOT(h, n)] == NONE)
#define UNTOLD(h) (UNTOLD_ONE(h, 1) || UNTOLD_ONE(h, 2) || UNTOLD_ONE(h, 3))
#define KEPT_FOR_EVER(h, n) (state[SLOT(h, n)] != NONE && !limited[SLOT(h, n)])
#define PARKED(h) (parked[SLOT(h, 1)] || parked[SLOT(h, 2)] || parked[SLOT(h, 3)])

active proctype cluster() {
  d_step { alive = 1; up[1] = 1; up[2] = 1; up[3] = 1; up[5] = 1; up[6] = 1; up[7] = 1 }
  do
  :: d_step { alive && sends < SENDS && up[1] -> home_gives(1, 1) }
#if WEAK
  :: d_step { alive && sends < SENDS && up[2] -> home_gives(2, 0) }
  :: d_step { sends < SENDS && next[1] < MAX - 1 && holds_weak[1] && imported[1] && up[1] && up[5] -> hand_on(1, 0) }
  :: d_step { holds_strong[1] && imported[1] && !holds_weak[1] -> holds_weak[1] = 1 }
  :: d_step { holds_weak[1] && imported[1] -> holds_weak[1] = 0; settle(1) }
  :: d_step { holds_weak[2] && imported[2] -> holds_weak[2] = 0; settle(2) }
#endif
  /* a thread waits until the home has connected (ClaimWaits) */
  :: d_step { sends < SENDS && next[1] < MAX - 1 && holds_strong[1] && imported[1] && up[1] && up[5] -> hand_on(1, 1) }
  :: d_step { sends < SENDS && next[2] < MAX - 1 && holds_strong[2] && imported[2] && up[2] && up[7] -> hand_on(2, 1) }
  :: d_step { holds_strong[1] && imported[1] -> holds_strong[1] = 0; settle(1) }
  :: d_step { holds_strong[2] && imported[2] -> holds_strong[2] = 0; settle(2) }
  /* PeerCalls::call; a thread waits while the node is only claimed (ClaimWaits) */
  :: d_step { holds_strong[2] && imported[2] && received_strong[2] > 0 && empty(to[6]) ->
       SEND(2, 0, CALL, 0, 0, 0) }
#if DEATH
  :: d_step { alive -> node_dies() }
#endif
  :: d_step { losses < LOSSES && up[1] -> losses++; lose_home(1) }
  :: d_step { losses < LOSSES && up[2] -> losses++; lose_home(2) }
  :: d_step { losses < LOSSES && up[5] -> losses++; cut_apart() }
  :: d_step { restarts < RESTARTS -> restart() }
  :: d_step { !up[1] -> up[1] = 1; up[3] = 1; home_connects(1) }
  :: d_step { !up[2] -> up[2] = 1; up[6] = 1; home_connects(2) }
  :: d_step { !up[1] && imported[1] -> home_stays_away(1) }
  :: d_step { !up[2] && imported[2] -> home_stays_away(2) }
  :: d_step { !up[5] -> up[5] = 1; up[7] = 1 }
  :: d_step { nempty(to[1]) -> arrives(0, 1) }
  :: d_step { nempty(to[2]) -> arrives(0, 2) }
  :: d_step { nempty(to[3]) -> arrives(1, 0) }
  :: d_step { nempty(to[5]) -> arrives(1, 2) }
  :: d_step { nempty(to[6]) -> arrives(2, 0) }
  :: d_step { nempty(to[7]) -> arrives(2, 1) }
  :: d_step { state[5] != NONE && limited[5] && NOBODY_COMES(1, 1) -> expire(1, 1) }
  :: d_step { state[6] != NONE && limited[6] && NOBODY_COMES(1, 2) -> expire(1, 2) }
  :: d_step { state[7] != NONE && limited[7] && NOBODY_COMES(1, 3) -> expire(1, 3) }
  :: d_step { state[9] != NONE && limited[9] && NOBODY_COMES(2, 1) -> expire(2, 1) }
  :: d_step { state[10] != NONE && limited[10] && NOBODY_COMES(2, 2) -> expire(2, 2) }
  :: d_step { state[11] != NONE && limited[11] && NOBODY_COMES(2, 3) -> expire(2, 3) }
  /* What waits for an introducer waits for a message. */
  :: d_step { NOTHING_COMES && (UNTOLD(1) || UNTOLD(2)) -> assert(false) }
  /* Claims that wait for each other wait until their time is over. */
  :: d_step { parked[5] && state[5] == WAITING && NOTHING_COMES -> expire_parked(1, 1) }
  :: d_step { parked[6] && state[6] == WAITING && NOTHING_COMES -> expire_parked(1, 2) }
  :: d_step { parked[7] && state[7] == WAITING && NOTHING_COMES -> expire_parked(1, 3) }
  :: d_step { parked[9] && state[9] == WAITING && NOTHING_COMES -> expire_parked(2, 1) }
  :: d_step { parked[10] && state[10] == WAITING && NOTHING_COMES -> expire_parked(2, 2) }
  :: d_step { parked[11] && state[11] == WAITING && NOTHING_COMES -> expire_parked(2, 3) }
  :: d_step { alive && holds_strong[1] && imported[1] && claims[1] == 0 && empty(to[1]) && up[1] ->
       assert(strong[1] >= received_strong[1] && received_strong[1] > 0) }
  :: d_step { alive && holds_strong[2] && imported[2] && claims[2] == 0 && empty(to[2]) && up[2] ->
       assert(strong[2] >= received_strong[2] && received_strong[2] > 0) }
  :: d_step { (told_dead[1] || told_dead[2]) -> assert(lost_home) }
  :: d_step { AT_REST && !PARKED(1) && !PARKED(2) ->
       assert(claims[1] == 0 && claims[2] == 0);
       assert(!alive || (strong[1] == received_strong[1] && weak[1] == received_weak[1]));
       assert(!alive || (strong[2] == received_strong[2] && weak[2] == received_weak[2]));
       assert(alive || (!imported[1] && !imported[2]));
       /* An introduction that arrives when its recipient has lost the home is left to the last resort. */
       assert(lost_home || !(KEPT_FOR_EVER(1, 1) || KEPT_FOR_EVER(1, 2) || KEPT_FOR_EVER(1, 3) ||
                             KEPT_FOR_EVER(2, 1) || KEPT_FOR_EVER(2, 2) || KEPT_FOR_EVER(2, 3))) }
  od
}
