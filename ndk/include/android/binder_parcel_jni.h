// SPDX-License-Identifier: Apache-2.0
//
// There is no Java here: the function is there for programs that name it, and refuses.
#pragma once

#include <android/binder_parcel.h>
#if __has_include(<jni.h>)
#include <jni.h>
#else
typedef struct _JNIEnv JNIEnv;
typedef void* jobject;
#endif

__BEGIN_DECLS

// Null.
__attribute__((warn_unused_result)) AParcel* AParcel_fromJavaParcel(JNIEnv* env, jobject parcel)
    __INTRODUCED_IN(30);

__END_DECLS
