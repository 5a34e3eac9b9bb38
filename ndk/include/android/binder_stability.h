// SPDX-License-Identifier: Apache-2.0
//
// For how long an interface is promised to stay what it is, which travels with its objects:
// vendor < system < vintf. Objects are of the system's stability unless they are marked.
#pragma once

#include <android/binder_ibinder.h>

__BEGIN_DECLS

// Flags of a call: whose stability the object must have.
enum {
  FLAG_PRIVATE_VENDOR = 0x10000000,
#if defined(__ANDROID_VNDK__) || defined(__ANDROID_VENDOR__)
  FLAG_PRIVATE_LOCAL = FLAG_PRIVATE_VENDOR,
#else
  FLAG_PRIVATE_LOCAL = 0,
#endif
};

// For a local object, before it is passed to others; aborts on a second mark of another kind.
void AIBinder_markSystemStability(AIBinder* binder) __INTRODUCED_IN(30);
void AIBinder_markVendorStability(AIBinder* binder) __INTRODUCED_IN(30);
void AIBinder_markVintfStability(AIBinder* binder) __INTRODUCED_IN(30);

// Takes back the mark for vintf.
void AIBinder_forceDowngradeToSystemStability(AIBinder* binder) __INTRODUCED_IN(31);
void AIBinder_forceDowngradeToVendorStability(AIBinder* binder) __INTRODUCED_IN(31);
static inline void AIBinder_forceDowngradeToLocalStability(AIBinder* binder) {
#if defined(__ANDROID_VNDK__) || defined(__ANDROID_VENDOR__)
  AIBinder_forceDowngradeToVendorStability(binder);
#else
  AIBinder_forceDowngradeToSystemStability(binder);
#endif
}

// The stability of what is compiled with this header.
static inline void AIBinder_markCompilationUnitStability(AIBinder* binder) {
#if defined(__ANDROID_VNDK__) || defined(__ANDROID_VENDOR__)
  AIBinder_markVendorStability(binder);
#else
  AIBinder_markSystemStability(binder);
#endif
}

bool AIBinder_requiresVintfDeclaration(AIBinder* binder) __INTRODUCED_IN(37);
bool AIBinder_isVendorStable(AIBinder* binder) __INTRODUCED_IN(37);
bool AIBinder_isSystemStable(AIBinder* binder) __INTRODUCED_IN(37);

__END_DECLS
