// SPDX-License-Identifier: Apache-2.0
// What the shim knows the versions of Android's libbinder by: methods of IServiceManager, VERSION's
// and those of the versions before it.
#define BINDER_METHOD(symbol) \
  void symbol(void);          \
  void symbol(void) {}

#if VERSION >= 11
BINDER_METHOD(_ZN7android2os15IServiceManager12checkServiceERKNSt3__112basic_stringIcEE)
#endif
#if VERSION >= 12
BINDER_METHOD(_ZN7android2os15IServiceManager20getDeclaredInstancesERKNSt3__112basic_stringIcEE)
#endif
#if VERSION >= 13
BINDER_METHOD(_ZN7android2os15IServiceManager17getConnectionInfoERKNSt3__112basic_stringIcEE)
#endif
#if VERSION >= 14
BINDER_METHOD(_ZN7android2os15IServiceManager17getUpdatableNamesERKNSt3__112basic_stringIcEE)
#endif
#if VERSION >= 15
BINDER_METHOD(_ZN7android2os17BpServiceManager11getService2ERKNSt3__112basic_stringIcEE)
#endif
#if VERSION >= 16
BINDER_METHOD(_ZN7android2os17BpServiceManager13checkService2ERKNSt3__112basic_stringIcEE)
#endif
// Of no service manager.
BINDER_METHOD(_ZN4test13checkService2Ev)
