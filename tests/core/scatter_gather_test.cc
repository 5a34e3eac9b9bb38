// SPDX-License-Identifier: Apache-2.0
//
// The buffers of a call, the pointers between them, and arrays of descriptors in them: what the
// sender may say of these.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

class ScatterGather : public ::testing::Test {
 protected:
  ScatterGather() {
    server.greet(1);
    flat_binder_object object{};
    object.flags = FLAT_BINDER_FLAG_ACCEPTS_FDS;
    EXPECT_EQ(server.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
    client.greet(1);
  }

  template <typename T>
  static void add(Payload& payload, const T& object) {
    payload.offsets.push_back(payload.data.size());
    const auto* begin = reinterpret_cast<const std::byte*>(&object);
    payload.data.insert(payload.data.end(), begin, begin + sizeof object);
  }
  static binder_buffer_object buffer(std::span<const std::byte> bytes) {
    binder_buffer_object object{};
    object.hdr.type = BINDER_TYPE_PTR;
    object.buffer = reinterpret_cast<binder_uintptr_t>(bytes.data());
    object.length = bytes.size();
    return object;
  }
  // A buffer whose address is to be in the first one of the call.
  static binder_buffer_object child(std::span<const std::byte> bytes, std::uint64_t at) {
    binder_buffer_object object = buffer(bytes);
    object.flags = BINDER_BUFFER_FLAG_HAS_PARENT;
    object.parent_offset = at;
    return object;
  }
  // 0, or why the call fails.
  int error_of(const Payload& payload) {
    binder_transaction_data_sg call{};
    call.transaction_data = payload.call(0, 1, TF_ONE_WAY | TF_ACCEPT_FDS);
    call.buffers_size = 64;
    client.start(1, Commands().put(BC_TRANSACTION_SG, call), true);
    const Outcome outcome = client.outcome(1);
    if (outcome.find(BR_TRANSACTION_COMPLETE) != nullptr) return 0;
    EXPECT_NE(outcome.find(BR_FAILED_REPLY), nullptr);
    binder_extended_error error{};
    EXPECT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
    return error.param;
  }
  int error_of_children(std::uint64_t first, std::uint64_t second) {
    Payload payload("before");
    payload.data.resize(8);
    add(payload, buffer(bytes));
    add(payload, child(bytes, first));
    add(payload, child(bytes, second));
    return error_of(payload);
  }
  int error_of_array(std::span<const std::byte> in, std::uint64_t at, std::uint64_t count) {
    Payload payload("before");
    payload.data.resize(8);
    add(payload, buffer(in));
    binder_fd_array_object array{};
    array.hdr.type = BINDER_TYPE_FDA;
    array.num_fds = count;
    array.parent_offset = at;
    add(payload, array);
    return error_of(payload);
  }

  Cluster cluster;
  Program client{cluster.host(1), 100};
  Program server{cluster.host(1), 200};
  alignas(8) std::array<std::byte, 16> bytes{};
};

TEST_F(ScatterGather, PointersInABufferGoUpwards) {
  EXPECT_EQ(error_of_children(0, 8), 0);
  EXPECT_EQ(error_of_children(8, 0), -EINVAL);
  EXPECT_EQ(error_of_children(0, 4), -EINVAL) << "they overlap";
  EXPECT_EQ(error_of_children(0, 12), -EINVAL) << "there is no room for the last one";
}

TEST_F(ScatterGather, AnArrayLiesInItsBuffer) {
  EXPECT_EQ(error_of_array(bytes, 0, 4), 0);
  EXPECT_EQ(error_of_array(bytes, 8, 2), 0);
  EXPECT_EQ(error_of_array(bytes, 0, 5), -EINVAL);
  EXPECT_EQ(error_of_array(bytes, 8, 3), -EINVAL);
  EXPECT_EQ(error_of_array(bytes, 16, 1), -EINVAL);
}

TEST_F(ScatterGather, AnArrayIsAlignedOnBothSides) {
  EXPECT_EQ(error_of_array(bytes, 4, 1), 0);
  EXPECT_EQ(error_of_array(bytes, 2, 1), -EINVAL);
  EXPECT_EQ(error_of_array(std::span(bytes).subspan(2, 12), 0, 1), -EINVAL);
  EXPECT_EQ(error_of_array(std::span(bytes).subspan(2, 12), 2, 1), -EINVAL);
}

}  // namespace
}  // namespace netbinder::testing
