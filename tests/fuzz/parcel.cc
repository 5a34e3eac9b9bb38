// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/uapi.h"
#include "tests/fuzz/commands.h"
#include "tests/fuzz/report.h"

namespace netbinder::fuzz {

namespace {

class ParcelMaker {
 public:
  ParcelMaker(Input& input, const Program& program, ProgramMemory& memory)
      : input_(input), program_(program), memory_(memory) {}

  binder_transaction_data_sg make() {
    const std::uint8_t shape = input_.byte();
    data_.resize(std::size_t{shape & 7U} * 8, std::byte{'d'});
    const std::uint8_t mood = shape < 0x40 ? std::uint8_t{0} : input_.byte();
    damaged_ = mood >= 0xD0;
    if (mood >= 0xC0 && mood < 0xD0) data_.resize(std::size_t{mood & 15U} * 64);
    const bool changes = (mood & 15U) == 15;
    for (std::uint32_t objects = (shape >> 3) & 7U; objects > 0; --objects) {
      add_object();
      if (objects > 2 && shape < 0xC0) --objects;
    }
    binder_transaction_data_sg parcel{};
    binder_transaction_data& data = parcel.transaction_data;
    data.data_size = data_.size();
    data.offsets_size = offsets_.size() * sizeof(binder_size_t);
    parcel.buffers_size = extra_;
    if (damaged_) damage_offsets();
    std::vector<std::byte> offsets;
    for (const binder_size_t offset : offsets_) append(offsets, offset);
    data.data.ptr.buffer = memory_.place(data_, changes);
    data.data.ptr.offsets = memory_.place(std::move(offsets), changes);
    if (damaged_) damage(parcel);
    return parcel;
  }

 private:
  void add_object() {
    const std::uint8_t what = input_.byte();
    // Objects lie behind one another, with no or little between them.
    data_.resize(data_.size() + std::size_t{(what >> 6) & 1U} * 4, std::byte{'g'});
    offsets_.push_back(data_.size());
    const bool odd = damaged_ && (what & 0x80) != 0;  // some field is anything
    switch (what % 13) {
      case 0:
      case 1:
        binder(BINDER_TYPE_BINDER, odd);
        break;
      case 2:
        binder(BINDER_TYPE_WEAK_BINDER, odd);
        break;
      case 3:
      case 4:
        handle(BINDER_TYPE_HANDLE);
        break;
      case 5:
        handle(BINDER_TYPE_WEAK_HANDLE);
        break;
      case 6:
        file();
        break;
      case 7:
      case 8:
        if (pointers_.empty() && !odd) {
          pointer(odd);  // there must be one to hold the array
        } else {
          file_array(odd);
        }
        break;
      case 9:
      case 10:
      case 11:
        pointer(odd);
        break;
      default:
        if (!damaged_) {
          offsets_.pop_back();
          break;
        }
        append(data_, input_.number<std::uint32_t>());  // no object
        data_.resize(data_.size() + 20);
        break;
    }
  }

  void binder(std::uint32_t type, bool odd) {
    static constexpr std::array<std::uint32_t, 4> kFlags = {
        FLAT_BINDER_FLAG_ACCEPTS_FDS, 0,
        FLAT_BINDER_FLAG_ACCEPTS_FDS | FLAT_BINDER_FLAG_TXN_SECURITY_CTX, 0xFFFFFFFF};
    flat_binder_object object{};
    object.hdr.type = type;
    object.binder = make_ptr(input_);
    object.flags = kFlags[(object.binder >> 3) % kFlags.size()];
    object.cookie = object.binder + (odd ? 1 : 0);
    append(data_, object);
  }

  void handle(std::uint32_t type) {
    flat_binder_object object{};
    object.hdr.type = type;
    object.handle = make_handle(input_, program_);
    append(data_, object);
  }

  void file() {
    binder_fd_object object{};
    object.hdr.type = BINDER_TYPE_FD;
    const std::uint8_t fd = input_.byte();
    object.fd = fd < 0xF0 ? fd : UINT32_MAX - (fd & 1U);
    append(data_, object);
  }

  void file_array(bool odd) {
    binder_fd_array_object object{};
    object.hdr.type = BINDER_TYPE_FDA;
    object.num_fds = odd ? input_.any_size() : input_.below(4);
    parent_of(object.parent, object.parent_offset, object.num_fds * 4, odd);
    append(data_, object);
  }

