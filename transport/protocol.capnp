# SPDX-License-Identifier: Apache-2.0
@0x8a8250368787eb9c;
#
# The protocol between the agents of two hosts. This file is its specification.
#
# Framing
# -------
# A link is an ordered stream of bytes. A frame on it is
#
#     u32 message bytes   a multiple of 8, at least 8, at most 9 MiB (4096 in a handshake)
#     u32 flags           none defined: 0
#     u64 payload bytes   at most 12 MiB
#     the message         one `Frame`, in Cap'n Proto's stream framing, nothing left over
#     the payload         raw bytes
#
# with little-endian integers. Calls and replies have a payload, whose size is that of the image
# their `Shape` describes; everything else has none. A frame that breaks these rules, or a limit of
# transport/limits.h, ends the link, and the session if there is one.
#
# Concepts
# --------
# Host         A member of the cluster, numbered by the configuration, which every host has alike.
#              0 is no host.
#
# Incarnation  One life of a host's agent: 64 random bits chosen by the agent when it starts. Dies
#              with the agent. Numbers chosen by an agent (nodes, calls, handoffs) are unique
#              within its incarnation, and never used again in it. 0 is none.
#
# Link         One connection. Comes and goes. The host with the HIGHER number dials, the other one
#              accepts: there is never a second link to choose from, except that a new one replaces
#              the one its dialer has abandoned.
#
# Session      What two incarnations share: messages both ways, in order, each exactly once. The
#              acceptor chooses its id at random when it is established. It survives the loss of
#              its link for as long as the session timeout of either end, and then dies: an end
#              that has given a session up forgets it, and cannot be talked into resuming it. So
#              every session dies at both ends, at the latest when they shake hands again.
#              Everything counted in a session (references, calls, claims) dies with it.
#
# Sequence     Numbers the messages of one direction of a session: 1, 2, 3 … A sender keeps each
# number       message with its payload until it is acknowledged.
#
# Ack          "I have received everything up to this number": cumulative, and on every frame that
#              goes the other way. A message counts as received when its payload is complete; a
#              payload that was cut short by the end of a link is thrown away and comes again.
#
# Call         A transaction to another host. The caller's agent chooses the id. It dies with the
#              one answer that ends the call, which the callee's agent sends: Reply or CallFailed
#              for a synchronous call, CallAccepted or CallFailed for a oneway call. A synchronous
#              call that asks for it is accepted (CallAccepted) before it is replied to.
#
# Reference    How many strong and weak references each peer holds to each node, kept by the node's
# ledger       home. SENDING a reference counts it, so a reference on its way cannot race a release.
#              ReleaseRefs gives back any number of those that were received. The end of the
#              session gives back all.
#
# Handoff      A reference that host B passes to host C for a node of host A. B tells A (Introduce),
#              which keeps one in escrow; C asks A for it (ClaimRef), and A answers (ClaimResult). If
#              C asks before B has told, the answer waits for that, until the session of A and B is
#              over. A asks B then (askIntroductions): if B answers and the introduction has not come
#              before that, it was lost with an earlier session, and there is nothing to claim. C
#              cannot call a node before it is counted for it. B chooses the handoff's id; it dies with the answer. Unclaimed it dies twice the
#              session timeout after the end of the session of A and B, of A and C, or of B and C, of
#              which B tells (RecipientLost).
#
# File         A descriptor in a call or reply. The agent that sends it chooses the number, and offers
#              the file (File.offer) ahead of the Call or Reply that names it: offers are for the
#              next one of the session, and what that does not take is dropped. The number of a
#              content dies with that message. That of a stream or packets dies, at each end, when
#              both directions are over there: each ends with `noMoreSent` of its source, with
#              `noMoreTaken` of its sink, or with `closed` of either. What still comes for a dead
#              number is ignored. The end of the session is the end of all.
#
#              One open file can be offered many times. The offer names a number that it has had
#              (sameAs); if the receiver still has that, it uses it, gives its program one more
#              descriptor of the same, and says `closed` of the new number at once. Otherwise the new
#              one is as good as any.
#
#              Order: what can be read of a descriptor is sent ahead of every Call and Reply.
#
#              Credit: who offers may send nothing at first, but up to 64 KiB of what is there already
#              (right behind the offer; it is a copy, which the sender takes out of the file when it
#              gets its first credit), and whom it is offered to 256 KiB. Data
#              costs its bytes, and a packet 64 more; a sender never spends more than it has. Credit
#              is given for what the sink's program has been handed; the first, of 256 KiB to the one
#              who offers, when a program has the descriptor. So nothing is taken from a file whose
#              call fails.
#
# Handshake
# ---------
#     dialer                                 acceptor
#       Hello{session: S or 0, received} →
#                                          ← Challenge
#       Answer →
#                                            S is the session it has with that incarnation of the
#                                            dialer: Welcome{S, received}. Both ends go on with
#                                            what the other one has not received.
#                                            Otherwise it gives up the session it has, if any, and
#                                            establishes a new one: Welcome{S', 0}. A dialer that
#                                            asked for S gives S up when it reads this.
#                                            Or, at any time, Refuse{reason}, and the link ends.
#
# Hello and Challenge carry a nonce each, random and for this link only. Answer and Welcome prove that
# their sender has read the other's, and knows the key of the cluster if there is one: HMAC-SHA-256
# over what both have said (transport/cluster_key.cc has the order). Only the right Answer touches a
# session. If the acceptor has accepted another link of the same host since it wrote the Challenge, it
# writes a new one instead of Welcome, and the dialer answers again: so bytes that come late begin
# nothing, and of two lives of a host the one that answers is there.
#
# Nothing else may be sent on a link before Welcome, and nothing of this after it. An end
# that gives a session up while it has a link says Goodbye and closes the link; the other one gives
# the session up when it reads that, or at the next handshake.
#
# RDMA
# ----
# Agents that both have an RDMA device join a queue pair (reliable connected) to the link, each with
# one end of it. It lives and dies with the link: an error of the queue pair ends the link, and the
# session goes on with another one, at first over the connection alone. So does an end that refused
# because it could make none, when it can.
#
#     each end                               the other end
#       RdmaOffer{its queue pair} →          creates its own if it has none, and offers that;
#                                            or RdmaRefuse{reason}: not on this link
#       (has both: connects them) RdmaReady →
#       (has read RdmaReady) a probe over the queue pair; when that is acknowledged by the device:
#       RdmaSwitch →                         from here on messages come by the queue pair
#
# After its RdmaSwitch an end sends its Messages over the queue pair, and everything else but what
# is about leases over the connection. What comes by the queue pair before RdmaSwitch has been read
# waits for it.
#
# Segments     Each send on the queue pair is a segment: a header (transport/rdma/segment.h) and bytes
#              of a frame, at most `segmentBytes` of the offer in all. A frame has no prefix there.
#
# Credit       An end sends no more segments than the other has receives for, less 4. A segment's
#              header says how many were served since the last; a segment that has nothing but that
#              to say takes no credit.
#
# Lease        Space in the arena of a process of the receiver for the payload of one message, which
#              the sender's device writes there ahead of it, on the same queue pair. A message says
#              in its header which lease its payload is in. Granted by the arena's host, who chooses
#              the number. Dies with that message, with LeaseReturn, or with the queue pair. No more
#              than 128 requests may be unanswered.
#
#     small call   Call and payload in one segment →
#     large call   LeaseRequest →                      (not if one is held already)
#                                                      ← LeaseGrant
#                  write of the payload, Call{lease} → (one chain; in order)
#                  LeaseRequest{ahead} →               for the next one
#
# Liveness
# --------
# An end that has sent nothing for its heartbeat interval sends Heartbeat. An end that has heard
# nothing, not even a part of a frame, for its suspicion time closes the link; the session is then
# without a link, and lives until its timeout.

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("netbinder::wire");

