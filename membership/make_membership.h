// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "membership/membership.h"

namespace netbinder {

// The membership that the configuration names.
[[nodiscard]] std::unique_ptr<Membership> make_membership(boost::asio::io_context& io,
                                                          const Config& config,
                                                          Incarnation incarnation);

}  // namespace netbinder
