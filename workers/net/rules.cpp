// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/rules.h"

#include <algorithm>
#include <charconv>

#include "common/text/utf.h"
#include "workers/kit/outcome-of.h"
#include "workers/net/answer-text.h"
#include "workers/net/near-json.h"
#include "workers/net/template.h"

namespace smsd::net {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t mostMemory = 1 << 20;  // bytes for one expression

std::optional<int> parseStatus(std::string_view text) {
  int status = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
  if (error != std::errc{} || end != text.data() + text.size() || status < 100 || status > 999)
    return std::nullopt;
  return status;
}

std::optional<std::pair<int, int>> parseRange(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text.remove_suffix(text.size() - (text.find_last_not_of(' ') + 1));
  if (text.size() == 3 && text.ends_with("xx") && text[0] >= '1' && text[0] <= '9')
    return std::pair((text[0] - '0') * 100, (text[0] - '0') * 100 + 99);
  std::size_t dash = text.find('-');
  auto first = parseStatus(text.substr(0, dash));
  auto last = dash == std::string_view::npos ? first : parseStatus(text.substr(dash + 1));
  if (!first || !last || *first > *last) return std::nullopt;
  return std::pair(*first, *last);
}

/// Returns the outcome of an answer that the rules cannot read. With a success status the configuration has
/// to be completed (`notUnderstood`); with any other status the gateway's action is not known.
kit::Unknown unread(std::string_view origin, std::string_view words, int status) {
  bool success = status >= 200 && status < 300;
  return {std::string(origin) + " " + std::string(words) + " (" + std::to_string(status) + ")",
          success ? kit::Reply::notUnderstood : kit::Reply::none};
}

/// `number` is the place of `rule` in the list, from 1.
kit::Outcome outcomeAs(const Rule& rule, std::size_t number, const Exchange& exchange,
                       const std::string& reference, std::string_view origin) {
  std::string reason(origin);
  if (rule.reason.empty())
    reason += " gave an answer that matches rule " + std::to_string(number) + " of `answers` (" +
              std::to_string(exchange.status) + ")";
  else
    reason += ": " + rule.reason;
  const Milliseconds after = exchange.retryAfter > 0ms ? exchange.retryAfter : rule.after;
  return kit::outcomeOf(rule.is, rule.is == OutcomeKind::accepted ? reference : reason,
                        std::clamp(after, Milliseconds(0), longestRetryAfter));
}

/// Returns the part of `value` that one step of a JSON pointer leads to (RFC 6901, 4); nullptr: there is
/// none. A step into a list is a number without leading zeros.
const nlohmann::json* partOf(const nlohmann::json& value, const std::string& step) {
  if (value.is_object()) {
    auto found = value.find(step);
    return found == value.end() ? nullptr : &*found;
  }
  if (!value.is_array()) return nullptr;
  std::size_t place = 0;
  const char* end = step.data() + step.size();
  auto [stopped, error] = std::from_chars(step.data(), end, place);
  const bool isPlace = error == std::errc{} && stopped == end && (step.size() == 1 || step[0] != '0');
  return isPlace && place < value.size() ? &value[place] : nullptr;
}

}  // namespace

std::optional<std::vector<std::pair<int, int>>> parseStatuses(std::string_view text) {
  std::vector<std::pair<int, int>> ranges;
  for (std::size_t at = 0; at <= text.size();) {
    std::size_t comma = std::min(text.find(',', at), text.size());
    auto range = parseRange(text.substr(at, comma - at));
    if (!range) return std::nullopt;
    ranges.push_back(*range);
    at = comma + 1;
  }
  return ranges;
}

std::optional<std::string> Expression::compile(const std::string& text) {
  if (text.empty()) return std::nullopt;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(mostMemory);
  auto compiled = std::make_shared<RE2>(text, options);
  if (!compiled->ok()) {
    // Cut at the colon, because RE2 quotes the expression after it.
    return "not a regular expression as RE2 knows them: " +
           compiled->error().substr(0, compiled->error().find(':'));
  }
  expression_ = std::move(compiled);
  return std::nullopt;
}

bool Expression::matches(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), *expression_);
}

std::optional<std::string> Expression::extract(std::string_view text) const {
  re2::StringPiece found[2];
  int groups = std::min(expression_->NumberOfCapturingGroups(), 1) + 1;
  re2::StringPiece whole(text.data(), text.size());
  if (!expression_->Match(whole, 0, whole.size(), RE2::UNANCHORED, found, groups)) return std::nullopt;
  const re2::StringPiece& piece = found[groups - 1];
  return std::string(piece.data() == nullptr ? "" : piece.data(), piece.size());
}

