// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a program as root or as another user, and waits for it. Prints a command as an operator would type it.
//
// Owns fork, the change of the user, and the environment of the child. A program gets PATH and LANG only;
// runAs keeps the environment without HOME and the variables of libpq. A child of another user has no
// terminal, because it could type into root's. No shell is involved, so that no word is interpreted. Called
// by the commands that root runs: `db install --as`, `config install` and the move from NAV. Throws
// CommandError if the program cannot be started.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace smsd::smsctl {

struct ProgramCall {
  std::vector<std::string> words;  // the program's name or path, then its arguments
  std::string user = {};           // empty: as we are
  bool operator==(const ProgramCall&) const = default;
};

/// Returns for example "runuser -u smsd -- smsd --check". Pure.
std::string typed(const ProgramCall& call);

/// Returns the path of a program. smsctl is this program, and smsd the one installed with it, because NAV has
/// a program of that name, too. All others are looked for in the usual folders of a host, and in NAV's.
std::optional<std::filesystem::path> findProgram(const std::string& name);

/// Returns the exit status; 128 and the signal if the program was killed.
int run(const ProgramCall& call);

/// Returns what the program wrote to standard output; none if there is no such program, or if it failed.
std::optional<std::string> outputOf(const ProgramCall& call);

/// Calls `act` in a process of `user`, without root's privileges, or in one of this user if `user` is empty.
/// Returns the process, whose exit status is the result of `act`.
pid_t start(const std::string& user, const std::function<int()>& act);

/// Calls `act` in a process of `user`, without root's privileges, and returns its result. Does it in
/// this process if this is that user already.
int runAs(const std::string& user, const std::function<int()>& act);

}  // namespace smsd::smsctl
