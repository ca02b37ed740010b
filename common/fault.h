// What a fault that nobody expected is called where a user reads it: its kind, and where it happened.
//
// Called at the few doors where an exception of any kind ends. A library's own words never pass them: they
// quote what they choke on, which may be a text, a number or a password, and say nothing that an operator
// could mend.
#pragma once

#include <kj/exception.h>

#include <exception>
#include <stdexcept>
#include <string>

namespace smsd {

/// A fault in words of our own, which a user may read: what is wrong, with what, and what to do.
class Explained : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// "an internal error (road.cpp:123)", or what a call to a peer met.
std::string faultOf(const kj::Exception& fault);

/// The words of an Explained, what the system refused with the file it was about, or the kind of an internal
/// error.
std::string faultOf(const std::exception& fault);

}  // namespace smsd
