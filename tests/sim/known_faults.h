// SPDX-License-Identifier: Apache-2.0
//
// Faults of the core that the simulation has found, and avoids until they are mended. When one is
// mended, turn its constant on and remove it. With a constant on, seeds 1 to 300 find its fault.
#pragma once

namespace netbinder::sim::known_faults {

// A oneway call whose descriptors could not be installed keeps the next one of its node from being
// delivered, for ever. On: receivers of oneway calls, too, sometimes have no room for descriptors.
inline constexpr bool kOnewayInstallsFail = false;

// If descriptors cannot be installed, the earlier return commands of the same read are lost (if the
// read was nonblocking) or come only with the next call. On: installs fail there, too.
inline constexpr bool kInstallsFailAmongOthers = false;

// The descriptors of an array that a BC_FREE_BUFFER has closed are reported to whichever ioctl ends
// next, in whichever process, while the ioctl with that command waits for another host. On:
// programs leave the closing to the driver, and check what it has them close. Off: they close an
// array's descriptors themselves.
inline constexpr bool kDriverClosesArrays = false;

}  // namespace netbinder::sim::known_faults
