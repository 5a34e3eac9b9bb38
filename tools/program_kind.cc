// SPDX-License-Identifier: Apache-2.0
#include "tools/program_kind.h"

#include <elf.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

namespace netbinder::tools {

namespace {

constexpr std::size_t kMostHeaders = 512;
constexpr std::size_t kMostDynamicBytes = 1U << 20;
constexpr int kMostInterpreters = 4;
constexpr std::uint64_t kMostText = 256U << 20;

#if defined(__x86_64__)
constexpr std::uint16_t kOwnMachine = EM_X86_64;
constexpr std::uint16_t kOwn32BitMachine = EM_386;
constexpr std::string_view kSystemCall("\x0f\x05", 2);
#elif defined(__aarch64__)
constexpr std::uint16_t kOwnMachine = EM_AARCH64;
constexpr std::uint16_t kOwn32BitMachine = EM_ARM;
constexpr std::string_view kSystemCall("\x01\x00\x00\xd4", 4);
#endif

// A file that is read in pieces; what is not there reads as nothing.
class Pieces {
 public:
  explicit Pieces(const std::string& path) : file_(path, std::ios::binary) {}

  template <typename T>
  std::optional<T> at(std::uint64_t offset) {
    T value{};
    return read(offset, &value, sizeof value) ? std::optional(value) : std::nullopt;
  }
  bool contains(std::uint64_t offset, std::uint64_t size, std::string_view wanted) {
    std::string bytes(std::min<std::uint64_t>(size, kMostText), '\0');
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    file_.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file_.gcount(), 0)));
    return bytes.find(wanted) != std::string::npos;
  }
  std::string text(std::uint64_t offset, std::size_t most) {
    std::string bytes(most, '\0');
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    file_.read(bytes.data(), static_cast<std::streamsize>(most));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file_.gcount(), 0)));
    return bytes.substr(0, bytes.find('\0'));
  }

 private:
  bool read(std::uint64_t offset, void* into, std::size_t size) {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(offset));
    file_.read(static_cast<char*>(into), static_cast<std::streamsize>(size));
    return file_.gcount() == static_cast<std::streamsize>(size);
  }

  std::ifstream file_;
};

// The relevant facts of an ELF file.
struct Elf {
  std::uint16_t machine = 0;
  std::string interpreter;  // empty: static
  std::vector<std::string> needed;
  bool is_go = false;
  bool makes_system_calls = false;
};

template <typename Header, typename Segment, typename Section, typename Dynamic>
std::optional<Elf> read_elf(Pieces& file) {
  const auto header = file.at<Header>(0);
  if (!header) return std::nullopt;
  Elf elf;
  elf.machine = header->e_machine;
  std::vector<Segment> loads;
  std::optional<Segment> dynamic;
  for (std::size_t i = 0; i < std::min<std::size_t>(header->e_phnum, kMostHeaders); ++i) {
    const auto segment = file.at<Segment>(header->e_phoff + i * sizeof(Segment));
    if (!segment) break;
    if (segment->p_type == PT_INTERP) {
      elf.interpreter = file.text(segment->p_offset, std::min<std::size_t>(segment->p_filesz, 4096));
    } else if (segment->p_type == PT_LOAD) {
      loads.push_back(*segment);
      if ((segment->p_flags & PF_X) != 0 && !elf.makes_system_calls) {
        elf.makes_system_calls = file.contains(segment->p_offset, segment->p_filesz, kSystemCall);
      }
    } else if (segment->p_type == PT_DYNAMIC) {
      dynamic = *segment;
    }
  }
  const auto offset_of = [&](std::uint64_t address) -> std::uint64_t {
    for (const Segment& load : loads) {
      if (address >= load.p_vaddr && address - load.p_vaddr < load.p_filesz) {
        return load.p_offset + (address - load.p_vaddr);
      }
    }
    return 0;
  };
  if (dynamic) {
    std::uint64_t strings = 0;
    std::vector<std::uint64_t> names;
    const std::size_t bytes = std::min<std::size_t>(dynamic->p_filesz, kMostDynamicBytes);
    for (std::size_t at = 0; at + sizeof(Dynamic) <= bytes; at += sizeof(Dynamic)) {
      const auto entry = file.at<Dynamic>(dynamic->p_offset + at);
      if (!entry || entry->d_tag == DT_NULL) break;
      if (entry->d_tag == DT_NEEDED) names.push_back(entry->d_un.d_val);
      if (entry->d_tag == DT_STRTAB) strings = offset_of(entry->d_un.d_ptr);
    }
    for (const std::uint64_t name : names) elf.needed.push_back(file.text(strings + name, 256));
  }
  const auto names = file.at<Section>(header->e_shoff + std::uint64_t{header->e_shstrndx} *
                                                            sizeof(Section));
  for (std::size_t i = 0; names && i < std::min<std::size_t>(header->e_shnum, kMostHeaders); ++i) {
    const auto section = file.at<Section>(header->e_shoff + i * sizeof(Section));
    if (section && file.text(names->sh_offset + section->sh_name, 32) == ".go.buildinfo") {
      elf.is_go = true;
    }
  }
  return elf;
}

