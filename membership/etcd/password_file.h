// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

namespace netbinder::etcd {

// The password in a file, without the end of its line. Or why there is none.
[[nodiscard]] std::expected<std::string, std::string> password_in(const std::string& file);

}  // namespace netbinder::etcd
