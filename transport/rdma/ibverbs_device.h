// SPDX-License-Identifier: Apache-2.0
//
// The verbs of libibverbs: InfiniBand and RoCE, soft-RoCE (rdma_rxe) among it.
#pragma once

#include <memory>

#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

[[nodiscard]] std::unique_ptr<Verbs> make_ibverbs();

}  // namespace netbinder::rdma
