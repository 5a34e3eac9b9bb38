// SPDX-License-Identifier: Apache-2.0
//
// A frame of every kind, for seeds.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "transport/frame.h"

namespace netbinder::fuzz {

inline std::vector<std::pair<std::string, PeerMessage>> some_messages() {
  const WireNode node{
      .node = {.host = HostId(3), .incarnation = Incarnation(77), .number = NodeNumber(5)},
      .strong = true,
      .handoff = HandoffId(12),
      .dead = false};
  const peer::Call call{.call = CallId(5),
                        .target = NodeNumber(6),
                        .caller = ProcessId(17),
                        .code = 7,
                        .flags = 0x10,
                        .sender_euid = 1000,
                        .nice = -20,
                        .wants_acceptance = true,
                        .security_context = "u:r:system:s0",
                        .ancestors = {{HostId(1), CallId(2)}},
                        .shape = {.data_size = 101, .offsets_size = 16, .extra_size = 24},
                        .objects = {{.offset = 8, .content = node},
                                    {.offset = 40,
                                     .content = WireBuffer{.extra_offset = 8,
                                                           .length = 16,
                                                           .has_parent = true,
                                                           .parent_index = 1,
                                                           .parent_offset = 24}}}};
  peer::Call with_files = call;
  with_files.objects = {
      {.offset = 0, .content = WireFile{FileNumber(9)}},
      {.offset = 24,
       .content = WireFileArray{
           .parent_index = 1, .parent_offset = 2, .files = {FileNumber(3), FileNumber(4)}}}};
  const auto about_file = [](decltype(peer::FileMessage::content) content) {
    return peer::FileMessage{
        .file = FileNumber(1), .of_receiver = false, .content = std::move(content)};
  };
  return {
      {"call", call},
      {"call-with-files", with_files},
      {"call-of-nothing", peer::Call{}},
      {"reply", peer::Reply{.call = CallId(1),
                            .caller = ProcessId(18),
                            .code = 2,
                            .flags = 8,
                            .sender_euid = 3,
                            .shape = {.data_size = 8, .offsets_size = 8, .extra_size = 0},
                            .objects = {{.offset = 0, .content = node}}}},
      {"call-failed",
       peer::CallFailed{.call = CallId(1), .queued = true, .command = 0x7211, .error = -22}},
      {"call-accepted", peer::CallAccepted{.call = CallId(3), .command = 0x7206}},
      {"release-refs", peer::ReleaseRefs{.node = NodeNumber(9), .strong = 1, .weak = 2}},
      {"node-died", peer::NodeDied{.node = NodeNumber(10)}},
      {"claim-ref", peer::ClaimRef{.node = NodeNumber(1),
                                   .strong = false,
                                   .introducer = HostId(2),
                                   .handoff = HandoffId(3)}},
      {"claim-result", peer::ClaimResult{.node = NodeNumber(1),
                                         .strong = true,
                                         .introducer = HostId(2),
                                         .handoff = HandoffId(3),
                                         .alive = true}},
      {"introduce", peer::Introduce{.node = NodeNumber(1),
                                    .strong = false,
                                    .recipient = HostId(2),
                                    .handoff = HandoffId(4)}},
      {"recipient-lost", peer::RecipientLost{.recipient = HostId(2)}},
      {"ask-introductions", peer::AskIntroductions{}},
      {"introductions-sent", peer::IntroductionsSent{}},
      {"context-holder", peer::ContextHolder{.context = "binder",
                                             .holder = HostId(2),
                                             .incarnation = Incarnation(102),
                                             .holds = true}},
      {"claim-context", peer::ClaimContext{.context = "binder", .list = ListNumber(5)}},
      {"host-list", peer::HostList{.number = ListNumber(5), .newest = ListNumber(6)}},
      {"context-claim-result", peer::ContextClaimResult{.context = "binder", .granted = true}},
      {"context-released", peer::ContextReleased{.context = "hwbinder"}},
      {"context-manager", peer::ContextManager{.context = "hwbinder", .node = node}},
      {"service-manager", peer::ServiceManager{.context = "binder", .node = node}},
      {"watch-freeze", peer::WatchFreeze{.node = NodeNumber(11)}},
      {"freeze-state", peer::FreezeState{.node = NodeNumber(12), .frozen = true}},
      {"file-offered", about_file(peer::FileOffered{.kind = peer::FileOffered::Kind::kContent,
                                                    .readable = true,
                                                    .writable = false,
                                                    .nonblocking = true,
                                                    .position = 4,
                                                    .size = 5})},
      {"file-data", about_file(peer::FileData{std::vector<std::byte>(33, std::byte{7})})},
      {"file-credit", about_file(peer::FileCredit{9})},
      {"file-end", about_file(peer::FileEnd{peer::FileEnd::What::kNoMoreTaken})},
  };
}

inline std::vector<std::pair<std::string, Frame>> some_frames() {
  std::vector<std::pair<std::string, Frame>> frames{
      {"hello", frame::Hello{.cluster = "test",
                             .host = HostId(2),
                             .host_name = "host2",
                             .incarnation = Incarnation(102),
                             .peer = HostId(1),
                             .peer_incarnation = Incarnation(0),
                             .session = SessionId(0),
                             .received = Sequence(0),
                             .nonce = {1, 2, 3}}},
      {"challenge", frame::Challenge{.host = HostId(1),
                                     .host_name = "host1",
                                     .incarnation = Incarnation(101),
                                     .newest = kNewestVersion,
                                     .nonce = {7}}},
      {"answer", frame::Answer{.proof = {8}}},
      {"welcome",
       frame::Welcome{.session = SessionId(7), .received = Sequence(0), .proof = {9}}},
      {"refuse", frame::Refuse{.reason = RefuseReason::kCertificate, .detail = "because"}},
      {"goodbye", frame::Goodbye{.reason = GoodbyeReason::kOverflow, .detail = "enough"}},
      {"ack", frame::Ack{.received = Sequence(1)}},
      {"heartbeat", frame::Heartbeat{.received = Sequence(0)}},
      {"rdma-offer", frame::RdmaOffer{.queue_pair = {.gid = {1, 2, 3, 255},
                                                     .lid = 4,
                                                     .number = rdma::QueuePairNumber(5),
                                                     .first_packet = 0xFFFFFF,
                                                     .mtu_bytes = 1024},
                                      .receives = 64,
                                      .segment_bytes = 8192}},
      {"rdma-refuse", frame::RdmaRefuse{.reason = "no device"}},
      {"rdma-ready", frame::RdmaReady{}},
      {"rdma-switch", frame::RdmaSwitch{}},
      {"lease-wanted", frame::LeaseWanted{.number = 1,
                                          .request = {.recipient = NodeNumber(3),
                                                      .bytes = 5000,
                                                      .context_bytes = 7,
                                                      .oneway = true,
                                                      .ahead = false}}},
      {"lease-granted", frame::LeaseGranted{.number = 1,
                                            .lease = LeaseId(4),
                                            .process = ProcessId(5),
                                            .address = 0x10000,
                                            .key = rdma::RemoteKey(6),
                                            .bytes = 5000}},
      {"lease-returned", frame::LeaseReturned{.lease = LeaseId(1)}},
  };
  for (auto& [name, content] : some_messages()) {
    frames.emplace_back(
        name, frame::Message{
                  .sequence = Sequence(1), .received = Sequence(0), .content = std::move(content)});
  }
  return frames;
}

// The bytes of payload that follow the message of such a frame on the wire.
inline std::uint64_t payload_of(const Frame& frame) {
  const auto* message = std::get_if<frame::Message>(&frame);
  return message != nullptr ? payload_image_bytes(message->content) : 0;
}

}  // namespace netbinder::fuzz
