// SPDX-License-Identifier: Apache-2.0
#include "node-agent/program_name.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "node-agent/unique_fd.h"

namespace netbinder {

ProgramName ProgramName::of(std::int32_t pid) {
  ProgramName name;
  if (pid <= 0) return name;
  const std::string path = "/proc/" + std::to_string(pid) + "/comm";
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return name;
  const ssize_t got = ::read(file.get(), name.text_.data(), name.text_.size());
  const auto read = name.text_.begin() + std::max<ssize_t>(got, 0);
  // The file ends the name with a newline; one in the name itself cannot be told from it.
  const auto end = std::min(std::find(name.text_.begin(), read, '\n'), name.text_.end() - 1);
  std::fill(end, name.text_.end(), '\0');
  std::replace_if(
      name.text_.begin(), end, [](char each) { return each < ' ' || each > '~'; }, '?');
  return name;
}

}  // namespace netbinder
