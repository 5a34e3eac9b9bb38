// SPDX-License-Identifier: Apache-2.0
//
// Reads an object of JSON that another program has told, which may be wrong or a lie: what is
// missing, or is something else than it should be, throws std::runtime_error with a plain sentence.
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace netbinder::tools {

// Text that a terminal shows: nothing in it moves the cursor, or does anything else there.
[[nodiscard]] inline std::string harmless(std::string_view text) {
  std::string made;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // In UTF-8, U+0080 to U+009F are commands to a terminal as well.
    const bool command =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    made += byte < ' ' || byte == 0x7F || command ? '?' : text[i];
    if (command) ++i;
  }
  return made;
}

class Told {
 public:
  // The object outlives this.
  explicit Told(const nlohmann::json& object) : object_(object) {
    if (!object.is_object()) throw nonsense("it is no object");
  }

  [[nodiscard]] std::string text(const char* name) const { return harmless(bare_text(name)); }
  // As it was told, for those who do not show it.
  [[nodiscard]] const std::string& bare_text(const char* name) const {
    const nlohmann::json& found = member(name);
    if (!found.is_string()) throw nonsense(std::string("\"") + name + "\" is no text");
    return found.get_ref<const std::string&>();
  }
  [[nodiscard]] bool flag(const char* name) const {
    const nlohmann::json& found = member(name);
    if (!found.is_boolean())
      throw nonsense(std::string("\"") + name + "\" is neither true nor false");
    return found.get<bool>();
  }
  // A number that its type can hold.
  template <std::integral Number>
  [[nodiscard]] Number number(const char* name) const {
    const nlohmann::json& found = member(name);
    const bool fits =
        found.is_number_unsigned()
            ? std::in_range<Number>(found.get<std::uint64_t>())
            : found.is_number_integer() && std::in_range<Number>(found.get<std::int64_t>());
    if (!fits) throw nonsense(std::string("\"") + name + "\" is no such number");
    return found.get<Number>();
  }
  [[nodiscard]] Told object(const char* name) const { return Told(member(name)); }
  [[nodiscard]] const nlohmann::json& list(const char* name) const {
    const nlohmann::json& found = member(name);
    if (!found.is_array()) throw nonsense(std::string("\"") + name + "\" is no list");
    return found;
  }
  // The names of its members.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : object_.items()) names.push_back(name);
    return names;
  }
  [[nodiscard]] bool has(const char* name) const { return object_.contains(name); }

  [[nodiscard]] static std::runtime_error nonsense(const std::string& why) {
    return std::runtime_error("the agent's answer makes no sense: " + why);
  }

 private:
  [[nodiscard]] const nlohmann::json& member(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) throw nonsense(std::string("there is no \"") + name + "\"");
    return *found;
  }

  const nlohmann::json& object_;
};

}  // namespace netbinder::tools
