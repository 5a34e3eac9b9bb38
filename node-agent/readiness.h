// SPDX-License-Identifier: Apache-2.0
//
// The readiness of a program's descriptor, which is its socket: one message lies in it while poll is
// to report something to read. The program takes the message back with the response that empties the
// queue, on the agent's word.
//
// Owned by a ClientChannel. Thread: the data-plane thread.
#pragma once

namespace netbinder {

class Readiness {
 public:
  // Whether poll is to report something to read. Does not wait; a full socket is told again with
  // the next change.
  void changed(bool readable, int socket);
  // A response goes to the program: whether it is to take the message back.
  [[nodiscard]] bool take_back();

 private:
  bool told_ = false;       // the message is in the socket
  bool taken_back_ = false;  // with the next response
};

}  // namespace netbinder
