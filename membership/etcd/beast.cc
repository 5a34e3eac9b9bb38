// SPDX-License-Identifier: Apache-2.0
//
// Boost.Beast's own functions, which BOOST_BEAST_SEPARATE_COMPILATION leaves out of all other
// units.
#include <boost/beast/src.hpp>
