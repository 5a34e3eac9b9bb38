// SPDX-License-Identifier: Apache-2.0
//
// ndk_echo [ROUNDS]: what generated code and libbinder_ndk cost beside a plain C program that sends
// the same bytes with ioctls, in turns, under `netbinder session`. Servers are on the second host
// if there is one. Prints a line for each payload: its name, the plain program's microseconds for a
// round trip, the typed call's, the difference; and how many allocations a call makes in client and
// server together, the plain program's, the typed one's, and the difference.
#include <aidl/netbinder/bench/BnEcho.h>
#include <android/binder_manager.h>
#include <android/binder_process.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <string>
#include <vector>

extern "C" {
#include "examples/binder_io.h"
#include "examples/parcel.h"
}
#include "bench/times.h"

// Counts allocations of this process and of the servers, which are forked from it.
static std::atomic<std::uint64_t>* allocations;

// All allocations come here, the C++ library's, too. A sanitizer has its own functions instead.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static void count_allocation() {
  if (allocations != nullptr) allocations->fetch_add(1, std::memory_order_relaxed);
}

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);

void* malloc(std::size_t size) {
  count_allocation();
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  count_allocation();
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  count_allocation();
  return __libc_realloc(memory, size);
}
}
#endif

static void share_count() {
  void* const memory = ::mmap(nullptr, sizeof *allocations, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::abort();
  allocations = new (memory) std::atomic<std::uint64_t>(0);
}

namespace {

using aidl::netbinder::bench::IEcho;

constexpr char kTyped[] = "netbinder.bench.IEcho/typed";
constexpr char kPlain[] = "netbinder.bench.plain";
constexpr std::uint32_t kCheckService = 2;
constexpr std::uint32_t kAddService = 3;
constexpr int kCallsInARound = 200;

class Echo : public aidl::netbinder::bench::BnEcho {
 public:
  ndk::ScopedAStatus echo(const std::string& text, std::string* out) override {
    *out = text;
    return ndk::ScopedAStatus::ok();
  }
  ndk::ScopedAStatus bytes(const std::vector<int8_t>& bytes, std::vector<int8_t>* out) override {
    *out = bytes;
    return ndk::ScopedAStatus::ok();
  }
};

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "ndk_echo: %s\n", what);
  std::exit(1);
}

// ---- the plain program ----

int32_t answer(binder_conn*, const binder_request* request, parcel_reader* in, parcel_writer* reply,
               void*) {
  if (request->code == BINDER_CODE_PING) return 0;
  parcel_write_bytes(reply, in->data, in->size);
  return 0;
}

void serve_plain() {
  binder_conn conn;
  if (!binder_open(&conn, "/dev/binder", 1 << 20)) std::exit(1);
  binder_set_handler(&conn, answer, nullptr);
  static int object;
  parcel_writer request;
  parcel_init(&request);
  parcel_write_u32(&request, 0);
  parcel_write_string16(&request, "android.os.IServiceManager");
  parcel_write_string16(&request, kPlain);
  parcel_write_local_object(&request, &object);
  parcel_write_u32(&request, 0);
  binder_reply reply;
  if (binder_call(&conn, 0, kAddService, &request, &reply) != kBinderOk) std::exit(1);
  binder_reply_release(&conn, &reply);
  binder_loop(&conn);
}

std::uint32_t find_plain(binder_conn& conn) {
  for (int i = 0; i < 500; ++i) {
    parcel_writer request;
    parcel_init(&request);
    parcel_write_u32(&request, 0);
    parcel_write_string16(&request, "android.os.IServiceManager");
    parcel_write_string16(&request, kPlain);
    binder_reply reply;
    if (binder_call(&conn, 0, kCheckService, &request, &reply) == kBinderOk) {
      flat_binder_object object;
      if (parcel_read_object(&reply.parcel, &object) && object.hdr.type == BINDER_TYPE_HANDLE) {
        binder_acquire(&conn, object.handle);
        binder_reply_release(&conn, &reply);
        return object.handle;
      }
      binder_reply_release(&conn, &reply);
    }
    ::usleep(10000);
  }
  fail("there is no plain server");
}

// ---- the same for both ----

void start(const std::function<void()>& serve) {
  if (::fork() != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (const char* const second = std::getenv("NETBINDER_SOCKET_2")) {
    ::setenv("NETBINDER_SOCKET", second, 1);
  }
  serve();
  ::_exit(1);
}

double round_us(const std::function<void()>& call) {
  const std::uint64_t start = now_ns();
  for (int i = 0; i < kCallsInARound; ++i) call();
  return static_cast<double>(now_ns() - start) / 1000.0 / kCallsInARound;
}

double allocations_of(const std::function<void()>& call) {
  const std::uint64_t before = *allocations;
  for (int i = 0; i < kCallsInARound; ++i) call();
  return static_cast<double>(*allocations - before) / kCallsInARound;
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void compare(const char* name, int rounds, const std::function<void()>& plain,
             const std::function<void()>& typed) {
  std::vector<double> plain_us;
  std::vector<double> typed_us;
  (void)round_us(plain);
  (void)round_us(typed);
  const double plain_made = allocations_of(plain);
  const double typed_made = allocations_of(typed);
  std::vector<double> more_us;
  for (int i = 0; i < rounds; ++i) {
    plain_us.push_back(round_us(plain));
    typed_us.push_back(round_us(typed));
    more_us.push_back(typed_us.back() - plain_us.back());
  }
  std::printf("%-8s %8.2f %8.2f %+8.2f  %5.1f %5.1f %+5.1f\n", name, median(plain_us),
              median(typed_us), median(more_us), plain_made, typed_made, typed_made - plain_made);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 20;
  share_count();
  start(serve_plain);
  start([] {
    (void)ABinderProcess_setThreadPoolMaxThreadCount(0);
    const auto service = ndk::SharedRefBase::make<Echo>();
    if (AServiceManager_addService(service->asBinder().get(), kTyped) != EX_NONE) std::exit(1);
    ABinderProcess_joinThreadPool();
  });
  binder_conn conn;
  if (!binder_open(&conn, "/dev/binder", 1 << 20)) return 1;
  const std::uint32_t handle = find_plain(conn);
  const auto echo = IEcho::fromBinder(ndk::SpAIBinder(AServiceManager_waitForService(kTyped)));
  if (echo == nullptr) fail("there is no typed server");

  for (const std::size_t size : {std::size_t{5}, std::size_t{65536}}) {
    const std::string text(size == 5 ? "hello" : "");
    const std::vector<int8_t> bytes(size, 1);
    std::string text_back;
    std::vector<int8_t> bytes_back;
    // The bytes that the typed call sends: its token, and the string or the array.
    parcel_writer request;
    parcel_init(&request);
    for (int i = 0; i < 3; ++i) parcel_write_u32(&request, 0);
    parcel_write_string16(&request, IEcho::descriptor);
    if (size == 5) parcel_write_string16(&request, text.c_str());
    if (size != 5) parcel_write_bytes(&request, bytes.data(), bytes.size());
    compare(
        size == 5 ? "string" : "64KiB", rounds,
        [&] {
          binder_reply reply;
          if (binder_call(&conn, handle, 1, &request, &reply) != kBinderOk) fail("plain call");
          binder_reply_release(&conn, &reply);
        },
        [&] {
          const bool ok = size == 5 ? echo->echo(text, &text_back).isOk()
                                    : echo->bytes(bytes, &bytes_back).isOk();
          if (!ok) fail("typed call");
        });
    parcel_free(&request);
  }
  binder_close(&conn);
  return 0;
}
