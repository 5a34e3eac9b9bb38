// SPDX-License-Identifier: Apache-2.0
//
// There is no Java here: the functions are there for programs that name them, and refuse.
#pragma once

#include <android/binder_ibinder.h>
#if __has_include(<jni.h>)
#include <jni.h>
#else
typedef struct _JNIEnv JNIEnv;
typedef void* jobject;
#endif

__BEGIN_DECLS

// Both null.
__attribute__((warn_unused_result)) AIBinder* AIBinder_fromJavaBinder(JNIEnv* env, jobject binder)
    __INTRODUCED_IN(29);
__attribute__((warn_unused_result)) jobject AIBinder_toJavaBinder(JNIEnv* env, AIBinder* binder)
    __INTRODUCED_IN(29);

__END_DECLS
