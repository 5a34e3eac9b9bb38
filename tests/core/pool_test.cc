// SPDX-License-Identifier: Apache-2.0
#include "core/base/pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace netbinder {
namespace {

struct Counted {
  explicit Counted(std::uint64_t with_value) : value(with_value) { ++alive; }
  ~Counted() { --alive; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  std::uint64_t value;
  static inline int alive = 0;
};

struct alignas(64) Line {
  std::uint8_t byte = 0;
};

TEST(Pool, ObjectsKeepTheirValuesHoweverManyThereAre) {
  Pool<Counted> pool;
  std::vector<Counted*> objects;
  for (std::uint64_t i = 0; i < 1000; ++i) objects.push_back(pool.create(i));
  EXPECT_EQ(pool.live(), 1000U);
  EXPECT_EQ(Counted::alive, 1000);
  for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(objects[i]->value, i);
  for (Counted* object : objects) pool.destroy(object);
  EXPECT_EQ(pool.live(), 0U);
  EXPECT_EQ(Counted::alive, 0);
  EXPECT_EQ(pool.created(), 1000U);
}

TEST(Pool, StorageIsAligned) {
  Pool<Line> pool;
  std::vector<Line*> lines;
  for (int i = 0; i < 200; ++i) {
    lines.push_back(pool.create());
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(lines.back()) % 64, 0U);
  }
  for (Line* line : lines) pool.destroy(line);
}

#ifndef NB_ADDRESS_SANITIZER
TEST(Pool, WhatWasDestroyedLastIsUsedNextAndNothingMoreIsTaken) {
  Pool<Counted> pool;
  std::vector<Counted*> objects;
  for (std::uint64_t i = 0; i < 100; ++i) objects.push_back(pool.create(i));
  const std::set<Counted*> storage(objects.begin(), objects.end());
  Counted* const last = objects[42];
  pool.destroy(objects[7]);
  pool.destroy(last);
  EXPECT_EQ(pool.create(1U), last);
  EXPECT_EQ(pool.create(2U), objects[7]);
  for (Counted* object : objects) pool.destroy(object);
  std::set<Counted*> again;
  for (std::uint64_t i = 0; i < 100; ++i) again.insert(pool.create(i));
  EXPECT_EQ(again, storage);
  for (Counted* object : again) pool.destroy(object);
}
#endif

}  // namespace
}  // namespace netbinder
