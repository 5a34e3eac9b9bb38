// SPDX-License-Identifier: Apache-2.0
//
// Payloads from other hosts: their objects are checked and given the meaning that they have here.
// The objects are taken from the message's table only, never from the image.
#pragma once

#include <expected>
#include <span>

#include "core/cluster/imports.h"
#include "core/model/files_in_flight.h"

namespace netbinder {

enum class FilePolicy;

// Returns the descriptors that the payload brings. On failure, only those references are kept that
// the payload's buffer holds, and they end with the buffer.
std::expected<FilesInFlight, BrError> adopt_payload(Model& model, Imports& imports, Peer& peer,
                                                    const PayloadShape& shape,
                                                    std::span<const WireObject> objects,
                                                    Allocation& payload, FilePolicy accepts);
// Receives the references and files of a payload that is not wanted, and gives them back.
void disown_payload(Model& model, Imports& imports, Peer& peer,
                    std::span<const WireObject> objects);

}  // namespace netbinder