struct Frame {
  union {
    hello     @0 :Hello;
    welcome   @1 :Welcome;
    refuse    @2 :Refuse;
    goodbye   @3 :Goodbye;
    ack       @4 :Ack;
    heartbeat @5 :Heartbeat;
    message   @6 :Message;

    # See RDMA, above. The first four go over the connection, the others over the queue pair.
    rdmaOffer    @7  :RdmaOffer;
    rdmaRefuse   @8  :Text;       # why, for people
    rdmaReady    @9  :Void;
    rdmaSwitch   @10 :Void;
    leaseRequest @11 :LeaseRequest;
    leaseGrant   @12 :LeaseGrant;
    leaseReturn  @13 :UInt64;     # the lease

    challenge    @14 :Challenge;
    answer       @15 :Answer;
  }
}

# ---------------------------------------------------------------------------------------- session

struct Hello {
  # First frame of the dialer.
  protocolVersion @0 :UInt32;   # of the session to be: 6, 5 or 4 (below). Others are refused.
  cluster @1 :Text;             # name of the cluster, equal on both ends
  host @2 :UInt32;              # the dialer
  hostName @3 :Text;            # as the acceptor's configuration has it
  incarnation @4 :UInt64;       # the dialer's
  peer @5 :UInt32;              # whom the dialer believes it dials
  peerIncarnation @6 :UInt64;   # the acceptor's in the session to resume; 0: none
  session @7 :UInt64;           # session to resume; 0: none
  received @8 :UInt64;          # last sequence number received in that session
  unused9 @9 :UInt64;           # of versions before 4
  nonce @10 :Data;              # 32 bytes
}

