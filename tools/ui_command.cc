// SPDX-License-Identifier: Apache-2.0
//
// netbinder ui: a page for a browser of this machine, that shows an agent live.
#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "tools/calls/until_stopped.h"
#include "tools/commands.h"
#include "tools/installation.h"
#include "tools/ui/page_server.h"
#include "tools/ui/ui_data.h"
#include "tools/ui/ui_page.h"

namespace netbinder::tools {

namespace {

constexpr int kLookForTheEndMs = 200;

}  // namespace

int carry_out(const UiOptions& options, char** argv) {
  ensure_preloaded(argv);
  // The device that services are asked through is that agent's.
  ::setenv("NETBINDER_SOCKET", options.socket.c_str(), 1);
  const auto data = std::make_shared<UiData>(
      UiSource{.socket = options.socket, .device = options.device, .timeout_s = options.timeout_s});
  PageServer server(options.listen, options.anybody ? Asker::kAnybody : Asker::kThisUser,
                    [data, page = ui_page()](const std::string& path) -> http::Answer {
                      if (path == "/") return page;
                      if (path == "/data") {
                        return {.content_type = "application/json", .body = *data->json()};
                      }
                      return {.status = 404, .body = "there are / and /data\n"};
                    });
  const UntilStopped until;
  fmt::print("{}\n", server.url());
  std::fflush(stdout);
  while (!until.stopped()) server.serve_ms(kLookForTheEndMs);
  // Threads may still ask the agent, or wait for a manager that does not answer.
  ::_exit(0);
}

}  // namespace netbinder::tools
