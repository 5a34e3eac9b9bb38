// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/request_shape.h"

#include <algorithm>

#include "core/base/uapi.h"
#include "host/service-manager/protocol.h"

namespace netbinder {

RequestShape shape_of(ParcelReader request) {
  RequestShape shape;
  const std::size_t start = request.position();
  shape.starts_with_name = request.string16().has_value();
  if (!shape.starts_with_name) request.seek(start);  // a word like a null string's, perhaps
  std::size_t found = 0;
  while (request.remaining() >= sizeof(flat_binder_object) + 4) {
    if (!request.own_binder(kManagerNode)) {
      if (!request.listed()) break;
      (void)request.handle();
    }
    const auto word = request.i32();
    if (!word) break;  // an object is where it should be
    if (found++ == 0) shape.stability_word = static_cast<std::uint32_t>(*word);
  }
  shape.objects = std::max(found, request.objects());
  if (found == shape.objects) shape.words_after = request.remaining() / 4;
  return shape;
}

}  // namespace netbinder
