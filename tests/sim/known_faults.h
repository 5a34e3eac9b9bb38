// SPDX-License-Identifier: Apache-2.0
//
// Faults of the core that the simulation has found, and keeps away from until they are mended: each
// constant is to be turned on then, and to go. With one of them on, seeds 1 to 300 find its fault.
#pragma once

namespace netbinder::sim::known_faults {

// A oneway call whose descriptors could not be installed keeps the next one of its node from being
// delivered, for ever. On: receivers of oneway calls, too, sometimes have no room for descriptors.
inline constexpr bool kOnewayInstallsFail = false;

// When descriptors cannot be installed, what the same read had to tell before is lost (if the read
// was not to wait) or told only with the next call. On: installs fail there, too.
inline constexpr bool kInstallsFailAmongOthers = false;

// The descriptors of an array that a BC_FREE_BUFFER has closed are named to whichever ioctl ends
// next, of whichever process, while the ioctl of that command waits for another host. On: programs
// leave the closing to the driver, and look at what it has them close; off, they close an array's
// descriptors themselves.
inline constexpr bool kDriverClosesArrays = false;

}  // namespace netbinder::sim::known_faults