struct Challenge {
  # The acceptor's answer to Hello, and to an Answer that came too late.
  host @0 :UInt32;              # the acceptor
  hostName @1 :Text;
  incarnation @2 :UInt64;       # the acceptor's
  nonce @3 :Data;               # 32 bytes
  newestVersion @4 :UInt32;     # that the acceptor speaks; 0: version 4, which does not say
}

struct Answer {
  # The dialer's, to the last Challenge.
  proof @0 :Data;               # 32 bytes
}

struct Welcome {
  # The acceptor is satisfied.
  unused0 @0 :UInt32;           # of versions before 4, as the next two
  unused1 @1 :Text;
  unused2 @2 :UInt64;
  session @3 :UInt64;           # the one of Hello: resumed. Any other: a new one.
  received @4 :UInt64;          # last sequence number received in the session; 0 in a new one
  proof @5 :Data;               # 32 bytes
}

struct Refuse {
  # Instead of Challenge or Welcome; the acceptor then closes the link. Its session with that host, if it has
  # one, goes on.
  reason @0 :Reason;
  detail @1 :Text;              # for people

  enum Reason {
    protocolVersion @0;
    cluster @1;                 # another cluster
    unknownHost @2;             # the dialer's or the dialed number is not as configured here
    hostName @3;                # another name than configured here
    direction @4;               # the lower host dialed the higher
    staleIncarnation @5;        # none; before version 4 also one that the host has had another since
    staleAttempt @6;            # of versions before 4
    certificate @7;             # the dialer's certificate is not that of the host it says it is
    key @8;                     # the dialer does not know the cluster's key
  }
}

struct Goodbye {
  # The sender has given the session up and closes the link.
  reason @0 :Reason;
  detail @1 :Text;              # for people

  enum Reason {
    shutdown @0;                # the agent ends
    givenUp @1;                 # decided by the agent
    protocolError @2;           # the receiver broke the protocol
    overflow @3;                # the receiver takes too little of what is sent to it
  }
}

struct Ack {
  received @0 :UInt64;
}

struct Heartbeat {
  received @0 :UInt64;
  clockMs @1 :UInt64;           # the sender's clock when it was queued, ms since 1970; 0: it does not say
}

