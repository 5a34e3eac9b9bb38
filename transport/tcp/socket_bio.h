// SPDX-License-Identifier: Apache-2.0
//
// A socket as OpenSSL's source and sink of bytes. OpenSSL's own kind writes with write(2), which
// ends a process by SIGPIPE when the other end is gone; this one does not, and a process that uses
// the transport need not ignore that signal.
//
// Thread: the data-plane thread.
#pragma once

#include <openssl/bio.h>

namespace netbinder::tcp {

// A BIO on a non-blocking socket, which must stay open while the BIO is used and is not closed with
// it. Null if there is no memory. The caller owns it.
[[nodiscard]] BIO* make_socket_bio(int socket);

}  // namespace netbinder::tcp
