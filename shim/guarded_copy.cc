// SPDX-License-Identifier: Apache-2.0
#include "shim/guarded_copy.h"

extern "C" {
// Labels of the code below. Only their addresses mean anything.
extern const char netbinder_guarded_begin[] __attribute__((visibility("hidden")));
extern const char netbinder_guarded_end[] __attribute__((visibility("hidden")));
extern const char netbinder_guarded_failed[] __attribute__((visibility("hidden")));
}

// None of these functions touches the stack, so netbinder_guarded_failed can return for each of
// them.
#if defined(__x86_64__)
__asm__(R"(
  .text
  .hidden netbinder_guarded_copy
  .hidden netbinder_can_read
  .hidden netbinder_can_write
  .hidden netbinder_guarded_begin
  .hidden netbinder_guarded_end
  .hidden netbinder_guarded_failed
  .globl netbinder_guarded_begin
netbinder_guarded_begin:
  .globl netbinder_guarded_copy
  .type netbinder_guarded_copy, @function
netbinder_guarded_copy:
  .cfi_startproc
  mov %rdx, %rcx
  rep movsb
  mov $1, %eax
  ret
  .cfi_endproc
  .size netbinder_guarded_copy, . - netbinder_guarded_copy
  .globl netbinder_can_read
  .type netbinder_can_read, @function
netbinder_can_read:
  .cfi_startproc
  movzbl (%rdi), %eax
  mov $1, %eax
  ret
  .cfi_endproc
  .size netbinder_can_read, . - netbinder_can_read
  .globl netbinder_can_write
  .type netbinder_can_write, @function
netbinder_can_write:
  .cfi_startproc
  lock orb $0, (%rdi)
  mov $1, %eax
  ret
  .cfi_endproc
  .size netbinder_can_write, . - netbinder_can_write
  .globl netbinder_guarded_end
netbinder_guarded_end:
  .globl netbinder_guarded_failed
netbinder_guarded_failed:
  .cfi_startproc
  xor %eax, %eax
  ret
  .cfi_endproc
)");
#elif defined(__i386__)
// The two registers that are the caller's are kept where a fault does not lose them.
__asm__(R"(
  .text
  .hidden netbinder_guarded_copy
  .hidden netbinder_can_read
  .hidden netbinder_can_write
  .hidden netbinder_guarded_begin
  .hidden netbinder_guarded_end
  .hidden netbinder_guarded_failed
  .globl netbinder_guarded_begin
netbinder_guarded_begin:
  .globl netbinder_guarded_copy
  .type netbinder_guarded_copy, @function
netbinder_guarded_copy:
  .cfi_startproc
  movd %esi, %xmm0
  movd %edi, %xmm1
  mov 4(%esp), %edi
  mov 8(%esp), %esi
  mov 12(%esp), %ecx
  rep movsb
  movd %xmm0, %esi
  movd %xmm1, %edi
  mov $1, %eax
  ret
  .cfi_endproc
  .size netbinder_guarded_copy, . - netbinder_guarded_copy
  .globl netbinder_can_read
  .type netbinder_can_read, @function
netbinder_can_read:
  .cfi_startproc
  movd %esi, %xmm0
  movd %edi, %xmm1
  mov 4(%esp), %ecx
  movzbl (%ecx), %eax
  mov $1, %eax
  ret
  .cfi_endproc
  .size netbinder_can_read, . - netbinder_can_read
  .globl netbinder_can_write
  .type netbinder_can_write, @function
netbinder_can_write:
  .cfi_startproc
  movd %esi, %xmm0
  movd %edi, %xmm1
  mov 4(%esp), %ecx
  lock orb $0, (%ecx)
  mov $1, %eax
  ret
  .cfi_endproc
  .size netbinder_can_write, . - netbinder_can_write
  .globl netbinder_guarded_end
netbinder_guarded_end:
  .globl netbinder_guarded_failed
netbinder_guarded_failed:
  .cfi_startproc
  movd %xmm0, %esi
  movd %xmm1, %edi
  xor %eax, %eax
  ret
  .cfi_endproc
)");
#elif defined(__aarch64__)
__asm__(R"(
  .text
  .hidden netbinder_guarded_copy
  .hidden netbinder_can_read
  .hidden netbinder_can_write
  .hidden netbinder_guarded_begin
  .hidden netbinder_guarded_end
  .hidden netbinder_guarded_failed
  .globl netbinder_guarded_begin
netbinder_guarded_begin:
  .globl netbinder_guarded_copy
  .type netbinder_guarded_copy, %function
netbinder_guarded_copy:
  .cfi_startproc
1:
  cmp x2, #16
  b.lo 2f
  ldp x3, x4, [x1], #16
  stp x3, x4, [x0], #16
  sub x2, x2, #16
  b 1b
2:
  cbz x2, 3f
  ldrb w3, [x1], #1
  strb w3, [x0], #1
  sub x2, x2, #1
  b 2b
3:
  mov w0, #1
  ret
  .cfi_endproc
  .size netbinder_guarded_copy, . - netbinder_guarded_copy
  .globl netbinder_can_read
  .type netbinder_can_read, %function
netbinder_can_read:
  .cfi_startproc
  ldrb w1, [x0]
  mov w0, #1
  ret
  .cfi_endproc
  .size netbinder_can_read, . - netbinder_can_read
  .globl netbinder_can_write
  .type netbinder_can_write, %function
netbinder_can_write:
  .cfi_startproc
1:
  ldxrb w1, [x0]
  stxrb w2, w1, [x0]
  cbnz w2, 1b
  mov w0, #1
  ret
  .cfi_endproc
  .size netbinder_can_write, . - netbinder_can_write
  .globl netbinder_guarded_end
netbinder_guarded_end:
  .globl netbinder_guarded_failed
netbinder_guarded_failed:
  .cfi_startproc
  mov w0, #0
  ret
  .cfi_endproc
)");
#else
#error "the guarded accesses are to be written for this machine"
#endif

namespace netbinder {

std::uintptr_t landing_of_guarded(std::uintptr_t address) {
  const bool guarded = address >= reinterpret_cast<std::uintptr_t>(netbinder_guarded_begin) &&
                       address < reinterpret_cast<std::uintptr_t>(netbinder_guarded_end);
  return guarded ? reinterpret_cast<std::uintptr_t>(netbinder_guarded_failed) : 0;
}

}  // namespace netbinder
