// SPDX-License-Identifier: Apache-2.0
//
// Android's other binder library, libbinder, is not here and this one is not made of it: there is
// nothing to convert to. These refuse when a program is compiled.
#pragma once

#include <android/binder_ibinder.h>

template <typename Binder>
AIBinder* AIBinder_fromPlatformBinder(const Binder& binder) = delete;
template <typename Binder>
void AIBinder_toPlatformBinder(Binder* binder) = delete;
template <typename Parcel>
void AParcel_viewPlatformParcel(Parcel* parcel) = delete;
