// SPDX-License-Identifier: Apache-2.0
//
// The values of those keys that take one of a few words.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "cluster-config/config.h"

namespace netbinder::config_names {

template <typename Value, std::size_t count>
using Names = std::array<std::pair<std::string_view, Value>, count>;

inline constexpr Names<TransportKind, 3> kTransports{
    {{"auto", TransportKind::kAuto}, {"tcp", TransportKind::kTcp}, {"rdma", TransportKind::kRdma}}};

inline constexpr Names<MembershipKind, 2> kMemberships{
    {{"static", MembershipKind::kStatic}, {"etcd", MembershipKind::kEtcd}}};

inline constexpr Names<ContextScope, 2> kScopes{
    {{"cluster", ContextScope::kCluster}, {"host", ContextScope::kHost}}};

inline constexpr Names<ServiceManagerKind, 3> kServiceManagers{
    {{"builtin", ServiceManagerKind::kBuiltin},
     {"builtin-until-claimed", ServiceManagerKind::kBuiltinUntilClaimed},
     {"none", ServiceManagerKind::kNone}}};

inline constexpr Names<ServiceManagerDialect, 8> kDialects{
    {{"auto", ServiceManagerDialect::kAuto},
     {"classic", ServiceManagerDialect::kClassic},
     {"android11", ServiceManagerDialect::kAndroid11},
     {"android12", ServiceManagerDialect::kAndroid12},
     {"android13", ServiceManagerDialect::kAndroid13},
     {"android14", ServiceManagerDialect::kAndroid14},
     {"android15", ServiceManagerDialect::kAndroid15},
     {"android16", ServiceManagerDialect::kAndroid16}}};

inline constexpr Names<PolicyAction, 4> kPolicyActions{{{"add", PolicyAction::kAdd},
                                                        {"find", PolicyAction::kFind},
                                                        {"call", PolicyAction::kCall},
                                                        {"manage", PolicyAction::kManage}}};

inline constexpr Names<LogFormat, 3> kLogFormats{{{"text", LogFormat::kText},
                                                  {"json", LogFormat::kJson},
                                                  {"journal", LogFormat::kJournal}}};

// The parts of the agent whose lines can be filtered (transport/log.h has the same).
inline constexpr std::array<std::string_view, 10> kLogComponents{
    "agent",      "claims", "config",   "files", "membership",
    "policy",     "programs", "rdma", "references", "transport"};

// Here each name is its own value.
inline constexpr Names<std::string_view, 6> kLogLevels{{{"trace", "trace"},
                                                        {"debug", "debug"},
                                                        {"info", "info"},
                                                        {"warn", "warn"},
                                                        {"error", "error"},
                                                        {"off", "off"}}};

}  // namespace netbinder::config_names
