// SPDX-License-Identifier: Apache-2.0
//
// A question to another host's agent, with the patience of whoever has asked.
#pragma once

#include <boost/asio/ts/netfwd.hpp>
#include <chrono>
#include <cstdint>
#include <string>

#include "host/service-manager/peer_question.h"

namespace netbinder {

class NodeHost;

// As NodeHost::ask_peer(). If there is no answer in time, `heard` is told that, once; an agent of
// an older version never answers. From handlers of the event loop.
void ask_peer_in_time(boost::asio::io_context& io, NodeHost& host, const std::string& name,
                      std::uint32_t uid, const std::string& question, PeerQuestion::Heard heard,
                      std::chrono::seconds patience);

}  // namespace netbinder
