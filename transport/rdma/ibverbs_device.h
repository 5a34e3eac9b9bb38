// SPDX-License-Identifier: Apache-2.0
//
// The verbs implemented with libibverbs: InfiniBand, RoCE, and soft-RoCE (rdma_rxe).
#pragma once

#include <memory>

#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

[[nodiscard]] std::unique_ptr<Verbs> make_ibverbs();

}  // namespace netbinder::rdma
