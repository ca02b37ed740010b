// SPDX-License-Identifier: GPL-3.0-or-later
// The results of a run: the faults of each check, and the checks that could not be decided.
//
// A fault belongs to the check whose rule it breaks, whichever connection it was seen in. So one fault of a
// program fails one check, and a check that cannot go on because of another fault is undecided. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace smsd::check {

/// Thrown by a check that cannot go on. what() is the reason, for the user.
class Undecided : public std::exception {
 public:
  explicit Undecided(std::string words) : words_(std::move(words)) {}
  const char* what() const noexcept override { return words_.c_str(); }

 private:
  std::string words_;
};

/// Thrown by a check that does not apply to this program. what() is the reason, for the user.
class NotApplicable : public Undecided {
  using Undecided::Undecided;
};

/// Thrown when no check can be made: the program cannot be started, or cannot send. Has the exit status.
class Hopeless : public Undecided {
 public:
  Hopeless(int status, std::string words) : Undecided(std::move(words)), status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

class Findings {
 public:
  /// `check`: the name of the check whose rule is broken. Keeps the first few faults of each check, and each
  /// text once.
  void note(std::string_view check, std::string happened) {
    auto& faults = of(check);
    ++faults.count;
    auto& kept = faults.happened;
    if (kept.size() < mostKept && std::find(kept.begin(), kept.end(), happened) == kept.end())
      kept.push_back(std::move(happened));
  }
  bool has(std::string_view check) const { return !happened(check).empty(); }
  const std::vector<std::string>& happened(std::string_view check) const {
    static const std::vector<std::string> none;
    for (const auto& [name, faults] : checks_)
      if (name == check) return faults.happened;
    return none;
  }
  /// How often the rule of `check` was broken.
  std::size_t count(std::string_view check) const {
    for (const auto& [name, faults] : checks_)
      if (name == check) return faults.count;
    return 0;
  }
  /// How often any rule was broken.
  std::size_t total() const {
    std::size_t all = 0;
    for (const auto& [name, faults] : checks_) all += faults.count;
    return all;
  }
  bool any() const { return !checks_.empty(); }

 private:
  static constexpr std::size_t mostKept = 3;
  struct Faults {
    std::size_t count = 0;
    std::vector<std::string> happened;
  };
  Faults& of(std::string_view check) {
    for (auto& [name, faults] : checks_)
      if (name == check) return faults;
    return checks_.emplace_back(std::string(check), Faults{}).second;
  }

  std::vector<std::pair<std::string, Faults>> checks_;
};

}  // namespace smsd::check
