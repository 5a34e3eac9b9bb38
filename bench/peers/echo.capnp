# SPDX-License-Identifier: Apache-2.0
@0xd0c4f8a0b7f0e5a1;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("netbinder::bench::schema");

interface Echo {
  take @0 (payload :Data) -> ();
}
