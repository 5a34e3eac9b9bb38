// SPDX-License-Identifier: Apache-2.0
#include "membership/make_membership.h"

#include "membership/etcd/etcd_membership.h"
#include "membership/static_membership.h"

namespace netbinder {

std::unique_ptr<Membership> make_membership(boost::asio::io_context& io, const Config& config,
                                            Incarnation incarnation) {
  if (config.membership.kind == MembershipKind::kEtcd) {
    return std::make_unique<EtcdMembership>(io, config, incarnation);
  }
  return std::make_unique<StaticMembership>(io, config);
}

}  // namespace netbinder
