// SPDX-License-Identifier: Apache-2.0
// The symbols by which the shim tells versions of Android's libbinder apart: methods of
// IServiceManager, those of VERSION and of the versions before it.
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
// A method of another class.
BINDER_METHOD(_ZN4test13checkService2Ev)
