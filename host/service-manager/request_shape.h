// SPDX-License-Identifier: Apache-2.0
//
// The shape of a client's request, which shows the client's dialect.
#pragma once

#include "host/service-manager/dialect.h"
#include "parcel/reader.h"

namespace netbinder {

// The shape of the arguments behind the interface token. The reader is a copy and does not move.
[[nodiscard]] RequestShape shape_of(ParcelReader request);

}  // namespace netbinder