std::optional<std::string> Pointer::compile(const std::string& text) {
  if (text.empty()) return std::nullopt;
  try {
    std::vector<std::string> steps;
    for (nlohmann::json::json_pointer rest(text); !rest.empty(); rest.pop_back())
      steps.push_back(rest.back());
    steps_.assign(steps.rbegin(), steps.rend());
    return std::nullopt;
  } catch (const nlohmann::json::exception&) {
    return "not a JSON pointer, expected one like /messages/0/id";
  }
}

std::optional<std::string> Pointer::in(const nlohmann::json& document) const {
  const nlohmann::json* value = &document;
  for (const std::string& step : steps_)
    if (value = partOf(*value, step); value == nullptr) return std::nullopt;
  if (value->is_null()) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  if (value->is_primitive()) return value->dump();
  return "";
}

const std::string& Answer::text() const {
  if (!text_) text_ = textOf(exchange_.body, exchange_.contentType);
  return *text_;
}

const nlohmann::json& Answer::json() const {
  if (!json_) json_ = readJson(text());
  return *json_;
}

bool Rule::fitsStatus(int answered) const {
  return statuses.empty() || std::any_of(statuses.begin(), statuses.end(), [&](auto& range) {
           return answered >= range.first && answered <= range.second;
         });
}

bool Rule::isForSuccess() const {
  return statuses.empty() || std::any_of(statuses.begin(), statuses.end(), [](auto& range) {
           return range.first < 300 && range.second >= 200;
         });
}

bool Rule::fits(const Answer& answer) const {
  if (!fitsStatus(answer.exchange().status)) return false;
  if (bodyExpression && !bodyExpression.matches(answer.text())) return false;
  if (!pointer) return true;
  auto value = pointer.in(answer.json());
  if (!value) return false;
  if (!equals.empty() && *value != equals) return false;
  return !valueExpression || valueExpression.matches(*value);
}

void Rules::declare(config::Keys& keys) {
  keys.list<Rule>(
      "answers", rules_,
      [](config::Keys& inner, Rule& rule) {
        inner.text("status", rule.status,
                   "the status that the rule is for: 200, 200-299, 4xx, or several with commas");
        inner.example("status", "200-299");
        inner.text("body", rule.body, "a regular expression (RE2) that has to match somewhere in the body");
        inner.example("body", "'(?i)^OK'");
        inner.text("json", rule.json,
                   "a JSON pointer to a value that has to be present, like /messages/0/id");
        inner.example("json", "/messages/0/status");
        inner.text("equals", rule.equals, "the text that the value at `json` has to equal");
        inner.example("equals", "\"0\"");
        inner.text("matches", rule.matches, "a regular expression that has to match the value at `json`");
        inner.example("matches", "'^(0|10)$'");
        inner.choice("is", rule.is,
                     {{"accepted", OutcomeKind::accepted},
                      {"refused", OutcomeKind::refused},
                      {"deferred", OutcomeKind::deferred},
                      {"broken", OutcomeKind::broken},
                      {"unknown", OutcomeKind::unknown}},
                     "the outcome that the answer means", config::Presence::required);
        inner.example("is", "broken");  // without a condition: the rule is for every answer
        inner.duration("after", rule.after, {0ms, longestRetryAfter},
                       "how long to wait when deferred, unless the gateway sends Retry-After");
        inner.text("reason", rule.reason, "the reason for the operator");
        inner.example("reason", "the number cannot be sent to");
        inner.rule("status", [&rule]() -> std::optional<std::string> {
          if (rule.status.empty()) return std::nullopt;
          auto statuses = parseStatuses(rule.status);
          if (!statuses)
            return "expected a status like 200, a range like 200-299 or 4xx, or several with commas";
          rule.statuses = *std::move(statuses);
          return std::nullopt;
        });
        inner.rule("body", [&rule] { return rule.bodyExpression.compile(rule.body); });
        inner.rule("json", [&rule] { return rule.pointer.compile(rule.json); });
        inner.rule("matches", [&rule]() -> std::optional<std::string> {
          if (rule.json.empty() && !rule.matches.empty()) return "expected `json` beside it";
          return rule.valueExpression.compile(rule.matches);
        });
        inner.rule("equals", [&rule]() -> std::optional<std::string> {
          if (rule.json.empty() && !rule.equals.empty()) return "expected `json` beside it";
          return std::nullopt;
        });
      },
      "rules for the gateway's answers: the first rule whose conditions all hold decides, otherwise the "
      "status");
  keys.text("reference.body", reference_.body,
            "a regular expression whose first group is the reference of an accepted SMS in the body");
  keys.example("reference.body", "'^OK ([0-9]+)'");
  keys.text("reference.json", reference_.json, "a JSON pointer to the reference");
  keys.example("reference.json", "/messages/0/id");
  keys.text("reference.header", reference_.header, "the header that holds the reference");
  keys.example("reference.header", "X-Message-Id");
  keys.rule("reference.body", [this] { return reference_.expression.compile(reference_.body); });
  keys.rule("reference.json", [this] { return reference_.pointer.compile(reference_.json); });
  keys.rule("reference.header", [this]() -> std::optional<std::string> {
    if (reference_.header.empty() || isHeaderName(reference_.header)) return std::nullopt;
    return "expected the name of a header";
  });
}

