// SPDX-License-Identifier: Apache-2.0
//
// Asio's own functions, which BOOST_ASIO_SEPARATE_COMPILATION leaves out of all other units.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
