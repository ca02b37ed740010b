// Rules: what an operator says that a gateway's answers mean, and where its reference stands.
//
// Owns the keys `answers` and `reference`. Called by the kinds that speak HTTP, when a transfer has ended.
// The first rule that fits decides; what none fits is for the table (answers.h), but where rules say what a
// yes is, nothing else is one. Pure but for the keys. An
// answer is untrusted: it is bounded before it comes here, expressions are matched on its text in linear time
// (RE2), JSON and what is nearly JSON is read without exceptions. Has an answer for everything: a success
// that is not understood is an outcome of its own (kit::Reply).
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
#include "workers/net/answers.h"

namespace smsd::net {

constexpr std::size_t longestReference = 128;

enum class Meaning { accepted, refused, deferred, broken, unknown };

/// A regular expression that was tried when the configuration was read. Empty: none was given.
class Expression {
 public:
  /// What is wrong with it, or nothing.
  std::optional<std::string> compile(const std::string& text);
  explicit operator bool() const { return expression_ != nullptr; }
  bool matches(std::string_view text) const;
  /// What its first group holds, or all of what matches where it has none.
  std::optional<std::string> extract(std::string_view text) const;

 private:
  std::shared_ptr<const RE2> expression_;
};

class Pointer {
 public:
  std::optional<std::string> compile(const std::string& text);
  explicit operator bool() const { return pointer_.has_value(); }
  /// The scalar there as a text; an empty one for a list or a map. None: nothing is there, or null.
  std::optional<std::string> in(const nlohmann::json& document) const;

 private:
  std::optional<nlohmann::json::json_pointer> pointer_;
};

/// What was answered, read as far as the rules need it.
class Answer {
 public:
  explicit Answer(const Exchange& exchange) : exchange_(exchange) {}
  /// Of a kind whose answers are not JSON, but have been made so. `text` is the part of the body that counts.
  Answer(const Exchange& exchange, std::string text, nlohmann::json json)
      : exchange_(exchange), text_(std::move(text)), json_(std::move(json)) {}
  const Exchange& exchange() const { return exchange_; }
  const std::string& text() const;     // of the body, in UTF-8
  const nlohmann::json& json() const;  // discarded: it is no JSON, and not nearly

 private:
  const Exchange& exchange_;
  mutable std::optional<std::string> text_;
  mutable std::optional<nlohmann::json> json_;
};

struct Rule {
  std::string status, body, json, equals, matches, reason;  // as they were written
  Meaning is = Meaning::accepted;
  Milliseconds after{0};

  std::vector<std::pair<int, int>> statuses{};  // empty: any
  Expression bodyExpression{};
  Pointer pointer{};
  Expression valueExpression{};

  bool readsBody() const { return bodyExpression || pointer; }
  bool fitsStatus(int answered) const;
  bool isForSuccess() const;  // some 2xx among its statuses
  bool fits(const Answer& answer) const;
};

class Rules {
 public:
  void declare(config::Keys& keys);
  AnswerParts wanted() const;
  kit::Outcome outcomeOf(const Exchange& exchange, std::string_view origin) const;

  /// What the first rule that fits says of a complete answer's headers and what came of its body.
  std::optional<kit::Outcome> firstFit(const Answer& answer, std::string_view origin) const;
  /// What an answer that no rule fits means, once the rest has made `outcome` of it.
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

/// "200", "200-299", "4xx", several with commas. None: not that.
std::optional<std::vector<std::pair<int, int>>> parseStatuses(std::string_view text);

}  // namespace smsd::net
