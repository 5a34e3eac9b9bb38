// SPDX-License-Identifier: Apache-2.0
//
// netbinder aidl-dump: calls a method by its name, with JSON in and out.
#include <android/binder_auto_utils.h>
#include <android/binder_manager.h>
#include <fmt/core.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "ndk/parcel/parcel.h"
#include "ndk/parcel/status.h"
#include "ndk/process/binder_object.h"
#include "ndk/process/codes.h"
#include "tools/aidl/answer_reader.h"
#include "tools/aidl/argument_writer.h"
#include "tools/aidl/types.h"
#include "tools/binder_status.h"
#include "tools/commands.h"

namespace netbinder::tools {
namespace {

using aidl::Declaration;
using aidl::Direction;
using aidl::InputError;
using aidl::Method;
using nlohmann::json;

constexpr int kBadInput = 2;

const Method& method_named(const Declaration& interface, const std::string& name) {
  std::string known;
  for (const Method& each : interface.methods) {
    if (each.name == name) return each;
    known += (known.empty() ? "" : ", ") + each.name;
  }
  throw InputError(interface.full_name + " has no method " + name +
                   (known.empty() ? "" : "; it has " + known));
}

json json_of(const std::string& text, const std::string& where) {
  try {
    return json::parse(text, [&](int depth, json::parse_event_t, json&) {
      if (static_cast<std::size_t>(depth) > aidl::kMostDepth) {
        throw InputError(where + ": this is nested too deeply");
      }
      return true;
    });
  } catch (const json::exception& error) {
    throw InputError(where + " is no JSON: " + error.what() +
                     "; a text is in quotes, like '\"this\"'");
  }
}

// The method to call, checked before the service is asked.
class Call {
 public:
  explicit Call(const AidlDumpOptions& options)
      : options_(options),
        types_(options.file, options.imports),
        method_(method_named(types_.interface(), options.method)),
        number_(types_.number_of(method_)),
        result_(types_.resolve(method_.result, types_.interface())) {
    std::size_t given = 0;
    for (const aidl::Parameter& each : method_.parameters) {
      parameters_.push_back(types_.resolve(each.type, types_.interface()));
      if (each.direction == Direction::kOut) {
        values_.emplace_back();
        continue;
      }
      const std::string where = "argument " + std::to_string(given + 1) + " (" + each.name + ")";
      if (given == options.arguments.size()) {
        throw InputError(where + " is missing: it is of the type " + parameters_.back().text);
      }
      values_.push_back(json_of(options.arguments[given++], where));
    }
    if (given != options.arguments.size()) {
      throw InputError(options.method + " takes " + std::to_string(given) + " arguments, not " +
                       std::to_string(options.arguments.size()));
    }
  }

  int carry_out() {
    // Before the service is looked for, so that mistakes are seen without one.
    AParcel request;
    check(request.write_interface_token(ndk::dialect_of_process(), types_.interface().full_name),
          "the interface's name");
    aidl::ArgumentWriter writer(types_, request);
    std::size_t given = 0;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const aidl::Parameter& each = method_.parameters[i];
      if (each.direction == Direction::kOut) {
        writer.write_out(parameters_[i]);
      } else {
        writer.write(parameters_[i], values_[i],
                     "argument " + std::to_string(++given) + " (" + each.name + ")");
      }
    }
    const ::ndk::SpAIBinder object(AServiceManager_checkService(options_.name.c_str()));
    if (object.get() == nullptr) throw std::runtime_error("no service is named " + options_.name);
    check_interface(object.get());
    request.binder = object.get();
    AParcel answer(object.get());
    check(object.get()->transact(FIRST_CALL_TRANSACTION + number_, request, &answer,
                                 method_.oneway ? FLAG_ONEWAY : 0),
          options_.name);
    json shown = json::object();
    if (!method_.oneway) read(answer, shown);
    fmt::print("{}\n", shown.dump(2, ' ', false, json::error_handler_t::replace));
    return 0;
  }

 private:
  void check_interface(AIBinder* object) const {
    AParcel request(object);
    AParcel answer(object);
    std::string descriptor;
    check(object->transact(ndk::kCodeInterface, request, &answer, 0), options_.name);
    check(answer.read_string16(descriptor), options_.name);
    if (descriptor == types_.interface().full_name) return;
    throw std::runtime_error(options_.name + " is a " + descriptor + ", not a " +
                             types_.interface().full_name);
  }

  void read(const AParcel& answer, json& shown) {
    AStatus status;
    check(AStatus::read(answer, status), options_.name);
    if (!status.ok()) throw std::runtime_error(options_.name + ": " + status.description());
    aidl::AnswerReader reader(types_, answer);
    if (result_.kind != aidl::Kind::kVoid) shown["return"] = reader.read(result_);
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      const aidl::Parameter& each = method_.parameters[i];
      if (each.direction != Direction::kIn) shown[each.name] = reader.read(parameters_[i]);
    }
  }

  const AidlDumpOptions& options_;
  aidl::Types types_;
  const Method& method_;
  std::uint32_t number_;
  aidl::ValueType result_;
  std::vector<aidl::ValueType> parameters_;
  std::vector<json> values_;  // null for those that are only `out`
};

}  // namespace

int carry_out(const AidlDumpOptions& options, char** /*argv*/) {
  ::setenv("NETBINDER_DEVICE", options.device.c_str(), 1);
  try {
    return Call(options).carry_out();
  } catch (const InputError& error) {
    fmt::print(stderr, "netbinder: {}\n", error.what());
    return kBadInput;
  }
}

}  // namespace netbinder::tools
