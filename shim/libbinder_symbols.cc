// SPDX-License-Identifier: Apache-2.0
#include "shim/libbinder_symbols.h"

#include <elf.h>
#include <link.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>

namespace netbinder {
namespace {

// Each version has the methods of the versions before it. The latest comes first.
struct Sign {
  const char* method;
  const char* dialect;
};
constexpr std::array kSigns{Sign{"checkService2", "android16"}, Sign{"getService2", "android15"},
                            Sign{"getUpdatableNames", "android14"},
                            Sign{"getConnectionInfo", "android13"},
                            Sign{"getDeclaredInstances", "android12"}};
constexpr std::size_t kNoMethod = kSigns.size();  // a libbinder that has none of them
constexpr std::size_t kNothing = kSigns.size() + 1;

// The tables that the dynamic section of a loaded object points at.
struct Object {
  const ElfW(Sym) * symbols = nullptr;
  const char* strings = nullptr;
  std::size_t string_bytes = 0;
  const std::uint32_t* gnu_hash = nullptr;
  const std::uint32_t* hash = nullptr;
  ElfW(Xword) soname = 0;
};

Object object_of(const dl_phdr_info& info) {
  Object object;
  const auto at = [&info](ElfW(Addr) value) {
    // The loader has replaced these by addresses, except in objects whose section it may not write.
    return reinterpret_cast<const void*>(value < info.dlpi_addr ? info.dlpi_addr + value : value);
  };
  for (std::size_t i = 0; i < info.dlpi_phnum; ++i) {
    if (info.dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const auto* entry =
        reinterpret_cast<const ElfW(Dyn)*>(info.dlpi_addr + info.dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; ++entry) {
      switch (entry->d_tag) {
        case DT_SYMTAB:
          object.symbols = static_cast<const ElfW(Sym)*>(at(entry->d_un.d_ptr));
          break;
        case DT_STRTAB:
          object.strings = static_cast<const char*>(at(entry->d_un.d_ptr));
          break;
        case DT_STRSZ:
          object.string_bytes = entry->d_un.d_val;
          break;
        case DT_GNU_HASH:
          object.gnu_hash = static_cast<const std::uint32_t*>(at(entry->d_un.d_ptr));
          break;
        case DT_HASH:
          object.hash = static_cast<const std::uint32_t*>(at(entry->d_un.d_ptr));
          break;
        case DT_SONAME:
          object.soname = entry->d_un.d_val;
          break;
        default:
          break;
      }
    }
  }
  return object;
}

// Symbols [first, last) can be found by name; the symbol table itself does not tell its size.
struct Range {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

Range symbols_of(const Object& object) {
  if (object.gnu_hash != nullptr) {
    const std::uint32_t buckets = object.gnu_hash[0];
    const std::uint32_t first = object.gnu_hash[1];
    const std::uint32_t bloom_words = object.gnu_hash[2];
    const std::uint32_t* const bucket =
        object.gnu_hash + 4 + std::size_t{bloom_words} * (sizeof(ElfW(Addr)) / 4);
    const std::uint32_t* const chain = bucket + buckets;
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; i < buckets; ++i) last = bucket[i] > last ? bucket[i] : last;
    if (last < first) return {};
    while ((chain[last - first] & 1) == 0) ++last;  // the end of its bucket
    return {.first = first, .last = last + 1};
  }
  if (object.hash != nullptr) return {.first = 1, .last = object.hash[1]};
  return {};
}

int look_at(dl_phdr_info* info, std::size_t /*size*/, void* found) {
  std::size_t& best = *static_cast<std::size_t*>(found);
  const Object object = object_of(*info);
  if (object.symbols == nullptr || object.strings == nullptr) return 0;
  const bool libbinder = object.soname != 0 && object.soname < object.string_bytes &&
                         std::strstr(object.strings + object.soname, "libbinder") != nullptr &&
                         std::strstr(object.strings + object.soname, "libbinder_ndk") == nullptr;
  const Range range = symbols_of(object);
  for (std::uint32_t i = range.first; i < range.last && best > 0; ++i) {
    const ElfW(Sym)& symbol = object.symbols[i];
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= object.string_bytes) continue;
    // In a mangled name the class comes before the method.
    const char* const type = std::strstr(object.strings + symbol.st_name, "ServiceManager");
    if (type == nullptr) continue;
    if (libbinder && best > kNoMethod) best = kNoMethod;
    for (std::size_t sign = 0; sign < best && sign < kSigns.size(); ++sign) {
      if (std::strstr(type, kSigns[sign].method) != nullptr) best = sign;
    }
  }
  return best == 0 ? 1 : 0;
}

}  // namespace

namespace {

constinit std::atomic<const char*> known = nullptr;

}  // namespace

void say_dialect(const char* dialect) { known.store(dialect, std::memory_order_relaxed); }

const char* dialect_of_libbinder() {
  if (const char* const dialect = known.load(std::memory_order_relaxed)) return dialect;
  std::size_t best = kNothing;
  ::dl_iterate_phdr(look_at, &best);
  const char* const dialect = best == kNothing    ? ""
                              : best == kNoMethod ? "android11"
                                                  : kSigns[best].dialect;
  known.store(dialect, std::memory_order_relaxed);
  return dialect;
}

}  // namespace netbinder
