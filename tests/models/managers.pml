/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is the manager of a context of cluster scope: core/cluster/context_claims.cc, context_holders.h,
 * remote_managers.cc. Three hosts; host 0 is the arbiter.
 *
 * Each transition is one event of one host, and bears the name of the function that handles it.
 * Sessions are pairs of queues; the end of a session empties both, and both ends hear of it at once
 * (what one of them still reads of the old session changes nothing that the other may rely on).
 *
 * Checked: when every host has a session with every other, nothing is under way and nobody waits,
 * all hosts have the same manager, and it is that of the host whose claim holds; and a program that
 * was told that it is manager is deposed only if its host has lost the arbiter meanwhile.
 */
#ifndef CLAIMS
#define CLAIMS 3    /* programs that claim */
#endif
#ifndef DEATHS
#define DEATHS 2    /* of them */
#endif
#ifndef LOSSES
#define LOSSES 1    /* of sessions */
#endif
#ifndef RESTARTS
#define RESTARTS 0  /* of agents */
#endif
#define HOSTS 3
#define LINK(a, b) ((a) * HOSTS + (b))

mtype = { CLAIM, RESULT, RELEASED, HOLDER, MANAGER, DIED };
/* RESULT: granted. HOLDER: host, its life, whether it holds. MANAGER, DIED: the program. */
chan to[9] = [14] of { mtype, byte, byte, bool };
bool up[9];

/* each host */
byte manager[HOSTS];         /* its own: the program; 0 none */
bool granted[HOSTS];
byte unanswered[HOSTS];
byte claimant[HOSTS];
bool told[9];                /* manager_told_to */
byte announced[9];           /* by which host, here: the program */
byte rank[9];                /* of a host's confirmed claim, here; 0 none, the highest is the latest */
byte rank_life[9];
byte used[HOSTS];            /* Context::remote_manager */
byte life[HOSTS];
bool lost_arbiter[HOSTS];    /* since the manager was granted */

byte holder;                 /* ContextHolders: host + 1 */

byte home[CLAIMS + 1];       /* of a program */
bool alive[CLAIMS + 1];
bool knows[(CLAIMS + 1) * HOSTS];  /* a program's node is counted for that host */
byte programs, deaths, losses, restarts;

byte i, j, k, a1, a2; bool a3; mtype kind;

#define SEND(f, t, M, X, Y, Z) \
  if :: up[LINK(f, t)] -> assert(nfull(to[LINK(f, t)])); to[LINK(f, t)]!M, X, Y, Z :: else fi

inline choose(h) {
  used[h] = 0; j = 0; k = 0;
  do
  :: k < HOSTS ->
     if
     :: rank[LINK(h, k)] > j && announced[LINK(h, k)] != 0 && up[LINK(h, k)] &&
        rank_life[LINK(h, k)] == life[k] -> j = rank[LINK(h, k)]; used[h] = announced[LINK(h, k)]
     :: else
     fi;
     k++
  :: else -> break
  od;
  j = 0; k = 0
}

/* RemoteManagers::denied */
inline denied(h, who) {
  if
  :: rank[LINK(h, who)] != 0 ->
     k = 0;
     do
     :: k < HOSTS ->
        if :: rank[LINK(h, k)] > rank[LINK(h, who)] -> rank[LINK(h, k)]-- :: else fi;
        k++
     :: else -> break
     od;
     rank[LINK(h, who)] = 0; rank_life[LINK(h, who)] = 0; k = 0
  :: else
  fi;
  choose(h)
}

/* RemoteManagers::confirmed */
inline confirmed(h, who, in_life) {
  denied(h, who);
  k = 0; j = 0;
  do
  :: k < HOSTS -> if :: rank[LINK(h, k)] > j -> j = rank[LINK(h, k)] :: else fi; k++
  :: else -> break
  od;
  rank[LINK(h, who)] = j + 1; rank_life[LINK(h, who)] = in_life; j = 0; k = 0;
  choose(h)
}

/* ContextClaims::tell_holder */
inline tell_holder(who, holds) {
  k = 1;
  do
  :: k < HOSTS -> if :: k != who -> SEND(0, k, HOLDER, who, life[who], holds) :: else fi; k++
  :: else -> break
  od;
  k = 0
}

/* ContextClaims::decide. `i` is whether it is granted. */
inline decide(h) {
  if :: holder == 0 -> holder = h + 1 :: else fi;
  i = (holder == h + 1);
  if
  :: h == 0
  :: h != 0 && i == 1 -> confirmed(0, h, life[h])
  :: h != 0 && i == 0 -> denied(0, h)
  fi;
  tell_holder(h, i)
}

/* ContextClaims::handle(ClaimContext) */
inline claim_arrives(f) { decide(f); SEND(0, f, RESULT, 0, 0, (i == 1)); i = 0 }

inline end_claim(h) {
  if
  :: holder == h + 1 ->
     holder = 0;
     if :: h != 0 -> denied(0, h) :: else fi;
     tell_holder(h, 0)
  :: else
  fi
}

