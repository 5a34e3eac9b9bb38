// SPDX-License-Identifier: Apache-2.0
//
// The shape of a client's request, which shows the client's dialect.
#pragma once

#include "host/service-manager/dialect.h"
#include "parcel/reader.h"

namespace netbinder {

// Of what is behind the token; it is read from a copy.
[[nodiscard]] RequestShape shape_of(ParcelReader request);

}  // namespace netbinder
