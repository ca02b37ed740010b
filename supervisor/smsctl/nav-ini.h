// NAV's configuration files as they are written: sections of keys (smsd.conf), or keys alone (nav.conf,
// db.conf).
//
// Owns the syntax: that of Python's RawConfigParser, which NAV reads smsd.conf with (`key: value` or
// `key = value`, no comment behind a value), and NAV's own for the flat ones. Called by import-nav. Pure.
// What is no line of such a file is a problem with its place; a value is never quoted in one, it may be a
// secret.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"

namespace smsd::smsctl::nav {

struct Entry {
  std::string value;
  std::string where;  // file:line
};

using Section = std::map<std::string, Entry>;  // by key, in lower case

struct Ini {
  std::map<std::string, Section> sections;  // by name, as written
  std::vector<config::Problem> problems;

  const Section* find(const std::string& name) const;
};

Ini readIni(std::string_view text, const std::string& name);

/// Keys as written; a `#` ends a line.
Section readFlat(std::string_view text, const std::string& name);

}  // namespace smsd::smsctl::nav
