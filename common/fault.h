// SPDX-License-Identifier: GPL-3.0-or-later
// Describes an unexpected exception to a user: its kind, and where it happened.
//
// Called at the few places where exceptions of any kind are caught. A library's own message never passes,
// because it quotes its input, which may be a text, a number or a password, and does not help an operator.
#pragma once

#include <kj/exception.h>

#include <exception>
#include <stdexcept>
#include <string>

namespace smsd {

/// An exception with a message written for the user: the fault, its object, and the remedy.
class Explained : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// An Explained as the failure of a promise: faultOf() returns `words`.
kj::Exception explained(const std::string& words);

/// Returns "an internal error (road.cpp:123)", or the reason why a call to a peer failed.
std::string faultOf(const kj::Exception& fault);

/// Returns the message of an Explained, the system's error (with its file, if known), or the kind of an
/// internal error.
std::string faultOf(const std::exception& fault);

}  // namespace smsd
