// SPDX-License-Identifier: Apache-2.0
#include "shim/directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "shim/allocation.h"
#include "shim/handshake.h"
#include "shim/places.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {

class Directory {
 public:
  char* names = nullptr;  // each followed by a newline; a directory's with a slash before that
  std::size_t size = 0;
  std::size_t position = 0;
  struct dirent entry {};
  DevicePath path;
  int fd = -1;
  Directory* next = nullptr;
};

namespace {

// Guarded by the state lock.
constinit Directory* open_directories = nullptr;
constinit std::atomic<std::uint32_t> count = 0;

bool append(Directory& directory, const char* text, std::size_t size) {
  auto* const grown = static_cast<char*>(std::realloc(directory.names, directory.size + size));
  if (grown == nullptr) return false;
  std::memcpy(grown + directory.size, text, size);
  directory.names = grown;
  directory.size += size;
  return true;
}

bool append(Directory& directory, const char* text) {
  return append(directory, text, std::strlen(text));
}

// Appends the lines that the agent lists under that name. Without an agent there are none.
bool append_from_agent(Directory& directory, const char* list) {
  Answer answer;
  if (ask_agent(find_agent().path(), make_hello(kHelloDebugFile, list), -1, answer) != 0) {
    return true;
  }
  char part[4096];
  for (;;) {
    const ssize_t got = real::read(answer.descriptors[0].get(), part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (!append(directory, part, static_cast<std::size_t>(got))) return false;
  }
}

bool fill(Directory& directory, const DevicePath& path) {
  if (!append(directory, "./\n../\n")) return false;
  if (std::strcmp(path.name, "binderfs") == 0) {
    return append(directory, "binder-control\nbinder_logs/\nfeatures/\n") &&
           append_from_agent(directory, "devices/");
  }
  if (std::strcmp(path.name, "features") == 0) {
    return append(directory, "extended_error\nfreeze_notification\noneway_spam_detection\n");
  }
  if (std::strcmp(path.name, "proc") == 0) return append_from_agent(directory, "proc/");
  return append(directory,
                "failed_transaction_log\nproc/\nstate\nstats\ntransaction_log\ntransactions\n");
}

}  // namespace

Directory* open_directory(const DevicePath& path) {
  auto* const directory = make_object<Directory>();
  if (directory == nullptr || !fill(*directory, path)) {
    if (directory != nullptr) {
      std::free(directory->names);
      destroy_object(directory);
    }
    errno = ENOMEM;
    return nullptr;
  }
  directory->path = path;
  const StateLock lock;
  directory->next = open_directories;
  open_directories = directory;
  count.fetch_add(1, std::memory_order_release);
  return directory;
}

Directory* find_directory(const void* handle) {
  if (count.load(std::memory_order_acquire) == 0) [[likely]]
    return nullptr;
  const StateLock lock;
  for (Directory* each = open_directories; each != nullptr; each = each->next) {
    if (each == handle) return each;
  }
  return nullptr;
}

struct dirent* next_entry(Directory& directory) {
  if (directory.position == directory.size) return nullptr;
  const char* const name = directory.names + directory.position;
  const auto* const end =
      static_cast<const char*>(std::memchr(name, '\n', directory.size - directory.position));
  std::size_t length =
      end == nullptr ? directory.size - directory.position : static_cast<std::size_t>(end - name);
  directory.position += length + (end == nullptr ? 0 : 1);
  struct dirent& entry = directory.entry;
  const bool is_directory = length > 0 && name[length - 1] == '/';
  if (is_directory) --length;
  length = length < sizeof entry.d_name ? length : sizeof entry.d_name - 1;
  std::memcpy(entry.d_name, name, length);
  entry.d_name[length] = '\0';
  entry.d_type = is_directory ? DT_DIR : DT_UNKNOWN;
  entry.d_ino = 1 + directory.position;
  entry.d_off = static_cast<off_t>(directory.position);
  entry.d_reclen = sizeof entry;
  return &entry;
}

int descriptor_of(Directory& directory) {
  if (directory.fd < 0) directory.fd = open_place(directory.path, O_CLOEXEC);
  return directory.fd;
}

void set_descriptor(Directory& directory, int fd) { directory.fd = fd; }

void rewind_directory(Directory& directory) { directory.position = 0; }

void close_directory(Directory& directory) {
  {
    const StateLock lock;
    Directory** link = &open_directories;
    while (*link != &directory) link = &(*link)->next;
    *link = directory.next;
    count.fetch_sub(1, std::memory_order_release);
  }
  if (directory.fd >= 0) real::close(directory.fd);
  std::free(directory.names);
  destroy_object(&directory);
}

}  // namespace netbinder