std::optional<Elf> look_at(const std::string& path) {
  Pieces file(path);
  const auto ident = file.at<std::array<unsigned char, EI_NIDENT>>(0);
  if (!ident || std::memcmp(ident->data(), ELFMAG, SELFMAG) != 0) return std::nullopt;
  if ((*ident)[EI_CLASS] == ELFCLASS64) {
    return read_elf<Elf64_Ehdr, Elf64_Phdr, Elf64_Shdr, Elf64_Dyn>(file);
  }
  return read_elf<Elf32_Ehdr, Elf32_Phdr, Elf32_Shdr, Elf32_Dyn>(file);
}

// The interpreter of a script.
std::optional<std::string> interpreter_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  if (!std::getline(file, line) || !line.starts_with("#!")) return std::nullopt;
  std::istringstream words(line.substr(2));
  std::string interpreter;
  std::string argument;
  words >> interpreter >> argument;
  if (std::filesystem::path(interpreter).filename() == "env" && !argument.empty() &&
      argument[0] != '-') {
    return find_program(argument);
  }
  return interpreter;
}

// Whether the kernel would give the program other rights than its caller's, in which case the loader
// preloads nothing.
bool changes_rights(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return false;
  if ((status.st_mode & S_ISUID) != 0 && status.st_uid != ::geteuid()) return true;
  if ((status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 &&
      status.st_gid != ::getegid()) {
    return true;
  }
  return ::geteuid() != 0 && ::getxattr(path.c_str(), "security.capability", nullptr, 0) > 0;
}

ProgramKind supervised(std::string reason) {
  return {.mode = ProgramKind::Mode::kSupervised,
          .reason = std::move(reason),
          .is_32_bit = false,
          .makes_system_calls = false,
          .preload_first = {}};
}

ProgramKind neither(std::string reason) {
  return {.mode = ProgramKind::Mode::kNeither,
          .reason = std::move(reason),
          .is_32_bit = false,
          .makes_system_calls = false,
          .preload_first = {}};
}

}  // namespace

std::optional<std::string> find_program(const std::string& word) {
  if (word.find('/') != std::string::npos) return word;
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/bin:/usr/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = (folder.empty() ? "." : folder) + "/" + word;
    if (::access(file.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(file)) return file;
  }
  return std::nullopt;
}

ProgramKind kind_of_program(const std::string& path) {
  std::string file = path;
  for (int i = 0; i < kMostInterpreters; ++i) {
    const auto interpreter = interpreter_of(file);
    if (!interpreter) break;
    file = *interpreter;
  }
  const auto elf = look_at(file);
  if (!elf) return {};
  const bool is_32_bit = elf->machine == kOwn32BitMachine;
  if (elf->machine != kOwnMachine && !is_32_bit) {
    return neither(fmt::format("{} is for another machine: its system calls are an emulator's", file));
  }
  if (changes_rights(file)) {
    if (::geteuid() != 0) {
      return neither(fmt::format(
          "{} gets rights that the user has not (set-uid), so nothing of the user's reaches it: run "
          "it as root",
          file));
    }
    return supervised(fmt::format("{} changes its user when it starts", file));
  }
  if (elf->interpreter.empty()) return supervised(fmt::format("{} is static", file));
  if (elf->interpreter.find("ld-musl") != std::string::npos) {
    return supervised(fmt::format("{} uses musl", file));
  }
  if (elf->is_go) return supervised(fmt::format("{} is written in Go", file));
  ProgramKind kind;
  kind.is_32_bit = is_32_bit;
  kind.makes_system_calls = elf->makes_system_calls;
  for (const std::string& library : elf->needed) {
    // The address sanitizer's runtime wants to be the first; it finds the shim's functions behind it.
    if (library.starts_with("libasan.so")) kind.preload_first.push_back(library);
  }
  return kind;
}

}  // namespace netbinder::tools