# ------------------------------------------------------------------------------------------- RDMA

struct RdmaOffer {
  # A queue pair of the sender's, with its receives posted. At most one on each link.
  gid @0 :Data;                 # 16 bytes
  lid @1 :UInt16;
  number @2 :UInt32;
  firstPacket @3 :UInt32;
  mtuBytes @4 :UInt32;
  receives @5 :UInt32;          # posted and kept posted, credit segments included
  segmentBytes @6 :UInt32;      # that each holds
}

struct LeaseRequest {
  # Answered by a LeaseGrant of that number, in order.
  number @0 :UInt64;            # chosen by the sender
  recipient :union {
    node @1 :UInt64;            # of the receiver, to be called
    call @2 :UInt64;            # of the receiver, to be answered
  }
  bytes @3 :UInt64;             # of the payload
  contextBytes @4 :UInt32;      # of the call's security context, with a final zero
  oneway @5 :Bool;
  ahead @6 :Bool;               # for a message that is yet to come
}

struct LeaseGrant {
  number @0 :UInt64;            # of the request
  lease @1 :UInt64;             # chosen by the sender; 0: refused, and the rest means nothing
  process @2 :UInt64;           # of the sender, by a number that replies have as `caller`
  address @3 :UInt64;
  key @4 :UInt32;
  bytes @5 :UInt64;             # as asked for
}

# --------------------------------------------------------------------------------------- messages

struct Message {
  sequence @0 :UInt64;          # the sender's last one, plus 1
  received @1 :UInt64;          # acknowledgement at the time the message was written

  union {
    call               @2  :Call;
    reply              @3  :Reply;
    callFailed         @4  :CallFailed;
    callAccepted       @5  :CallAccepted;
    releaseRefs        @6  :ReleaseRefs;
    nodeDied           @7  :NodeDied;
    claimRef           @8  :ClaimRef;
    claimResult        @9  :ClaimResult;
    introduce          @10 :Introduce;
    claimContext       @11 :ClaimContext;
    contextClaimResult @12 :ContextClaimResult;
    contextReleased    @13 :ContextReleased;
    contextManager     @14 :ContextManager;
    serviceManager     @15 :ServiceManager;
    watchFreeze        @16 :WatchFreeze;
    freezeState        @17 :FreezeState;

    file               @18 :File;
    contextHolder      @19 :ContextHolder;
    recipientLost      @20 :RecipientLost;
    askIntroductions   @21 :Void; # to an introducer that a claim names, which has introduced nothing
    introductionsSent  @22 :Void; # the answer, behind all that the sender had introduced when asked
    hostList           @23 :HostList;  # since version 6
  }
}

struct Shape {
  # Sizes of the three parts of a buffer. The payload is its image: the parts in this order, each
  # starting at a multiple of 8 bytes. No part is over 4 MiB.
  dataSize @0 :UInt64;
  offsetsSize @1 :UInt64;       # a multiple of 8
  extraSize @2 :UInt64;         # a multiple of 8
}

struct Node {
  # A reference travelling. The home (host) is the sender: the reference is counted for the
  # receiver, handoff is 0. The home is the receiver: its own node comes back, handoff is 0, nothing
  # is counted. Otherwise the sender passes on a third host's node, and has introduced the receiver
  # to its home. If dead is set, the node has died, as the sender knows: nothing is counted or
  # introduced, and the receiver holds a dead reference.
  host @0 :UInt32;              # home of the node
  incarnation @1 :UInt64;       # of the home
  number @2 :UInt64;            # chosen by the home; lives until the node dies
  strong @3 :Bool;
  handoff @4 :UInt64;           # chosen by the sender
  dead @5 :Bool;
}

