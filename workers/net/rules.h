// SPDX-License-Identifier: GPL-3.0-or-later
// Rules: the operator's configuration of the meaning of a gateway's answers and the place of its reference.
//
// Owns the keys `answers` and `reference`. Called by the kinds that use HTTP, when a transfer has ended. The
// first rule that fits decides, otherwise the table (answers.h). If any rule defines a success for 2xx, an
// answer that no rule fits is never a success. Pure except for the keys. An answer is untrusted: the caller
// bounds its length, expressions match its text in linear time (RE2), and JSON is read without exceptions.
// Covers every case: a success that the rules do not cover is reported as kit::Reply::notUnderstood.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/keys.h"
#include "common/outcome/outcome-kind.h"
#include "workers/net/answers.h"

namespace smsd::net {

constexpr std::size_t longestReference = 128;

using outcome::OutcomeKind;

/// A regular expression, compiled when the configuration is read. False when none was given.
class Expression {
 public:
  /// Returns the problem with `text`, or nothing.
  std::optional<std::string> compile(const std::string& text);
  explicit operator bool() const { return expression_ != nullptr; }
  bool matches(std::string_view text) const;
  /// Returns the first match: its first group, or all of it when the expression has no group.
  std::optional<std::string> extract(std::string_view text) const;

 private:
  std::shared_ptr<const RE2> expression_;
};

class Pointer {
 public:
  std::optional<std::string> compile(const std::string& text);
  explicit operator bool() const { return !steps_.empty(); }
  /// Returns the value at the pointer as a text, empty for a list or a map. Returns nothing when the value is
  /// missing or null.
  std::optional<std::string> in(const nlohmann::json& document) const;

 private:
  std::vector<std::string> steps_;  // names of members, and places in lists
};

/// An answer whose text and JSON are read only when a rule needs them.
class Answer {
 public:
  explicit Answer(const Exchange& exchange) : exchange_(exchange) {}
  /// For a kind that converts its answers to JSON. `text` is the part of the body that the rules match.
  Answer(const Exchange& exchange, std::string text, nlohmann::json json)
      : exchange_(exchange), text_(std::move(text)), json_(std::move(json)) {}
  const Exchange& exchange() const { return exchange_; }
  const std::string& text() const;     // of the body, in UTF-8
  const nlohmann::json& json() const;  // discarded when it is neither JSON nor nearly JSON

 private:
  const Exchange& exchange_;
  mutable std::optional<std::string> text_;
  mutable std::optional<nlohmann::json> json_;
};

struct Rule {
  std::string status, body, json, equals, matches, reason;  // as in the configuration
  OutcomeKind is = OutcomeKind::accepted;
  Milliseconds after{0};

  std::vector<std::pair<int, int>> statuses{};  // empty: any
  Expression bodyExpression{};
  Pointer pointer{};
  Expression valueExpression{};

  bool readsBody() const { return bodyExpression || pointer; }
  bool fitsStatus(int answered) const;
  bool isForSuccess() const;  // whether it covers any 2xx
  bool fits(const Answer& answer) const;
};

class Rules {
 public:
  void declare(config::Keys& keys);
  AnswerParts wanted() const;
  kit::Outcome outcomeOf(const Exchange& exchange, std::string_view origin) const;

  /// Returns the outcome of the first rule that fits, or nothing. The headers must be complete; the body may
  /// be partial.
  std::optional<kit::Outcome> firstFit(const Answer& answer, std::string_view origin) const;
  /// Returns the outcome of an answer that no rule fits: `outcome`, unless that is a success and a rule for
  /// 2xx defines the successes.
  kit::Outcome unruled(kit::Outcome outcome, const Exchange& exchange, std::string_view origin) const;
  std::optional<std::string> reference(const Answer& answer) const;

 private:
  bool decideNothing(const Answer& answer) const;

  std::vector<Rule> rules_;
  struct {
    std::string body, json, header;
    Expression expression{};
    Pointer pointer{};
  } reference_;
};

/// Reads "200", "200-299", "4xx" or several of them with commas. Returns nothing for any other text.
std::optional<std::vector<std::pair<int, int>>> parseStatuses(std::string_view text);

}  // namespace smsd::net
