// SPDX-License-Identifier: Apache-2.0
//
// The page of `netbinder ui`: one file of HTML with its style and its script (tools/ui/page.html),
// which is a part of this program. Pure.
#pragma once

#include <string>
#include <string_view>

#include "node-agent/http.h"

namespace netbinder::tools {

[[nodiscard]] std::string_view ui_page_text();

// A Content-Security-Policy by which the page runs its own script, has its own style, asks its own
// server, and nothing else.
[[nodiscard]] std::string content_security_policy(std::string_view page);

[[nodiscard]] http::Answer ui_page();

}  // namespace netbinder::tools