struct Object {
  # An object in the data of the parcel.
  offset @0 :UInt64;            # where; objects are in strictly ascending order
  union {
    node :group {               # see Node
      host @1 :UInt32;
      incarnation @2 :UInt64;
      number @3 :UInt64;
      strong @4 :Bool;
      handoff @5 :UInt64;
      dead @11 :Bool;
    }
    buffer :group {             # a scatter-gather buffer
      extraOffset @6 :UInt64;   # its bytes in the extra part
      length @7 :UInt64;
      hasParent @8 :Bool;
      parentIndex @9 :UInt64;   # its address is stored in the buffer object of this index …
      parentOffset @10 :UInt64; # … at this offset
    }
    file :group {               # a descriptor
      number @12 :UInt64;       # chosen by the sender, see File
    }
    fileArray :group {          # descriptors in a scatter-gather buffer
      inIndex @13 :UInt64;      # in the buffer object of this index …
      inOffset @14 :UInt64;     # … from this offset
      numbers @15 :List(UInt64);
    }
  }
}

struct Ancestor {
  # A synchronous call that some thread waits in.
  host @0 :UInt32;              # the calling host
  call @1 :UInt64;              # its id for the call
}

struct Call {
  # A transaction to a node of the receiver. With a payload.
  call @0 :UInt64;              # chosen by the sender
  target @1 :UInt64;            # number of the node
  code @2 :UInt32;
  flags @3 :UInt32;             # TF_*
  senderEuid @4 :UInt32;        # attested by the sender's agent
  securityContext @5 :Text;     # likewise; empty: that of the user, "u:r:uid_N:s0@HOST"
  ancestors @6 :List(Ancestor); # nearest first
  shape @7 :Shape;
  objects @8 :List(Object);
  nice @9 :Int32;               # of the calling thread, -20 to 19
  wantsAcceptance @10 :Bool;    # of a synchronous call
  caller @11 :UInt64;           # the calling process, by a number of the sender's; 0: not told
  # Since version 5, for those who follow calls; 0: not told.
  trace @12 :UInt64;            # the first call of all that this one follows from, by its span
  span @13 :UInt64;             # this call, on all hosts; chosen by the sender
}

struct Reply {
  # Ends a synchronous call. With a payload.
  call @0 :UInt64;              # chosen by the receiver
  code @1 :UInt32;
  flags @2 :UInt32;
  senderEuid @3 :UInt32;
  shape @4 :Shape;
  objects @5 :List(Object);
  caller @6 :UInt64;            # as the call had it
}

struct CallFailed {
  # Ends a call without a reply.
  call @0 :UInt64;              # chosen by the receiver
  command @1 :UInt32;           # BR_FAILED_REPLY, BR_DEAD_REPLY or BR_FROZEN_REPLY
  error @2 :Int32;              # negative errno of the extended error, or 0
  queued @3 :Bool;              # the call was in the target's queue before
}

struct CallAccepted {
  # The call is in the target's queue. Ends a oneway call; of a synchronous one only if it asked.
  call @0 :UInt64;              # chosen by the receiver
  command @1 :UInt32;           # what the caller reads
}

struct ReleaseRefs {
  # Gives back references to a node of the receiver. At most what was received.
  node @0 :UInt64;
  strong @1 :UInt64;
  weak @2 :UInt64;
}

struct NodeDied {
  # To every host the ledger has for a node of the sender that died.
  node @0 :UInt64;
}

struct ClaimRef {
  # The sender was handed a reference to a node of the receiver, and asks to be counted.
  node @0 :UInt64;
  strong @1 :Bool;
  introducer @2 :UInt32;        # who handed it
  handoff @3 :UInt64;           # the introducer's number
}

struct ClaimResult {
  # Answers ClaimRef, whose fields it repeats.
  node @0 :UInt64;
  strong @1 :Bool;
  introducer @2 :UInt32;
  handoff @3 :UInt64;
  alive @4 :Bool;               # false: nothing was counted, there is nothing behind the reference
}

