// SPDX-License-Identifier: GPL-3.0-or-later
// Parses NAV's configuration files: sections of keys (smsd.conf), or only keys (nav.conf, db.conf).
//
// Owns the syntax: for smsd.conf that of Python's RawConfigParser, which NAV uses (`key: value` or
// `key = value`, no comment after a value), and for the flat files NAV's own. Called by import-nav. Pure. A
// wrong line of smsd.conf is a problem with its place. A problem never quotes a value: it may be a secret.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"

namespace smsd::smsctl::nav {

struct IniValue {
  std::string value;
  std::string where;  // file:line
};

using Section = std::map<std::string, IniValue>;  // by key, which readIni() makes lower case

struct Ini {
  std::map<std::string, Section> sections;  // by name, as written
  std::vector<config::Problem> problems;

  const Section* find(const std::string& name) const;
};

Ini readIni(std::string_view text, const std::string& name);

/// Keeps keys as written. A `#` begins a comment anywhere in a line. Ignores lines without a `=`.
Section readFlat(std::string_view text, const std::string& name);

}  // namespace smsd::smsctl::nav
