// SPDX-License-Identifier: Apache-2.0
//
// netbinder interface, dump, cmd and service call: what is asked of one object.
#include <android/binder_auto_utils.h>
#include <android/binder_manager.h>
#include <android/binder_process.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>

#include "ndk/parcel/parcel.h"
#include "ndk/parcel/status.h"
#include "ndk/process/binder_object.h"
#include "ndk/process/codes.h"
#include "tools/binder_status.h"
#include "tools/commands.h"
#include "tools/travelling_file.h"

namespace netbinder::tools {
namespace {

constexpr std::chrono::seconds kResultLimit{5};
constexpr std::size_t kBytesInALine = 16;

::ndk::SpAIBinder find(const ObjectOptions& options) {
  ::setenv("NETBINDER_DEVICE", options.device.c_str(), 1);
  ::ndk::SpAIBinder object(AServiceManager_checkService(options.name.c_str()));
  if (object.get() == nullptr) throw std::runtime_error("no service is named " + options.name);
  return object;
}

std::string interface_of(AIBinder* object, const std::string& name) {
  AParcel request(object);
  AParcel answer(object);
  std::string descriptor;
  check(object->transact(ndk::kCodeInterface, request, &answer, 0), name);
  check(answer.read_string16(descriptor), name);
  return descriptor;
}

int dump(const ObjectOptions& options) {
  const ::ndk::SpAIBinder object = find(options);
  std::vector<const char*> words;
  for (const std::string& word : options.words) words.push_back(word.c_str());
  TravellingOutput output(STDOUT_FILENO);
  const ndk::UniqueFd to = output.take();
  check(
      AIBinder_dump(object.get(), to.get(), words.data(), static_cast<std::uint32_t>(words.size())),
      options.name);
  return 0;
}

// ---- cmd ----

struct Result {
  std::mutex mutex;
  std::condition_variable told;
  std::optional<std::int32_t> value;
};

binder_status_t take_result(AIBinder* receiver, transaction_code_t /*code*/, const AParcel* in,
                            AParcel* /*out*/) {
  auto& result = *static_cast<Result*>(AIBinder_getUserData(receiver));
  std::int32_t value = 0;
  const binder_status_t status = in->read(value);
  if (status != STATUS_OK) return status;
  const std::lock_guard lock(result.mutex);
  result.value = value;
  result.told.notify_one();
  return STATUS_OK;
}

int shell_command(const ObjectOptions& options) {
  const ::ndk::SpAIBinder object = find(options);
  ABinderProcess_startThreadPool();  // which hears the result
  static Result result;              // it may come late
  AIBinder_Class* const receiver_class = AIBinder_Class_define(
      "com.android.internal.os.IResultReceiver", [](void* args) { return args; }, [](void*) {},
      take_result);
  const ::ndk::SpAIBinder receiver(AIBinder_new(receiver_class, &result));
  TravellingOutput output(STDOUT_FILENO);
  TravellingOutput errors(STDERR_FILENO);
  AParcel request(object.get());
  check(request.write_fd(travelling_input(STDIN_FILENO)), "the input");
  check(request.write_fd(output.take()), "the output");
  check(request.write_fd(errors.take()), "the output of errors");
  check(request.write(static_cast<std::int32_t>(options.words.size())), "the words");
  for (const std::string& word : options.words) check(request.write_string16(word), word);
  check(request.write_binder(nullptr), "no callback");
  check(request.write_binder(receiver.get()), "the receiver");
  AParcel answer(object.get());
  check(object.get()->transact(ndk::kCodeShellCommand, request, &answer, 0), options.name);
  request.clear();
  std::unique_lock lock(result.mutex);
  if (!result.told.wait_for(lock, kResultLimit, [] { return result.value.has_value(); })) {
    throw std::runtime_error(options.name + " has not told a result");
  }
  if (*result.value == 0) return 0;
  fmt::print(stderr, "netbinder: the command's result is {}\n", *result.value);
  return 1;
}

// ---- service call ----

template <typename Number>
Number number_of(const std::string& word) {
  Number number{};
  const char* const end = word.data() + word.size();
  const auto [at, error] = std::from_chars(word.data(), end, number);
  if (error != std::errc() || at != end) throw std::runtime_error(word + " is no such number");
  return number;
}

void write_argument(AParcel& request, const std::string& type, const std::string& value) {
  if (type == "i32") {
    check(request.write(number_of<std::int32_t>(value)), value);
  } else if (type == "i64") {
    check(request.write(number_of<std::int64_t>(value)), value);
  } else if (type == "f") {
    check(request.write(number_of<float>(value)), value);
  } else if (type == "d") {
    check(request.write(number_of<double>(value)), value);
  } else if (type == "s16") {
    check(request.write_string16(value), value);
  } else if (type == "file") {
    ndk::UniqueFd file(::open(value.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) throw std::runtime_error(value + ": " + std::strerror(errno));
    check(AParcel_writeParcelFileDescriptor(&request, file.get()), value);
  } else {
    throw std::runtime_error(type + " is none of i32, i64, f, d, s16, null, file");
  }
}

void print_bytes(const AParcel& answer) {
  const std::byte* const data = answer.data();
  for (std::size_t at = 0; at < answer.size(); at += kBytesInALine) {
    std::string hex;
    std::string text;
    for (std::size_t i = at; i < std::min(at + kBytesInALine, answer.size()); ++i) {
      const auto byte = std::to_integer<unsigned char>(data[i]);
      hex += fmt::format("{:02x} ", byte);
      text += byte >= ' ' && byte < 0x7f ? static_cast<char>(byte) : '.';
    }
    fmt::print("{:08x}: {:<48} {}\n", at, hex, text);
  }
}

int call(const ObjectOptions& options) {
  const ::ndk::SpAIBinder object = find(options);
  AParcel request(object.get());
  check(request.write_interface_token(ndk::dialect_of_process(),
                                      interface_of(object.get(), options.name)),
        "the interface's name");
  for (std::size_t i = 0; i < options.words.size(); ++i) {
    const std::string& type = options.words[i];
    if (type == "null") {
      check(request.write_binder(nullptr), type);
      continue;
    }
    if (i + 1 == options.words.size()) throw std::runtime_error(type + " needs a value");
    write_argument(request, type, options.words[++i]);
  }
  if (options.code < FIRST_CALL_TRANSACTION || options.code > LAST_CALL_TRANSACTION) {
    throw std::runtime_error("methods have numbers from 1 on");
  }
  AParcel answer(object.get());
  check(object.get()->transact(options.code, request, &answer, 0), options.name);
  print_bytes(answer);
  return 0;
}

}  // namespace

int carry_out(const ObjectOptions& options, char** /*argv*/) {
  switch (options.question) {
    case ObjectOptions::Question::kInterface:
      fmt::print("{}\n", interface_of(find(options).get(), options.name));
      return 0;
    case ObjectOptions::Question::kDump:
      return dump(options);
    case ObjectOptions::Question::kShellCommand:
      return shell_command(options);
    case ObjectOptions::Question::kCall:
      return call(options);
  }
  return 1;
}

}  // namespace netbinder::tools
