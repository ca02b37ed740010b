// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/required-lock.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "common/config/values.h"
#include "supervisor/config/kinds.h"

namespace smsd::config {
namespace {

constexpr std::size_t mostParts = 16;
constexpr int latestAbi = 1000;

struct LockPart {
  std::string_view name;
  int version = 0;  // 0: any
  bool operator==(const LockPart&) const = default;
};

std::optional<LockPart> parsed(std::string_view text) {
  LockPart part{.name = text.substr(0, text.find(':'))};
  const auto isOfName = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (part.name.empty() || !std::ranges::all_of(part.name, isOfName)) return std::nullopt;
  if (part.name.size() == text.size()) return part;
  const std::string_view number = text.substr(part.name.size() + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), part.version);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  if (part.version < 1 || part.version > latestAbi) return std::nullopt;
  return part;
}

const std::vector<std::string>& ownParts() {
  static const std::vector<std::string> parts = {"no_new_privs", "landlock", "seccomp", "rlimits"};
  return parts;
}

}  // namespace

std::optional<std::string> problemOfRequiredLock(std::string_view kind,
                                                 const std::vector<std::string>& required) {
  if (required.size() > mostParts) return fmt::format("has too many parts, expected at most {}", mostParts);
  for (const auto& text : required) {
    const auto part = parsed(text);
    if (!part)
      return "has a part of another form, expected no_new_privs, landlock, landlock:N, seccomp or rlimits";
    if (!isBuiltIn(kind)) continue;
    const std::string name(part->name);
    if (std::ranges::find(ownParts(), name) == ownParts().end()) {
      const auto near = closest(name, ownParts());
      return fmt::format("{}: expected no_new_privs, landlock, landlock:N, seccomp or rlimits{}", text,
                         near ? fmt::format(": did you mean {}?", *near) : "");
    }
    if (part->version > 0 && name != "landlock")
      return fmt::format("{}: expected a version with landlock only", text);
  }
  return std::nullopt;
}

std::vector<std::string> missingParts(const std::vector<std::string>& required,
                                      const std::vector<std::string>& reported) {
  std::vector<std::string> missing;
  for (const auto& text : required) {
    const auto wanted = parsed(text);
    const bool found = wanted && std::ranges::any_of(reported, [&](const std::string& one) {
                         const auto part = parsed(one);
                         return part && part->name == wanted->name && part->version >= wanted->version;
                       });
    if (!found) missing.push_back(text);
  }
  return missing;
}

std::string lacksOfLock(const std::vector<std::string>& required, const std::vector<std::string>& reported) {
  const auto missing = missingParts(required, reported);
  if (missing.empty()) return "";
  return fmt::format(
      "the lock of its worker lacks {}, which require_lock demands (it has {}): boot a newer "
      "kernel, or take {} out of require_lock and reload smsd",
      fmt::join(missing, ", "), reported.empty() ? "no part" : fmt::format("{}", fmt::join(reported, ", ")),
      missing.size() == 1 ? "it" : "them");
}

}  // namespace smsd::config
