// SPDX-License-Identifier: Apache-2.0
//
// IEcho, as the tests' servers implement it.
#pragma once

#include <aidl/netbinder/test/BnEcho.h>
#include <aidl/netbinder/test/BnListener.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace netbinder::testing {

using aidl::netbinder::test::BnEcho;
using aidl::netbinder::test::BnListener;
using aidl::netbinder::test::IEcho;
using aidl::netbinder::test::IListener;
using aidl::netbinder::test::Record;

class Listener : public BnListener {
 public:
  explicit Listener(std::function<void(const std::string&, int)> on_said = {})
      : on_said_(std::move(on_said)) {}
  ~Listener() override {
    if (on_end) on_end();
  }
  ndk::ScopedAStatus said(const std::string& who, int32_t number) override {
    if (on_said_) on_said_(who, number);
    return ndk::ScopedAStatus::ok();
  }
  ndk::ScopedAStatus add(int32_t a, int32_t b, int32_t* sum) override {
    *sum = a + b;
    return ndk::ScopedAStatus::ok();
  }

  std::function<void()> on_end;

 private:
  const std::function<void(const std::string&, int)> on_said_;
};

class EchoService : public BnEcho {
 public:
  EchoService();

  ndk::ScopedAStatus echo(const std::string& text, std::string* out) override;
  ndk::ScopedAStatus echoNullable(const std::optional<std::string>& text,
                                  std::optional<std::string>* out) override;
  ndk::ScopedAStatus arrays(const std::vector<int32_t>& ints, std::vector<int64_t>* longs,
                            std::vector<std::string>* names, std::vector<int32_t>* out) override;
  ndk::ScopedAStatus plain(const std::vector<bool>& a, const std::vector<char16_t>& b,
                           const std::vector<int8_t>& c, const std::vector<float>& d,
                           const std::vector<double>& e, char16_t f, int8_t g, float h,
                           std::vector<bool>* out) override;
  ndk::ScopedAStatus nullableArray(const std::optional<std::vector<int32_t>>& values,
                                   std::optional<std::vector<int32_t>>* out) override;
  ndk::ScopedAStatus record(const Record& one, const std::vector<Record>& more,
                            Record* out) override;
  ndk::ScopedAStatus file(const ndk::ScopedFileDescriptor& file,
                          ndk::ScopedFileDescriptor* out) override;
  ndk::ScopedAStatus object(const ndk::SpAIBinder& object, ndk::SpAIBinder* out) override;
  ndk::ScopedAStatus nullableObject(const ndk::SpAIBinder& object, ndk::SpAIBinder* out) override;
  ndk::ScopedAStatus listener(const std::shared_ptr<IListener>& listener,
                              std::shared_ptr<IListener>* out) override;
  ndk::ScopedAStatus fail(int32_t exception, int32_t code, const std::string& message) override;
  ndk::ScopedAStatus callerPid(int32_t* out) override;
  ndk::ScopedAStatus callerUid(int32_t* out) override;
  ndk::ScopedAStatus calledWithSid(bool* out) override;
  ndk::ScopedAStatus isHandlingTransaction(bool* out) override;
  ndk::ScopedAStatus subscribe(const std::shared_ptr<IListener>& listener) override;
  ndk::ScopedAStatus publish(const std::string& text) override;
  ndk::ScopedAStatus sleepOneway(int32_t milliseconds) override;
  ndk::ScopedAStatus sleepSync(int32_t milliseconds) override;
  ndk::ScopedAStatus addThere(const std::shared_ptr<IListener>& listener, int32_t a, int32_t b,
                              int32_t* out) override;
  ndk::ScopedAStatus listeners(int32_t* out) override;
  ndk::ScopedAStatus hold(const ndk::SpAIBinder& object) override;
  ndk::ScopedAStatus bytes(const std::vector<int8_t>& bytes, std::vector<int8_t>* out) override;
  ndk::ScopedAStatus end() override;

  binder_status_t dump(int fd, const char** args, uint32_t count) override;
  binder_status_t handleShellCommand(int in, int out, int err, const char** args,
                                     uint32_t count) override;

 private:
  static void on_listener_died(void* cookie);

  std::mutex mutex_;
  std::map<int, std::shared_ptr<IListener>> listeners_;
  int published_ = 0;
  int next_listener_ = 0;
  ndk::SpAIBinder held_;
  ndk::ScopedAIBinder_DeathRecipient recipient_;
};

}  // namespace netbinder::testing
