// SPDX-License-Identifier: Apache-2.0
//
// Closes descriptors that programs made, on threads of its own: any of these calls may wait for as
// long as a program wants it to. There are as many threads as calls are waiting, within a bound;
// beyond that descriptors queue up. The queue is bounded by what each user may have in flight.
//
// Any thread. The threads begin with the first descriptor and end with the process.
#pragma once

#include <cstddef>

namespace netbinder {

// Takes the descriptor over. Never waits for the file.
void close_elsewhere(int fd) noexcept;

// How many descriptors were taken over and are not closed yet.
[[nodiscard]] std::size_t waiting_to_be_closed();

}  // namespace netbinder
