// SPDX-License-Identifier: GPL-3.0-or-later
// The faults that `smsctl doctor` knows by name, and the result of its checks.
//
// Owns the names, which scripts and the manual use. Called by the checks and by the report. Pure. No finding
// holds a secret: a check puts paths, names and numbers into it, never the content of a file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smsd::smsctl::doctor {

enum class Gravity {
  error,    // SMS are not sent, are sent twice, or a secret is open
  warning,  // smsd works, but a protection is missing, or it will stop working
};

struct FaultKind {
  const char* name;
  const char* group;
  Gravity level;
  const char* meaning;
};

/// In the order of the groups.
const std::vector<FaultKind>& faultKinds();
/// Throws std::logic_error if there is none.
const FaultKind& faultNamed(std::string_view name);

struct FoundFault {
  std::string fault = {};    // a name of faultKinds()
  std::string about = {};    // the file, unit, dispatcher or process
  std::string problem = {};  // in words
  std::string remedy = {};   // what to type or to do
  bool operator==(const FoundFault&) const = default;
};

/// A thing that doctor could not look at.
struct Unchecked {
  std::string what = {}, why = {};
  std::string how = {};  // how it could be checked
  enum class Because {
    user,  // this user may not look there
    host,  // nothing here could
  } because = Because::user;
  bool operator==(const Unchecked&) const = default;
};

/// The result of the checks of one group.
struct GroupResult {
  std::string group = {};
  std::vector<FoundFault> findings{};
  std::vector<Unchecked> unchecked{};
  std::string fine{};  // what was looked at; shown if there is no finding. Empty: nothing was
};

}  // namespace smsd::smsctl::doctor
