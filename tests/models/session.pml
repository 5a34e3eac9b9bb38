/* SPDX-License-Identifier: Apache-2.0
 *
 * How two agents come to a session, and lose it: transport/session.cc, session_handshake.cc,
 * acceptance.cc. D dials, A accepts. Connections are queues whose bytes may come late: also when their
 * dialer has given them up, or has died. Agents die at any moment and begin new lives.
 *
 * Each transition is one event of one end, and bears the name of the function that handles it.
 *
 * Checked: a life of the dialer never displaces a later one; messages are delivered in order, once,
 * and in the session in which they were sent; whenever both ends believe in the same link and it is
 * silent, they are in one session, with each other's present lives, and nothing is missing. And
 * nobody is refused: the dialer's connection is always answered, so a host has a way back.
 */
#ifndef DIALS
#define DIALS 3     /* connections */
#endif
#ifndef RESTARTS
#define RESTARTS 1  /* of either agent */
#endif
#ifndef GIVEUPS
#define GIVEUPS 1   /* sessions given up, or timed out */
#endif
#ifndef MESSAGES
#define MESSAGES 1  /* of each end, in all */
#endif
#define D 0
#define A 1

mtype = { HELLO, CHALLENGE, ANSWER, WELCOME, MESSAGE, GOODBYE };
/* HELLO: life, session, received. CHALLENGE: nonce. ANSWER: nonce. WELCOME: session, received, the
   acceptor's life. MESSAGE: number, session (which is not on the wire: it is checked). */
chan to_a[5] = [5] of { mtype, byte, byte, byte };
chan to_d[5] = [5] of { mtype, byte, byte, byte };

byte life[2];
byte connection;             /* of the last dial */
bool open_d[5], open_a[5];   /* as each end sees it */

byte session[2];             /* 0: none */
byte peer_life[2];
byte received[2];
byte first[2], queued[2], sent[2];  /* SendWindow: the first unacknowledged, how many, written of these */
#define DOWN 0
#define GREETING 1
#define UP 2
byte link[2];
byte link_is[2];             /* the connection of the link */
byte hello_session, hello_received;  /* of the dialer's Hello */

/* Acceptance, by connection */
byte greeted[5];             /* the life that said Hello; 0 none */
byte greeted_session[5], greeted_received[5];
byte challenge[5];           /* the nonce; each is new */
byte links_before[5];
byte links_accepted;
byte nonces, sessions;
byte newest;                 /* the latest life of the dialer that was ever accepted */
byte said[2];                /* messages */
byte restarts, giveups;

byte a1, a2, a3, n1; mtype kind;

#define WRITE_A(c, M, X, Y, Z) if :: open_a[c] -> assert(nfull(to_d[c])); to_d[c]!M, X, Y, Z :: else fi
#define WRITE_D(c, M, X, Y, Z) if :: open_d[c] -> assert(nfull(to_a[c])); to_a[c]!M, X, Y, Z :: else fi

inline lose(h) {
  session[h] = 0; peer_life[h] = 0; received[h] = 0; first[h] = 1; queued[h] = 0; sent[h] = 0
}
inline establish(h, id, of_life) { lose(h); session[h] = id; peer_life[h] = of_life }

/* Session::disconnected; what the other end wrote is thrown away, what this one wrote may still come */
inline disconnect_d() {
  if
  :: link[D] != DOWN ->
     open_d[link_is[D]] = 0;
     do
     :: nempty(to_d[link_is[D]]) -> to_d[link_is[D]]?kind, a1, a2, a3
     :: empty(to_d[link_is[D]]) -> break
     od;
     kind = 0; a1 = 0; a2 = 0; a3 = 0;
     link[D] = DOWN
  :: else
  fi
}
inline disconnect_a() {
  if
  :: link[A] != DOWN ->
     open_a[link_is[A]] = 0;
     do
     :: nempty(to_a[link_is[A]]) -> to_a[link_is[A]]?kind, a1, a2, a3
     :: empty(to_a[link_is[A]]) -> break
     od;
     kind = 0; a1 = 0; a2 = 0; a3 = 0;
     link[A] = DOWN
  :: else
  fi
}