  void pointer(bool odd) {
    const std::uint8_t what = input_.byte();
    binder_buffer_object object{};
    object.hdr.type = BINDER_TYPE_PTR;
    const std::size_t length = std::size_t{what & 31U} * 4;
    std::vector<std::byte> bytes;
    // Numbers that can be descriptors.
    for (std::size_t i = 0; i < length; i += 4) append(bytes, static_cast<std::uint32_t>(3 + i));
    if ((what & 0x20) != 0) bytes.resize(bytes.size() + 3);
    object.length = bytes.size();
    object.buffer = memory_.place(std::move(bytes), odd && (what & 0x20) != 0);
    extra_ += (object.length + 7) & ~std::uint64_t{7};
    if (odd && (what & 1) != 0) object.length = input_.any_size();
    if (odd && (what & 2) != 0) object.buffer = any_address();
    if ((what & 0x40) != 0 && (!pointers_.empty() || odd)) {
      object.flags = BINDER_BUFFER_FLAG_HAS_PARENT;
      parent_of(object.parent, object.parent_offset, 8, odd && (what & 0x80) != 0);
    }
    pointers_.push_back({.object = offsets_.size() - 1, .next_fixup = 0});
    append(data_, object);
  }

  void parent_of(binder_size_t& parent, binder_size_t& parent_offset, std::uint64_t size,
                 bool odd) {
    const std::uint8_t which = input_.byte();
    if (odd) {
      parent = input_.any_size();
      parent_offset = input_.any_size();
      return;
    }
    if (pointers_.empty()) return;
    // The driver wants fix-ups in order; so behind the last one in the same buffer.
    Pointer& chosen = pointers_[pointers_.size() - 1 - (which & 3U) % pointers_.size()];
    parent = chosen.object;
    parent_offset = chosen.next_fixup + ((which >> 2) & 1U) * 4;
    if (which >= 0xE0) parent_offset = which & 31U;
    chosen.next_fixup = parent_offset + size;
  }

  std::uint64_t any_address() {
    const std::uint8_t which = input_.byte();
    if (which < 64) return memory_.recent(which) + (which & 7U);
    if (which < 96) return ProgramMemory::kEverywhere + which;
    return input_.any_size();
  }

  void damage_offsets() {
    const std::uint8_t what = input_.byte();
    if (offsets_.empty()) {
      offsets_.push_back(input_.any_size());
      return;
    }
    binder_size_t& offset = offsets_[(what >> 3) % offsets_.size()];
    switch (what & 7U) {
      case 0:
        offset += 4;
        break;
      case 1:
        offset -= 4;
        break;
      case 2:
        offset += 2;
        break;
      case 3:
        offset = input_.any_size();
        break;
      case 4:
        std::reverse(offsets_.begin(), offsets_.end());
        break;
      case 5:
        offsets_.push_back(offset);
        break;
      default:
        break;
    }
  }

  void damage(binder_transaction_data_sg& parcel) {
    binder_transaction_data& data = parcel.transaction_data;
    const std::uint8_t what = input_.byte();
    switch (what & 7U) {
      case 0:
        data.data_size = input_.any_size();
        break;
      case 1:
        data.offsets_size = input_.any_size();
        break;
      case 2:
        parcel.buffers_size = input_.any_size();
        break;
      case 3:
        parcel.buffers_size += 8;
        break;
      case 4:
        data.data.ptr.buffer = any_address();
        break;
      case 5:
        data.data.ptr.offsets = any_address();
        break;
      case 6:  // large, and there
        data.data_size = std::uint64_t{what} * 64;
        data.offsets_size = 0;
        data.data.ptr.buffer = ProgramMemory::kEverywhere;
        break;
      default:
        break;
    }
  }

  struct Pointer {
    std::uint64_t object;  // its number
    std::uint64_t next_fixup;
  };

  Input& input_;
  const Program& program_;
  ProgramMemory& memory_;
  bool damaged_ = false;
  std::vector<std::byte> data_;
  std::vector<binder_size_t> offsets_;
  std::vector<Pointer> pointers_;
  std::uint64_t extra_ = 0;
};

}  // namespace

std::uint32_t make_handle(Input& input, const Program& program) {
  const std::uint8_t which = input.byte();
  if (which < 0x60) return 0;
  if (which < 0xE0 && !program.handles.empty()) {
    return program.handles[program.handles.size() - 1 - which % program.handles.size()];
  }
  return which < 0xF8 ? which % 8U : input.number<std::uint32_t>();
}

std::uint64_t make_ptr(Input& input) {
  const std::uint8_t which = input.byte();
  if (which < 0xF0) return 0x1000 + std::uint64_t{which % 6U} * 8;
  return which < 0xF8 ? which % 2U : input.number<std::uint64_t>();
}

binder_transaction_data_sg make_parcel(Input& input, const Program& program,
                                       ProgramMemory& memory) {
  return ParcelMaker(input, program, memory).make();
}

}  // namespace netbinder::fuzz
