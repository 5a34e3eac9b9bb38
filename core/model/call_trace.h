// SPDX-License-Identifier: Apache-2.0
//
// The identity of a call, for those who follow calls: a plain value that a call, its reply and its
// entry in the log have. Every call has one, whether or not anybody follows it: so the ids are the
// same on all hosts, whoever of them is asked, and whenever that begins.
#pragma once

#include <cstdint>

#include "core/base/ids.h"
#include "core/model/call_flags.h"

namespace netbinder {

struct CallTrace {
  // How far the call has come on this host, for reports (CallReports).
  enum class Told : std::uint8_t { kNothing, kBegin, kEnd };

  TraceId trace = {};
  SpanId span = {};
  SpanId parent = {};  // the call that was handled when this one was made; 0: none is known here
  std::uint64_t began = 0;      // the observer's word for its beginning
  std::uint64_t delivered = 0;  // and for its delivery on this host
  std::uint32_t node = 0;       // that it is made to, by its debug id on this host; 0: not known
  std::uint32_t code = 0;
  CallFlags flags = {};
  HostId from_host = {};  // 0: this one
  HostId to_host = {};    // likewise
  Told told = Told::kNothing;
};

}  // namespace netbinder