/* SendWindow::rewind: what the peer has not received is sent again. `n1`: whether it fits. */
inline rewind(h, n) {
  n1 = 0;
  if
  :: n + 1 >= first[h] && n < first[h] + queued[h] ->
     queued[h] = queued[h] - (n + 1 - first[h]); first[h] = n + 1; sent[h] = 0; n1 = 1
  :: else
  fi
}

/* Session::connected */
inline connected() {
  connection++; open_d[connection] = 1; open_a[connection] = 1; link[D] = GREETING; link_is[D] = connection;
  hello_session = session[D]; hello_received = received[D];
  WRITE_D(connection, HELLO, life[D], session[D], received[D])
}

/* Acceptance::greeted */
inline hello_arrives(c) {
  to_a[c]?kind, a1, a2, a3;
  assert(kind == HELLO);
  greeted[c] = a1; greeted_session[c] = a2; greeted_received[c] = a3;
  nonces++; challenge[c] = nonces; links_before[c] = links_accepted;
  WRITE_A(c, CHALLENGE, nonces, 0, 0);
  kind = 0; a1 = 0; a2 = 0; a3 = 0
}

/* Session::accept */
inline accept(c) {
  assert(greeted[c] >= newest);
  newest = greeted[c];
  links_accepted++;
  disconnect_a();
  n1 = 0;
  if
  :: session[A] != 0 && greeted_session[c] == session[A] && greeted[c] == peer_life[A] ->
     rewind(A, greeted_received[c])
  :: else
  fi;
  if
  :: n1 == 1
  :: else -> sessions++; establish(A, sessions, greeted[c])
  fi;
  n1 = 0;
  link[A] = UP; link_is[A] = c;
  WRITE_A(c, WELCOME, session[A], received[A], life[A])
}

/* Acceptance::answered */
inline answer_arrives(c) {
  to_a[c]?kind, a1, a2, a3;
  assert(kind == ANSWER);
  if
  :: a1 != challenge[c]                        /* to an earlier one: no proof */
     -> open_a[c] = 0
#ifndef WITHOUT_SECOND_CHALLENGE
  :: a1 == challenge[c] && links_before[c] != links_accepted ->
     nonces++; challenge[c] = nonces; links_before[c] = links_accepted;
     WRITE_A(c, CHALLENGE, nonces, 0, 0)
#endif
  :: else -> kind = 0; a1 = 0; a2 = 0; a3 = 0; accept(c)
  fi;
  kind = 0; a1 = 0; a2 = 0; a3 = 0
}

inline deliver(h, number, in_session) {
  assert(in_session == session[h]);
  if
  :: number <= received[h]
  :: number > received[h] -> assert(number == received[h] + 1); received[h] = number
  fi
}

/* Session::frame_arrived at the dialer: challenged, welcome_arrived, message_arrived */
inline arrives_at_d() {
  to_d[link_is[D]]?kind, a1, a2, a3;
  if
  :: kind == CHALLENGE -> assert(link[D] == GREETING); WRITE_D(link_is[D], ANSWER, a1, 0, 0)
  :: kind == WELCOME ->
     assert(link[D] == GREETING);
     if
     :: session[D] != 0 && a1 == session[D] ->
        assert(a3 == peer_life[D]);
        rewind(D, a2); assert(n1 == 1); n1 = 0
     :: else -> assert(a2 == 0); establish(D, a1, a3)
     fi;
     link[D] = UP
  :: kind == MESSAGE -> deliver(D, a1, a2)
  :: kind == GOODBYE -> lose(D); kind = 0; a1 = 0; a2 = 0; a3 = 0; disconnect_d()
  fi;
  kind = 0; a1 = 0; a2 = 0; a3 = 0
}
inline arrives_at_a() {
  to_a[link_is[A]]?kind, a1, a2, a3;
  if
  :: kind == MESSAGE -> deliver(A, a1, a2)
  :: kind == GOODBYE -> lose(A); kind = 0; a1 = 0; a2 = 0; a3 = 0; disconnect_a()
  fi;
  kind = 0; a1 = 0; a2 = 0; a3 = 0
}

/* Session::send, next_message */
inline say(h) { said[h]++; queued[h]++ }
inline write_d() { WRITE_D(link_is[D], MESSAGE, (first[D] + sent[D]), session[D], 0); sent[D]++ }
inline write_a() { WRITE_A(link_is[A], MESSAGE, (first[A] + sent[A]), session[A], 0); sent[A]++ }

