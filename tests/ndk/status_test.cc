// SPDX-License-Identifier: Apache-2.0
// AStatus, and its form in parcels.
#include <android/binder_auto_utils.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

namespace netbinder::testing {
namespace {

using ::testing::HasSubstr;

TEST(NdkStatus, Ok) {
  const ndk::ScopedAStatus status = ndk::ScopedAStatus::ok();
  EXPECT_TRUE(status.isOk());
  EXPECT_EQ(status.getExceptionCode(), EX_NONE);
  EXPECT_EQ(status.getServiceSpecificError(), 0);
  EXPECT_EQ(status.getStatus(), STATUS_OK);
  EXPECT_STREQ(status.getMessage(), "");
  EXPECT_TRUE(ndk::ScopedAStatus::fromStatus(STATUS_OK).isOk());
  EXPECT_TRUE(ndk::ScopedAStatus::fromExceptionCode(EX_NONE).isOk());
}

TEST(NdkStatus, Exceptions) {
  for (binder_exception_t exception = EX_SECURITY; exception >= EX_PARCELABLE; --exception) {
    const ndk::ScopedAStatus status = ndk::ScopedAStatus::fromExceptionCode(exception);
    EXPECT_FALSE(status.isOk());
    EXPECT_EQ(status.getExceptionCode(), exception);
    EXPECT_EQ(status.getStatus(), STATUS_OK);
  }
  const ndk::ScopedAStatus with =
      ndk::ScopedAStatus::fromExceptionCodeWithMessage(EX_ILLEGAL_STATE, "no");
  EXPECT_STREQ(with.getMessage(), "no");
  EXPECT_THAT(with.getDescription(), HasSubstr("EX_ILLEGAL_STATE"));
  EXPECT_THAT(with.getDescription(), HasSubstr("no"));
  // This code is no exception of binder's.
  const ndk::ScopedAStatus odd = ndk::ScopedAStatus::fromExceptionCode(-77);
  EXPECT_EQ(odd.getExceptionCode(), EX_TRANSACTION_FAILED);
  EXPECT_EQ(odd.getStatus(), STATUS_FAILED_TRANSACTION);
}

TEST(NdkStatus, ServiceSpecificErrors) {
  const ndk::ScopedAStatus status = ndk::ScopedAStatus::fromServiceSpecificError(5);
  EXPECT_EQ(status.getExceptionCode(), EX_SERVICE_SPECIFIC);
  EXPECT_EQ(status.getServiceSpecificError(), 5);
  const ndk::ScopedAStatus with =
      ndk::ScopedAStatus::fromServiceSpecificErrorWithMessage(-6, "because");
  EXPECT_EQ(with.getServiceSpecificError(), -6);
  EXPECT_STREQ(with.getMessage(), "because");
  EXPECT_THAT(with.getDescription(), HasSubstr("-6"));
  // One without a code is one of code 0.
  EXPECT_EQ(ndk::ScopedAStatus::fromExceptionCode(EX_SERVICE_SPECIFIC).getServiceSpecificError(),
            0);
}

TEST(NdkStatus, FailedTransactions) {
  const ndk::ScopedAStatus status = ndk::ScopedAStatus::fromStatus(STATUS_DEAD_OBJECT);
  EXPECT_EQ(status.getExceptionCode(), EX_TRANSACTION_FAILED);
  EXPECT_EQ(status.getStatus(), STATUS_DEAD_OBJECT);
  EXPECT_THAT(status.getDescription(), HasSubstr("DEAD_OBJECT"));
  EXPECT_EQ(ndk::ScopedAStatus::fromStatus(12345).getStatus(), STATUS_UNKNOWN_ERROR);
  std::ostringstream text;
  text << status;
  EXPECT_EQ(text.str(), status.getDescription());
}

TEST(NdkStatus, InParcels) {
  for (AStatus* const made :
       {AStatus_newOk(), AStatus_fromExceptionCodeWithMessage(EX_SECURITY, "nö"),
        AStatus_fromServiceSpecificErrorWithMessage(7, "seven"),
        AStatus_fromExceptionCode(EX_PARCELABLE)}) {
    const ndk::ScopedAStatus status(made);
    const ndk::ScopedAParcel parcel(AParcel_create());
    ASSERT_EQ(AParcel_writeStatusHeader(parcel.get(), status.get()), STATUS_OK);
    ASSERT_EQ(AParcel_writeInt32(parcel.get(), 99), STATUS_OK);
    AParcel_setDataPosition(parcel.get(), 0);
    ndk::ScopedAStatus back;
    ASSERT_EQ(AParcel_readStatusHeader(parcel.get(), back.getR()), STATUS_OK);
    EXPECT_EQ(back.getExceptionCode(), status.getExceptionCode());
    EXPECT_EQ(back.getServiceSpecificError(), status.getServiceSpecificError());
    EXPECT_STREQ(back.getMessage(), status.getMessage());
    int32_t behind = 0;
    ASSERT_EQ(AParcel_readInt32(parcel.get(), &behind), STATUS_OK);
    EXPECT_EQ(behind, 99);
  }
}

TEST(NdkStatus, AFailedTransactionIsSaidInsteadOfAnAnswer) {
  const ndk::ScopedAParcel parcel(AParcel_create());
  const ndk::ScopedAStatus status = ndk::ScopedAStatus::fromStatus(STATUS_TIMED_OUT);
  EXPECT_EQ(AParcel_writeStatusHeader(parcel.get(), status.get()), STATUS_TIMED_OUT);
  EXPECT_EQ(AParcel_getDataSize(parcel.get()), 0);
}

TEST(NdkStatus, HeadersOfOthers) {
  const auto read = [](std::initializer_list<int32_t> words, ndk::ScopedAStatus& status) {
    const ndk::ScopedAParcel parcel(AParcel_create());
    for (const int32_t word : words) (void)AParcel_writeInt32(parcel.get(), word);
    AParcel_setDataPosition(parcel.get(), 0);
    return AParcel_readStatusHeader(parcel.get(), status.getR());
  };
  ndk::ScopedAStatus status;
  // A header about the answer, which is skipped.
  ASSERT_EQ(read({-128, 12, 1, 2}, status), STATUS_OK);
  EXPECT_TRUE(status.isOk());
  // A trace of a stack, which is skipped.
  status.set(nullptr);
  ASSERT_EQ(read({EX_SERVICE_SPECIFIC, 1, 'x', 8, 1, 2, 3}, status), STATUS_OK);
  EXPECT_EQ(status.getServiceSpecificError(), 3);
  EXPECT_STREQ(status.getMessage(), "x");
  status.set(nullptr);
  for (const std::int32_t size : {INT32_MIN, INT32_MIN + 3, -1, 0, 3}) {
    EXPECT_EQ(read({-128, size, 0, 0}, status), STATUS_BAD_VALUE) << size;
  }
  EXPECT_NE(read({-128, 1000, 0}, status), STATUS_OK);
  EXPECT_NE(read({EX_SECURITY, 0, 0, INT32_MAX}, status), STATUS_OK);
  EXPECT_NE(read({EX_SECURITY}, status), STATUS_OK);
  EXPECT_NE(read({}, status), STATUS_OK);
  EXPECT_EQ(status.get(), nullptr);
}

}  // namespace
}  // namespace netbinder::testing
