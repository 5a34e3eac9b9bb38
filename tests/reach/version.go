// SPDX-License-Identifier: Apache-2.0

// Asks the driver's version and maps the device, with the system calls that Go makes.
package main

import (
	"fmt"
	"os"
	"syscall"
	"unsafe"
)

func main() {
	file, err := os.OpenFile("/dev/binder", os.O_RDWR, 0)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	var version int32
	const request = 0xc0046209 // BINDER_VERSION
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, file.Fd(), request, uintptr(unsafe.Pointer(&version)))
	memory, err := syscall.Mmap(int(file.Fd()), 0, 65536, syscall.PROT_READ, syscall.MAP_PRIVATE)
	fmt.Println("version", version, errno == 0, "mapped", len(memory), err == nil)
}
