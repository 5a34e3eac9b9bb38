// SPDX-License-Identifier: Apache-2.0
//
// Functions of AParcel that Android keeps to its own programs.
#pragma once

#include <android/binder_parcel.h>

__BEGIN_DECLS

// Whether descriptors may be written to it.
bool AParcel_getAllowFds(const AParcel* parcel);
// Its memory is zeroed before it is freed, here and, with the call, in the receiver's driver.
void AParcel_markSensitive(const AParcel* parcel) __INTRODUCED_IN(31);

__END_DECLS