/* Session::give_up; without a link, a timeout */
inline give_up_d() {
  giveups++;
  if :: link[D] == UP -> WRITE_D(link_is[D], GOODBYE, 0, 0, 0) :: else fi;
  lose(D); disconnect_d()
}
inline give_up_a() {
  giveups++;
  if :: link[A] == UP -> WRITE_A(link_is[A], GOODBYE, 0, 0, 0) :: else fi;
  lose(A); disconnect_a()
}

/* An agent dies. What it wrote may still come. */
inline restart_d() { restarts++; disconnect_d(); lose(D); life[D]++ }
inline restart_a() {
  restarts++; disconnect_a(); lose(A); life[A]++;
  n1 = 1;
  do
  :: n1 < 5 ->
     open_a[n1] = 0; greeted[n1] = 0; greeted_session[n1] = 0; greeted_received[n1] = 0;
     challenge[n1] = 0; links_before[n1] = 0;
     do :: nempty(to_a[n1]) -> to_a[n1]?kind, a1, a2, a3 :: empty(to_a[n1]) -> break od;
     n1++
  :: else -> break
  od;
  kind = 0; a1 = 0; a2 = 0; a3 = 0; n1 = 0; links_accepted = 0; newest = 0
}

#define SHAKES(c) (c <= connection && open_a[c] && !(link[A] == UP && link_is[A] == c) && nempty(to_a[c]))

active proctype agents() {
  d_step { life[D] = 1; life[A] = 1; first[D] = 1; first[A] = 1 }
end:
  do
  :: d_step { link[D] == DOWN && connection < DIALS -> connected() }
  :: d_step { SHAKES(1) && greeted[1] == 0 -> hello_arrives(1) }
  :: d_step { SHAKES(2) && greeted[2] == 0 -> hello_arrives(2) }
  :: d_step { SHAKES(3) && greeted[3] == 0 -> hello_arrives(3) }
  :: d_step { SHAKES(4) && greeted[4] == 0 -> hello_arrives(4) }
  :: d_step { SHAKES(1) && greeted[1] != 0 -> answer_arrives(1) }
  :: d_step { SHAKES(2) && greeted[2] != 0 -> answer_arrives(2) }
  :: d_step { SHAKES(3) && greeted[3] != 0 -> answer_arrives(3) }
  :: d_step { SHAKES(4) && greeted[4] != 0 -> answer_arrives(4) }
  :: d_step { link[D] != DOWN && nempty(to_d[link_is[D]]) -> arrives_at_d() }
  :: d_step { link[A] == UP && nempty(to_a[link_is[A]]) -> arrives_at_a() }
  :: d_step { session[D] != 0 && said[D] < MESSAGES -> say(D) }
  :: d_step { session[A] != 0 && said[A] < MESSAGES -> say(A) }
  :: d_step { link[D] == UP && sent[D] < queued[D] -> write_d() }
  :: d_step { link[A] == UP && sent[A] < queued[A] -> write_a() }
  /* a connection breaks as one end sees it, or it is too slow */
  :: d_step { link[D] != DOWN && connection < DIALS -> disconnect_d() }
  :: d_step { link[A] == UP && connection < DIALS -> disconnect_a() }
  :: d_step { link[A] == UP && !open_d[link_is[A]] && empty(to_a[link_is[A]]) -> disconnect_a() }
  :: d_step { link[D] != DOWN && !open_a[link_is[D]] && empty(to_d[link_is[D]]) -> disconnect_d() }
  :: d_step { session[D] != 0 && giveups < GIVEUPS -> give_up_d() }
  :: d_step { session[A] != 0 && giveups < GIVEUPS -> give_up_a() }
  :: d_step { restarts < RESTARTS -> restart_d() }
  :: d_step { restarts < RESTARTS -> restart_a() }
  :: d_step { link[D] == UP && link[A] == UP && link_is[D] == link_is[A] && open_d[link_is[D]] &&
              open_a[link_is[D]] && empty(to_a[link_is[D]]) && empty(to_d[link_is[D]]) ->
       assert(session[D] != 0 && session[D] == session[A]);
       assert(peer_life[D] == life[A] && peer_life[A] == life[D]);
       assert(received[A] == first[D] + sent[D] - 1 && received[D] == first[A] + sent[A] - 1) }
  od
}