inline announce(h, p) {
  if
  :: up[LINK(h, p)] && manager[h] != 0 && p == 0 && !granted[h] ->
     unanswered[h]++; SEND(h, 0, CLAIM, 0, 0, 0)
  :: up[LINK(h, p)] && manager[h] != 0 && granted[h] && !told[LINK(h, p)] ->
     told[LINK(h, p)] = 1; knows[manager[h] * HOSTS + p] = 1; SEND(h, p, MANAGER, manager[h], 0, 0)
  :: else
  fi
}

inline announce_to_all(h) {
  j = 0;
  do :: j < HOSTS -> if :: j != h -> announce(h, j) :: else fi; j++ :: else -> break od;
  j = 0
}

inline forget_told(h) {
  j = 0; do :: j < HOSTS -> told[LINK(h, j)] = 0; j++ :: else -> break od; j = 0
}

/* Managers::install, ContextClaims::manager_installed */
inline install(h, program) {
  manager[h] = program; granted[h] = 1; lost_arbiter[h] = 0; announce_to_all(h)
}

/* Exports::revoke, or the end of the node */
inline dead_to_others(program) {
  j = 0;
  do
  :: j < HOSTS ->
     if
     :: knows[program * HOSTS + j] -> knows[program * HOSTS + j] = 0; SEND(home[program], j, DIED, program, 0, 0)
     :: else
     fi;
     j++
  :: else -> break
  od;
  j = 0
}

#define REFUSED(h) \
  (manager[h] != 0 || used[h] != 0 || claimant[h] != 0 || (h == 0 && holder != 0 && holder != 1))

inline claim(h) {
  programs++; home[programs] = h; alive[programs] = 1;
  if
  :: h == 0 -> decide(0); assert(i == 1); install(0, programs)
  :: else -> claimant[h] = programs; unanswered[h]++; SEND(h, 0, CLAIM, 0, 0, 0)
  fi;
  i = 0
}

/* ContextClaims::manager_gone, claimant_gone */
inline die(program) {
  deaths++; alive[program] = 0; a1 = home[program];
  if :: claimant[a1] == program -> claimant[a1] = 0 :: else fi;
  if
  :: manager[a1] == program ->
     manager[a1] = 0; forget_told(a1);
     if
     :: granted[a1] && a1 == 0 -> granted[a1] = 0; end_claim(0)
     :: granted[a1] && a1 != 0 -> granted[a1] = 0; SEND(a1, 0, RELEASED, 0, 0, 0)
     :: else
     fi
  :: else
  fi;
  dead_to_others(program); a1 = 0
}

inline depose(h) {
  assert(lost_arbiter[h]);
  a2 = manager[h]; manager[h] = 0; granted[h] = 0; forget_told(h); dead_to_others(a2); a2 = 0
}

inline decided(h, grant) {
  if
  :: claimant[h] == 0 && manager[h] == 0 -> if :: grant -> SEND(h, 0, RELEASED, 0, 0, 0) :: else fi
  :: claimant[h] == 0 && manager[h] != 0 && !grant -> depose(h)
  :: claimant[h] == 0 && manager[h] != 0 && grant ->
     granted[h] = 1; forget_told(h); announce_to_all(h)
  :: claimant[h] != 0 ->
     a2 = claimant[h]; claimant[h] = 0;
     if
     :: grant && REFUSED(h) -> SEND(h, 0, RELEASED, 0, 0, 0)
     :: grant && !REFUSED(h) -> install(h, a2)
     :: else
     fi;
     a2 = 0
  fi
}

inline arrives(f, t) {
  to[LINK(f, t)]?kind, a1, a2, a3;
  if
  :: kind == CLAIM -> a2 = 0; claim_arrives(f)
  :: kind == RESULT ->
     assert(unanswered[t] > 0); unanswered[t]--;
#ifdef WITHOUT_LAST_ANSWER
     if :: 1 -> a2 = 0; decided(t, a3) fi
#else
     if :: unanswered[t] == 0 -> a2 = 0; decided(t, a3) :: else fi
#endif
  :: kind == RELEASED -> end_claim(f)
  :: kind == HOLDER && a3 -> i = a1; confirmed(t, i, a2); i = 0
  :: kind == HOLDER && !a3 -> i = a1; denied(t, i); i = 0
  :: kind == MANAGER -> announced[LINK(t, f)] = a1; choose(t)
  :: kind == DIED ->
     if :: announced[LINK(t, f)] == a1 -> announced[LINK(t, f)] = 0; choose(t) :: else fi
  fi;
  a1 = 0; a2 = 0; a3 = 0; kind = 0
}

