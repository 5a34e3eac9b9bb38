// SPDX-License-Identifier: Apache-2.0
//
// Payloads from other hosts: their objects checked and given the meaning that they have here.
// Nothing of the sender's image is believed where objects are: the table of objects is what counts.
#pragma once

#include <expected>
#include <span>

#include "core/cluster/imports.h"
#include "core/model/files_in_flight.h"

namespace netbinder {

enum class FilePolicy;

// The descriptors that the payload brings. On failure nothing of the objects is kept but what the
// payload's buffer holds, which ends with it.
std::expected<FilesInFlight, BrError> adopt_payload(Model& model, Imports& imports, Peer& peer,
                                                    const PayloadShape& shape,
                                                    std::span<const WireObject> objects,
                                                    Allocation& payload, FilePolicy accepts);
// Takes what a payload that is not wanted brings, and gives it back.
void disown_payload(Model& model, Imports& imports, Peer& peer,
                    std::span<const WireObject> objects);

}  // namespace netbinder
