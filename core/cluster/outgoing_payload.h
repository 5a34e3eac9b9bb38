// SPDX-License-Identifier: Apache-2.0
//
// The payload of a call or a reply to a peer while it is being made: its image, and the table of
// its objects. Owns the references and descriptors in the table until they are sent; those that are
// not sent are taken back.
#pragma once

#include <expected>
#include <utility>
#include <vector>

#include "core/cluster/exports.h"
#include "core/local/local_payload.h"

namespace netbinder {

class OutgoingPayload {
 public:
  OutgoingPayload(Model& model, Exports& exports, Peer& peer)
      : model_(model), exports_(exports), peer_(peer) {}
  OutgoingPayload(const OutgoingPayload&) = delete;
  OutgoingPayload& operator=(const OutgoingPayload&) = delete;
  ~OutgoingPayload();

  // Copies and translates a thread's payload.
  std::expected<void, BrError> translate(Thread& sender, const binder_transaction_data& data,
                                         const PayloadShape& shape, FilePolicy files);
  // The objects go with the message that is sent now.
  [[nodiscard]] std::vector<WireObject> take_objects();
  [[nodiscard]] Payload take_image() { return std::move(image_); }

 private:
  Model& model_;
  Exports& exports_;
  Peer& peer_;
  Payload image_;
  std::vector<WireObject> objects_;
};

}  // namespace netbinder