/* ContextClaims::peer_lost, at host h */
inline lost(h, p) {
  announced[LINK(h, p)] = 0; told[LINK(h, p)] = 0; choose(h);
  j = 1;
  do
  :: j <= programs -> if :: home[j] == h -> knows[j * HOSTS + p] = 0 :: else fi; j++
  :: else -> break
  od;
  j = 0;
  if :: h == 0 && holder == p + 1 -> holder = 0; denied(0, p) :: else fi;
  if
  :: p == 0 -> granted[h] = 0; unanswered[h] = 0; claimant[h] = 0; lost_arbiter[h] = 1
  :: else
  fi
}

inline empty_queue(n) {
  do :: nempty(to[n]) -> to[n]?kind, a1, a2, a3 :: empty(to[n]) -> break od;
  kind = 0; a1 = 0; a2 = 0; a3 = 0
}

inline lose(a, b) {
  up[LINK(a, b)] = 0; up[LINK(b, a)] = 0;
  empty_queue(LINK(a, b)); empty_queue(LINK(b, a)); lost(a, b); lost(b, a)
}

/* ContextClaims::peer_connected, at both ends */
inline connect(a, b) {
  up[LINK(a, b)] = 1; up[LINK(b, a)] = 1;
  if :: a == 0 && holder != 0 && holder != b + 1 ->
     SEND(0, b, HOLDER, (holder - 1), life[holder - 1], 1)
  :: else
  fi;
  announce(a, b); announce(b, a)
}

/* An agent dies with its programs, and begins a new life. */
inline restart(h) {
  restarts++;
  i = 0;
  do :: i < HOSTS -> if :: i != h && up[LINK(h, i)] -> lose(h, i) :: else fi; i++ :: else -> break od;
  i = 1;
  do :: i <= programs -> if :: home[i] == h -> alive[i] = 0 :: else fi; i++ :: else -> break od;
  i = 0;
  do
  :: i < HOSTS -> told[LINK(h, i)] = 0; announced[LINK(h, i)] = 0; rank[LINK(h, i)] = 0;
     rank_life[LINK(h, i)] = 0; i++
  :: else -> break
  od;
  i = 0;
  manager[h] = 0; granted[h] = 0; unanswered[h] = 0; claimant[h] = 0; used[h] = 0;
  lost_arbiter[h] = 0; life[h]++;
  if :: h == 0 -> holder = 0 :: else fi
}

#define QUIET \
  (up[1] && up[2] && up[5] && empty(to[1]) && empty(to[2]) && empty(to[3]) && empty(to[5]) && \
   empty(to[6]) && empty(to[7]) && claimant[1] == 0 && claimant[2] == 0)
#define HANDLE_ZERO(h) (manager[h] != 0 -> manager[h] : used[h])

active proctype cluster() {
  d_step { up[1] = 1; up[2] = 1; up[3] = 1; up[5] = 1; up[6] = 1; up[7] = 1 }
  do
  :: d_step { programs < CLAIMS && !REFUSED(0) -> claim(0) }
  :: d_step { programs < CLAIMS && !REFUSED(1) && up[LINK(1, 0)] -> claim(1) }
  :: d_step { programs < CLAIMS && !REFUSED(2) && up[LINK(2, 0)] -> claim(2) }
  :: d_step { deaths < DEATHS && alive[1] -> die(1) }
#if CLAIMS > 1
  :: d_step { deaths < DEATHS && alive[2] -> die(2) }
#endif
#if CLAIMS > 2
  :: d_step { deaths < DEATHS && alive[3] -> die(3) }
#endif
  :: d_step { losses < LOSSES && up[1] -> losses++; lose(0, 1) }
  :: d_step { losses < LOSSES && up[2] -> losses++; lose(0, 2) }
  :: d_step { losses < LOSSES && up[5] -> losses++; lose(1, 2) }
  :: d_step { restarts < RESTARTS -> restart(0) }
  :: d_step { restarts < RESTARTS -> restart(1) }
  :: d_step { !up[1] -> connect(0, 1) }
  :: d_step { !up[2] -> connect(0, 2) }
  :: d_step { !up[5] -> connect(1, 2) }
  :: d_step { nempty(to[1]) -> arrives(0, 1) }
  :: d_step { nempty(to[2]) -> arrives(0, 2) }
  :: d_step { nempty(to[3]) -> arrives(1, 0) }
  :: d_step { nempty(to[5]) -> arrives(1, 2) }
  :: d_step { nempty(to[6]) -> arrives(2, 0) }
  :: d_step { nempty(to[7]) -> arrives(2, 1) }
  :: d_step { QUIET ->
       if
       :: holder == 0 -> assert(HANDLE_ZERO(0) == 0 && HANDLE_ZERO(1) == 0 && HANDLE_ZERO(2) == 0)
       :: else ->
          assert(manager[holder - 1] != 0 && alive[manager[holder - 1]]);
          assert(HANDLE_ZERO(0) == manager[holder - 1]);
          assert(HANDLE_ZERO(1) == manager[holder - 1]);
          assert(HANDLE_ZERO(2) == manager[holder - 1])
       fi }
  od
}