struct Introduce {
  # To the home of a node: the sender, which holds it, passes a reference on.
  node @0 :UInt64;
  strong @1 :Bool;
  recipient @2 :UInt32;         # to whom
  handoff @3 :UInt64;           # chosen by the sender
}

struct RecipientLost {
  # To each home to which the sender has introduced this host: their session is over. What it has not
  # claimed within twice the session timeout is let go.
  recipient @0 :UInt32;
}

struct WatchFreeze {
  # The sender holds references to a node of the receiver: is its owner frozen? Ends with them.
  node @0 :UInt64;
}

struct FreezeState {
  # To a host that watches a node of the sender: at once, and at every change.
  node @0 :UInt64;
  frozen @1 :Bool;
}

struct ClaimContext {
  # To the arbiter, which is the first host of the configuration: may a process of the sender become
  # the manager of the context? A granted claim dies with ContextReleased or with the session.
  context @0 :Text;
  euid @1 :UInt32;              # of the claimant; 0 also from hosts that do not say it
  list @2 :UInt64;              # since version 6: the number of the sender's list; 0: it has none
}

struct ContextClaimResult {
  # Answers ClaimContext.
  context @0 :Text;
  granted @1 :Bool;
  forbidden @2 :Bool;           # not granted because the arbiter's policy denies it
  otherList @3 :Bool;           # since version 6: nothing was decided, as the lists of hosts differ
}

struct ContextReleased {
  # To the arbiter: the sender's claim is over.
  context @0 :Text;
}

struct ContextHolder {
  # From the arbiter to every other peer: whose claim holds. A manager is used only if its host's
  # does; of several the one whose claim was the last to be told. Since version 6 also to the holder
  # itself, if the arbiter has the claim from the arbiter of an older list: ContextReleased if it is over.
  context @0 :Text;
  holder @1 :UInt32;
  incarnation @2 :UInt64;       # of the holder
  holds @3 :Bool;               # false: no more
}

struct ContextManager {
  # To every peer: the sender's manager of the context is a node of the sender, counted for the
  # receiver. Ends with NodeDied.
  context @0 :Text;
  node @1 :Node;
  euid @2 :UInt32;              # of the manager; 0 also from hosts that do not say it
}

struct ServiceManager {
  # To every peer: the sender's built-in service manager of the context, counted likewise.
  context @0 :Text;
  node @1 :Node;
}

struct HostList {
  # To every peer, if the sender's list of hosts is numbered: first of all messages of a session, and
  # whenever one of the numbers has changed. Who has sent a `newest` grants no claim by an older list
  # any more, and all that it has granted was sent before.
  number @0 :UInt64;            # of the sender's list, 1 to 999999999999999
  newest @1 :UInt64;            # of all lists that the sender knows of; not below `number`
}

struct File {
  # About a descriptor that travels.
  number @0 :UInt64;            # chosen by the sender, unless …
  ofReceiver @1 :Bool;          # … it was the receiver that offered the file
  union {
    offer :group {
      kind @2 :Kind;
      readable @3 :Bool;        # by the receiver's program; of a content: neither is set
      writable @4 :Bool;
      nonblocking @5 :Bool;     # as its sender had it
      position @6 :UInt64;      # of a content
      size @7 :UInt64;          # of a content: so many bytes follow in data
      sameAs @11 :UInt64;       # the same open file has this number, too; 0: none is known
      returns @12 :Bool;        # sameAs is the receiver's number: the file comes home
    }
    data @8 :Data;              # at most 256 KiB; a packet or a piece
    credit @9 :UInt64;
    end @10 :End;
  }

  enum Kind {
    stream @0;
    packets @1;
    content @2;
    counter @3;                 # an eventfd: position is its count, size 1 if it is a semaphore; data
                                # is a change of the count (Int64), which costs 1 of a credit of 64
  }
  enum End {
    noMoreSent @0;              # the sender's side writes no more
    noMoreTaken @1;             # the sender's side reads no more: what is sent is thrown away
    closed @2;                  # both, and nobody there has it open
  }
}