AnswerParts Rules::wanted() const {
  bool body = reference_.expression || reference_.pointer ||
              std::any_of(rules_.begin(), rules_.end(), [](const Rule& rule) { return rule.readsBody(); });
  return {body ? AnswerParts::Body::kept : AnswerParts::Body::dropped, reference_.header};
}

std::optional<std::string> Rules::reference(const Answer& answer) const {
  std::optional<std::string> found;
  if (!reference_.header.empty() && !answer.exchange().header.empty())
    found = textOf(answer.exchange().header, "");
  if (!found && reference_.pointer) found = reference_.pointer.in(answer.json());
  if (!found && reference_.expression) found = reference_.expression.extract(answer.text());
  if (found) found->resize(text::truncated(*found, longestReference).size());
  return found;
}

std::optional<kit::Outcome> Rules::firstFit(const Answer& answer, std::string_view origin) const {
  const Exchange& exchange = answer.exchange();
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Rule& rule = rules_[i];
    if (rule.fits(answer)) return outcomeAs(rule, i + 1, exchange, reference(answer).value_or(""), origin);
    // The missing part of the body could match this rule.
    if (exchange.whole == Exchange::Body::partial && rule.readsBody() && rule.fitsStatus(exchange.status))
      return unread(origin, "gave an answer that did not arrive completely", exchange.status);
  }
  return std::nullopt;
}

// If a rule defines a success for 2xx, any other 2xx answer is no success: for example, "ERROR: out of
// credits" beside a rule for "^OK". A success rule for another status (409: already received) does not affect
// 2xx.
kit::Outcome Rules::unruled(kit::Outcome outcome, const Exchange& exchange, std::string_view origin) const {
  auto saysYes = [](const Rule& rule) { return rule.is == OutcomeKind::accepted && rule.isForSuccess(); };
  if (!std::holds_alternative<kit::Accepted>(outcome) || std::none_of(rules_.begin(), rules_.end(), saysYes))
    return outcome;
  return unread(origin, "gave an answer that no rule covers", exchange.status);
}

/// Whether rules look for JSON values in an answer that is not JSON. Such an answer cannot be trusted as a
/// success, because no rule could have rejected it: it may be a login page.
bool Rules::decideNothing(const Answer& answer) const {
  const Exchange& exchange = answer.exchange();
  bool asked = std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    return rule.pointer && rule.fitsStatus(exchange.status);
  });
  if (!asked || !answer.json().is_discarded()) return false;
  return answer.text().find_first_not_of(" \t\r\n") != std::string::npos;
}

kit::Outcome Rules::outcomeOf(const Exchange& exchange, std::string_view origin) const {
  if (exchange.status == 0) return net::outcomeOf(exchange, origin);
  Answer answer(exchange);
  if (auto ruled = firstFit(answer, origin)) return *std::move(ruled);
  kit::Outcome outcome = net::outcomeOf(exchange, origin);
  if (auto* accepted = std::get_if<kit::Accepted>(&outcome)) {
    if (decideNothing(answer))
      return unread(origin, "gave an answer that is no JSON, but its rules read JSON", exchange.status);
    accepted->reference = reference(answer).value_or("");
  }
  return unruled(std::move(outcome), exchange, origin);
}

}  // namespace smsd::net
