// SPDX-License-Identifier: GPL-3.0-or-later
// The error of a command: a text for the operator, and the exit status. Thrown by the commands, reported by
// main.cpp.
#pragma once

#include <stdexcept>
#include <string>

namespace smsd::smsctl {

class CommandError : public std::runtime_error {
 public:
  CommandError(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

}  // namespace smsd::smsctl
