// SPDX-License-Identifier: Apache-2.0
// Passing descriptors: the server runs a command with them, or answers with one of its own.
#define _GNU_SOURCE  // strerrorname_np, pipe2
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "probe.h"

enum { kMostFiles = 16, kCommandBytes = 4096, kFirstInCommand = 3 };

// ---- the client ----

struct message {
  uint8_t data[kCommandBytes + kMostFiles * sizeof(struct binder_fd_object)];
  size_t size;
  binder_size_t offsets[kMostFiles + 2];
  size_t objects;
};

static void add(struct message* message, const void* object, size_t size) {
  message->offsets[message->objects++] = message->size;
  memcpy(message->data + message->size, object, size);
  message->size += size;
}

static bool begin(struct message* message, const char* command) {
  const size_t length = strlen(command) + 1;
  memset(message, 0, sizeof(*message));
  if (length > kCommandBytes) return false;
  memcpy(message->data, command, length);
  message->size = (length + 7) & ~(size_t)7;
  return true;
}

static int failed(const struct binder_conn* conn, const char* what) {
  struct binder_extended_error error = {0};
  if (ioctl(conn->fd, BINDER_GET_EXTENDED_ERROR, &error) != 0) perror("binder_probe: its error");
  printf("%s %s\n", what, error.param == 0 ? "0" : strerrorname_np(-error.param));
  return 1;
}

// Calls, and waits for the answer. 0, or 1 when it was said what went wrong.
static int call(struct binder_conn* conn, uint32_t handle, uint32_t code, uint32_t flags,
                const struct message* message, size_t buffers_size,
                struct binder_transaction_data* reply) {
  struct {
    uint32_t command;
    struct binder_transaction_data_sg call;
  } __attribute__((packed)) out;
  memset(&out, 0, sizeof(out));
  out.command = BC_TRANSACTION_SG;
  out.call.transaction_data.target.handle = handle;
  out.call.transaction_data.code = code;
  out.call.transaction_data.flags = flags;
  out.call.transaction_data.data_size = message->size;
  out.call.transaction_data.offsets_size = message->objects * sizeof(binder_size_t);
  out.call.transaction_data.data.ptr.buffer = (binder_uintptr_t)(uintptr_t)message->data;
  out.call.transaction_data.data.ptr.offsets = (binder_uintptr_t)(uintptr_t)message->offsets;
  out.call.buffers_size = buffers_size;
  struct binder_write_read io = {.write_size = sizeof(out),
                                 .write_buffer = (binder_uintptr_t)(uintptr_t)&out};
  for (;;) {
    uint8_t in[512];
    io.read_size = sizeof(in);
    io.read_consumed = 0;
    io.read_buffer = (binder_uintptr_t)(uintptr_t)in;
    if (ioctl(conn->fd, BINDER_WRITE_READ, &io) != 0) {
      perror("binder_probe: call");
      return 1;
    }
    size_t size = 0;
    for (size_t at = 0; at + sizeof(uint32_t) <= io.read_consumed; at += size) {
      uint32_t command = 0;
      memcpy(&command, in + at, sizeof(command));
      at += sizeof(command);
      size = _IOC_SIZE(command);
      if (command == BR_FAILED_REPLY) return failed(conn, "BR_FAILED_REPLY");
      if (command == BR_DEAD_REPLY) return failed(conn, "BR_DEAD_REPLY");
      if (command != BR_REPLY) continue;
      memcpy(reply, in + at, sizeof(*reply));
      if ((reply->flags & TF_STATUS_CODE) == 0) return 0;
      printf("status\n");
      return 1;
    }
  }
}

static struct binder_fd_object file_object(const char* number) {
  struct binder_fd_object file;
  memset(&file, 0, sizeof(file));
  file.hdr.type = BINDER_TYPE_FD;
  file.fd = (uint32_t)probe_number(number);
  return file;
}

int probe_give(int argc, char** argv) {
  struct binder_conn conn;
  struct message message;
  struct binder_transaction_data reply;
  uint32_t handle = 0;
  if (argc - 2 > kMostFiles || !begin(&message, argv[1])) return 2;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  for (int i = 2; i < argc || i == 2; ++i) {
    const struct binder_fd_object file = file_object(i < argc ? argv[i] : "0");
    add(&message, &file, sizeof(file));
  }
  if (call(&conn, handle, kRun, 0, &message, 0, &reply) != 0) return 1;
  printf("given\n");
  return 0;
}

