// SPDX-License-Identifier: Apache-2.0
#include "shim/user_memory.h"

#include <gtest/gtest.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

#include "shim/fault_signals.h"
#include "shim/start.h"

namespace netbinder {
namespace {

constexpr std::size_t kPage = 4096;

// Two good pages and a bad one behind them.
class UserMemory : public ::testing::Test {
 protected:
  UserMemory() {
    start_shim();
    void* const memory =
        ::mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memory_ = static_cast<std::byte*>(memory);
    ::mprotect(memory_ + 2 * kPage, kPage, PROT_NONE);
  }
  ~UserMemory() override { ::munmap(memory_, 3 * kPage); }

  std::byte* memory_;
};

TEST_F(UserMemory, ReadsAndWritesTwice) {
  const std::array<char, 8> text{"payload"};
  std::array<char, 8> back{};
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(write_user(address_of(memory_) + kPage - 3, text.data(), text.size()));
    back = {};
    EXPECT_TRUE(read_user(back.data(), address_of(memory_) + kPage - 3, back.size()));
    EXPECT_EQ(back, text);
  }
}

TEST_F(UserMemory, BadPointers) {
  std::array<char, 8> bytes{};
  EXPECT_FALSE(read_user(bytes.data(), 0, 8));
  EXPECT_FALSE(write_user(0, bytes.data(), 8));
  EXPECT_FALSE(read_user(bytes.data(), UINT64_MAX - 3, 8));
  EXPECT_FALSE(read_user(bytes.data(), std::uint64_t{1} << 60, 8));
  EXPECT_FALSE(read_user(bytes.data(), address_of(memory_) + 2 * kPage - 4, 8));
  EXPECT_FALSE(write_user(address_of(memory_) + 2 * kPage - 4, bytes.data(), 8));
  EXPECT_TRUE(read_user(bytes.data(), 0, 0));
}

TEST_F(UserMemory, ConstantPages) {
  std::array<char, 8> bytes{};
  ::mprotect(memory_, kPage, PROT_READ);
  EXPECT_TRUE(read_user(bytes.data(), address_of(memory_), 8));
  EXPECT_FALSE(write_user(address_of(memory_), bytes.data(), 8));
  EXPECT_EQ(writable_prefix(address_of(memory_), 8), 0U);
}

TEST_F(UserMemory, NothingIsRemembered) {
  std::array<char, 8> bytes{};
  EXPECT_TRUE(read_user(bytes.data(), address_of(memory_), 8));
  EXPECT_TRUE(write_user(address_of(memory_), bytes.data(), 8));
  ::mprotect(memory_, kPage, PROT_NONE);
  EXPECT_FALSE(read_user(bytes.data(), address_of(memory_), 8));
  EXPECT_FALSE(write_user(address_of(memory_), bytes.data(), 8));
}

// The program's own handler for the signal, as it set it and as it is called.
volatile sig_atomic_t handled = 0;
sigjmp_buf back_to_test;
void handle_fault(int signal, siginfo_t* info, void*) {
  handled = info->si_addr == reinterpret_cast<void*>(8) ? signal : -1;
  siglongjmp(back_to_test, 1);
}

TEST_F(UserMemory, TheProgramsHandlerGetsAllOtherFaults) {
  struct sigaction action {};
  struct sigaction old {};
  action.sa_sigaction = handle_fault;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  int result = -1;
  ASSERT_TRUE(fault_sigaction(SIGSEGV, &action, &old, result));
  EXPECT_EQ(result, 0);
  std::array<char, 8> bytes{};
  EXPECT_FALSE(read_user(bytes.data(), 8, 8));
  EXPECT_EQ(handled, 0);
  if (sigsetjmp(back_to_test, 1) == 0) {
    std::uintptr_t address = 8;
    __asm__ volatile("" : "+r"(address));  // the compiler knows nothing of it
    *reinterpret_cast<volatile int*>(address) = 1;
  }
  EXPECT_EQ(handled, SIGSEGV);
  struct sigaction now {};
  ASSERT_TRUE(fault_sigaction(SIGSEGV, &old, &now, result));
  EXPECT_EQ(now.sa_sigaction, handle_fault);
  EXPECT_FALSE(fault_sigaction(SIGTERM, &old, &now, result));
}

TEST_F(UserMemory, AFaultOfItsOwnStillEndsTheProgram) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{.rlim_cur = 0, .rlim_max = 0};
    ::setrlimit(RLIMIT_CORE, &none);
    struct sigaction action {};
    struct sigaction old {};
    int result = -1;
    action.sa_handler = SIG_DFL;
    (void)fault_sigaction(SIGSEGV, &action, &old, result);
    std::uintptr_t address = 8;
    __asm__ volatile("" : "+r"(address));
    *reinterpret_cast<volatile int*>(address) = 1;
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << status;
}

TEST_F(UserMemory, Prefixes) {
  std::memset(memory_, 7, 2 * kPage);
  EXPECT_EQ(writable_prefix(address_of(memory_) + 100, 3 * kPage), 2 * kPage - 100);
  EXPECT_EQ(readable_prefix(address_of(memory_) + 100, 3 * kPage), 2 * kPage - 100);
  EXPECT_EQ(writable_prefix(address_of(memory_) + 100, 50), 50U);
  EXPECT_EQ(readable_prefix(address_of(memory_) + 2 * kPage, 50), 0U);
  EXPECT_EQ(writable_prefix(0, 50), 0U);
  for (std::size_t i = 0; i < 2 * kPage; ++i) ASSERT_EQ(memory_[i], std::byte{7});
}

TEST_F(UserMemory, LargePieces) {
  std::vector<std::byte> bytes(2 * kPage + 1);
  EXPECT_FALSE(read_user(bytes.data(), address_of(memory_), bytes.size()));
  EXPECT_TRUE(read_user(bytes.data(), address_of(memory_), 2 * kPage));
}

}  // namespace
}  // namespace netbinder
