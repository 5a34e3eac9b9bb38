// SPDX-License-Identifier: Apache-2.0
//
// Command streams and parcels made from the fuzzer's bytes: mostly well-formed and about the
// program's own objects, now and then with anything in any field.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/fuzz/host.h"
#include "tests/fuzz/input.h"

namespace netbinder::fuzz {

// The value's bytes, as they are in memory.
template <typename T>
void append(std::vector<std::byte>& bytes, const T& value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

// The parcel of a call or reply, its target aside. Its bytes are placed in `memory`.
binder_transaction_data_sg make_parcel(Input& input, const Program& program, ProgramMemory& memory);

// Mostly a handle that it was given.
std::uint32_t make_handle(Input& input, const Program& program);
// A node's ptr; its cookie is the same unless something is wrong.
std::uint64_t make_ptr(Input& input);

CommandStream make_commands(Input& input, Program& program, PendingIoctl& thread,
                            ProgramMemory& memory);

}  // namespace netbinder::fuzz