int probe_give_array(int argc, char** argv) {
  struct binder_conn conn;
  struct message message;
  struct binder_transaction_data reply;
  uint32_t handle = 0;
  if (argc - 2 > kMostFiles || !begin(&message, argv[1])) return 2;
  if (!probe_connect(&conn, argv[0], &handle)) return 1;
  uint32_t numbers[kMostFiles + 2];
  memset(numbers, 0x55, sizeof(numbers));
  for (int i = 2; i < argc; ++i) numbers[i - 1] = (uint32_t)probe_number(argv[i]);
  struct binder_buffer_object buffer;
  memset(&buffer, 0, sizeof(buffer));
  buffer.hdr.type = BINDER_TYPE_PTR;
  buffer.buffer = (binder_uintptr_t)(uintptr_t)numbers;
  buffer.length = sizeof(numbers);
  add(&message, &buffer, sizeof(buffer));
  struct binder_fd_array_object array;
  memset(&array, 0, sizeof(array));
  array.hdr.type = BINDER_TYPE_FDA;
  array.num_fds = (binder_size_t)(argc - 2);
  array.parent = 0;
  array.parent_offset = sizeof(numbers[0]);
  add(&message, &array, sizeof(array));
  if (call(&conn, handle, kRun, 0, &message, sizeof(numbers), &reply) != 0) return 1;
  printf("given\n");
  return 0;
}

int probe_fetch(int argc, char** argv) {
  struct binder_conn conn;
  struct message message;
  struct binder_transaction_data reply;
  uint32_t handle = 0;
  if (argc == 3 && strcmp(argv[2], "--unaccepted") != 0) return 2;
  if (!begin(&message, argv[1]) || !probe_connect(&conn, argv[0], &handle)) return 1;
  const uint32_t flags = argc == 3 ? 0 : TF_ACCEPT_FDS;
  if (call(&conn, handle, kOutput, flags, &message, 0, &reply) != 0) return 1;
  struct binder_fd_object file;
  memcpy(&file, (const void*)(uintptr_t)reply.data.ptr.buffer, sizeof(file));
  uint8_t bytes[4096];
  ssize_t got = 0;
  while ((got = read((int)file.fd, bytes, sizeof(bytes))) > 0) {
    if (fwrite(bytes, 1, (size_t)got, stdout) != (size_t)got) return 1;
  }
  return got == 0 ? 0 : 1;
}

// ---- the server ----

// Runs the command with the files as 3, 4, … and `out`, unless negative, as its output.
static bool run(const char* command, const int* files, size_t count, int out) {
  (void)signal(SIGCHLD, SIG_IGN);
  char text[kCommandBytes];  // a child has no mapping
  (void)snprintf(text, sizeof(text), "%s", command);
  const pid_t pid = fork();
  if (pid != 0) return pid > 0;
  (void)signal(SIGCHLD, SIG_DFL);
  int moved[kMostFiles];
  for (size_t i = 0; i < count; ++i) moved[i] = fcntl(files[i], F_DUPFD, 64);
  for (size_t i = 0; i < count; ++i) {
    (void)dup2(moved[i], kFirstInCommand + (int)i);
    close(moved[i]);
  }
  if (out >= 0) (void)dup2(out, STDOUT_FILENO);
  execl("/bin/sh", "sh", "-c", text, (char*)NULL);
  _exit(127);
}

int32_t probe_on_run(const struct parcel_reader* in) {
  int files[kMostFiles];
  size_t count = 0;
  for (size_t i = 0; i < in->object_count; ++i) {
    const uint8_t* const object = in->data + in->offsets[i];
    struct binder_object_header header;
    memcpy(&header, object, sizeof(header));
    if (header.type == BINDER_TYPE_FD && count < kMostFiles) {
      struct binder_fd_object file;
      memcpy(&file, object, sizeof(file));
      files[count++] = (int)file.fd;
    } else if (header.type == BINDER_TYPE_FDA) {
      struct binder_fd_array_object array;
      struct binder_buffer_object parent;
      memcpy(&array, object, sizeof(array));
      memcpy(&parent, in->data + in->offsets[array.parent], sizeof(parent));
      const uint8_t* const numbers = (const uint8_t*)(uintptr_t)parent.buffer + array.parent_offset;
      for (size_t j = 0; j < array.num_fds && count < kMostFiles; ++j) {
        memcpy(&files[count++], numbers + j * sizeof(uint32_t), sizeof(int));
      }
    }
  }
  const bool runs = run((const char*)in->data, files, count, -1);
  // The driver closes those of an array with the buffer; here they are closed already.
  for (size_t i = 0; i < in->object_count; ++i) {
    struct binder_fd_object file;
    memcpy(&file, in->data + in->offsets[i], sizeof(file));
    if (file.hdr.type == BINDER_TYPE_FD) close((int)file.fd);
  }
  return runs ? 0 : -errno;
}

int32_t probe_on_output(const struct parcel_reader* in, struct parcel_writer* reply) {
  // The last answer's end is sent by now.
  static int last = -1;
  if (last >= 0) close(last);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -errno;
  const bool runs = run((const char*)in->data, NULL, 0, ends[1]);
  close(ends[1]);
  last = ends[0];
  struct binder_fd_object file;
  memset(&file, 0, sizeof(file));
  file.hdr.type = BINDER_TYPE_FD;
  file.fd = (uint32_t)ends[0];
  parcel_write_bytes(reply, &file, sizeof(file));
  reply->offsets[reply->object_count++] = 0;
  return runs ? 0 : -EAGAIN;
}
