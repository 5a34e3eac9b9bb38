// SPDX-License-Identifier: Apache-2.0
//
// Reads an .aidl file of any version of the language.
#pragma once

#include <memory>
#include <string>

#include "tools/aidl/document.h"

namespace netbinder::tools::aidl {

// Throws InputError.
[[nodiscard]] std::unique_ptr<Document> parse(const std::string& file, const std::string& content);

}  // namespace netbinder::tools::aidl
