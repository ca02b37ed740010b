// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/outcome/outcome-kind.h"
#include "workers/kit/outcome-of.h"

namespace smsd::command {
namespace {

using nlohmann::json;

constexpr const char* version = "smsd";
constexpr std::uint64_t knownVersion = 1;
/// The supervisor waits no longer than this because of one answer.
constexpr std::uint64_t longestWait = 24 * 60 * 60 * 1000;

/// A value at the top of a line; std::monostate is null, a fraction, or a nested value.
using Value = std::variant<std::monostate, bool, std::int64_t, std::string>;

/// Keeps the values at the top of one JSON object, and skips all others.
class TopValues final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return keep({}); }
  bool boolean(bool value) override { return keep(value); }
  bool number_integer(number_integer_t value) override { return keep(value); }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    return keep(static_cast<std::int64_t>(std::min(value, static_cast<number_unsigned_t>(most))));
  }
  bool number_float(number_float_t, const string_t&) override { return keep({}); }
  bool string(string_t& value) override { return keep(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return deeper(); }
  bool end_object() override { return --depth_ >= 0; }
  bool start_array(std::size_t) override { return depth_ > 0 && deeper(); }
  bool end_array() override { return --depth_ >= 0; }
  bool key(string_t& name) override {
    if (depth_ != 1) return true;
    twice_ = twice_ || find(name) != nullptr;
    values_.emplace_back(std::move(name), Value{});
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return false;
  }

  const Value* find(std::string_view name) const {
    auto found = std::find_if(values_.begin(), values_.end(),
                              [name](const auto& value) { return value.first == name; });
    return found == values_.end() ? nullptr : &found->second;
  }
  bool twice() const { return twice_; }

 private:
  bool keep(Value value) {
    if (depth_ == 0) return false;  // a line is an object
    if (depth_ == 1) values_.back().second = std::move(value);
    return true;
  }
  bool deeper() { return ++depth_ <= mostDepth; }

  std::vector<std::pair<std::string, Value>> values_;
  int depth_ = 0;
  bool twice_ = false;
};

/// Reads fields of one line, and keeps the first reason why the line does not fit.
class Fields {
 public:
  explicit Fields(std::string_view line) {
    if (line.size() > mostLine)
      misfit(fmt::format("has {} bytes, expected at most {}", line.size(), mostLine));
    else if (!json::sax_parse(line.begin(), line.end(), &values_))
      misfit("is not one JSON object");
    else if (values_.twice())
      misfit("has a field twice");
  }

  bool has(const char* name) const { return values_.find(name) != nullptr; }
  bool fits() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }
  void misfit(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
  }

  std::string text(const char* name) { return get<std::string>(name, "a text").value_or(""); }
  bool flag(const char* name) { return get<bool>(name, "true or false").value_or(false); }
  std::optional<std::uint64_t> number(const char* name) {
    auto value = get<std::int64_t>(name, "a number without a fraction");
    if (value && *value < 0) misfit(fmt::format("has a `{}` below 0", name));
    return value ? std::optional(static_cast<std::uint64_t>(std::max<std::int64_t>(*value, 0)))
                 : std::nullopt;
  }

 private:
  template <typename T>
  std::optional<T> get(const char* name, const char* expected) {
    const Value* value = values_.find(name);
    if (value == nullptr) return std::nullopt;
    if (auto* right = std::get_if<T>(value)) return *right;
    misfit(fmt::format("has a `{}` that is not {}", name, expected));
    return std::nullopt;
  }

  TopValues values_;
  std::string reason_;
};

std::optional<outcome::OutcomeKind> kindNamed(std::string_view word) {
  using outcome::OutcomeKind;
  for (auto kind : {OutcomeKind::accepted, OutcomeKind::refused, OutcomeKind::deferred, OutcomeKind::broken,
                    OutcomeKind::unknown})
    if (word == outcome::name(kind)) return kind;
  return std::nullopt;
}

kit::Outcome outcomeIn(Fields& fields) {
  const std::string word = fields.text("outcome");
  const auto kind = kindNamed(word);
  if (!kind) {
    fields.misfit("has an `outcome` that is none of accepted, refused, deferred, broken and unknown");
    return kit::Unknown{};
  }
  const bool accepted = *kind == outcome::OutcomeKind::accepted;
  std::string words = fields.text(accepted ? "reference" : "reason");
  if (!accepted && words.empty()) words = "the program gave no reason";
  const auto after = std::min(fields.number("after_ms").value_or(0), longestWait);
  kit::Outcome outcome = kit::outcomeOf(*kind, std::move(words), kit::Milliseconds(after));
  const bool notReached = fields.flag("not_reached");
  if (auto* deferred = std::get_if<kit::Deferred>(&outcome); deferred != nullptr && notReached)
    deferred->reached = kit::Reached::no;
  return outcome;
}

HealthLine healthIn(Fields& fields) {
  const std::string word = fields.text("health");
  std::string reason = fields.text("reason");
  if (word == "ready") return {};
  if (word != "broken") fields.misfit("has a `health` that is neither ready nor broken");
  return {reason.empty() ? "the program gave no reason" : std::move(reason)};
}

const char* nameOf(kit::SmsEncoding encoding) { return encoding == kit::SmsEncoding::gsm7 ? "gsm7" : "ucs2"; }

}  // namespace

std::variant<Greeting, Misfit> readGreeting(std::string_view line) {
  Fields fields(line);
  const auto spoken = fields.number(version);
  Greeting greeting;
  if (auto window = fields.number("window")) {
    if (*window < 1 || *window > mostWindow)
      fields.misfit(fmt::format("has a `window` that is not 1 to {}", mostWindow));
    greeting.window = static_cast<unsigned>(std::min<std::uint64_t>(*window, mostWindow));
  }
  greeting.knowsKeys = fields.flag("knows_keys");
  if (fields.fits() && spoken != knownVersion)
    fields.misfit("does not have \"smsd\":1, the version of the lines");
  if (!fields.fits()) return Misfit{fields.reason()};
  return greeting;
}

std::variant<OutcomeLine, HealthLine, Misfit> readLine(std::string_view line) {
  Fields fields(line);
  if (fields.has("outcome")) {
    OutcomeLine read{fields.text("id"), outcomeIn(fields)};
    if (read.id.empty()) fields.misfit("has an outcome without an `id`");
    if (fields.fits()) return read;
  } else if (fields.has("health")) {
    HealthLine read = healthIn(fields);
    if (fields.fits()) return read;
  } else {
    fields.misfit("has neither an `outcome` nor a `health`");
  }
  return Misfit{fields.reason()};
}

std::string smsLine(const kit::Job& job) {
  nlohmann::ordered_json line = {{version, knownVersion},
                                 {"type", "sms"},
                                 {"id", std::to_string(job.attempt)},
                                 {"key", job.key},
                                 {"recipient", job.recipient},
                                 {"text", job.text},
                                 {"encoding", nameOf(job.encoding)},
                                 {"parts", job.parts},
                                 {"deadline_ms", job.deadline.count()}};
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string healthLine() { return "{\"smsd\":1,\"type\":\"health\"}\n"; }

std::vector<std::string> environmentOf(const kit::Job& job) {
  return {
      "SMSD_ID=" + std::to_string(job.attempt),  "SMSD_KEY=" + job.key,
      "SMSD_RECIPIENT=" + job.recipient,         "SMSD_TEXT=" + job.text,
      "SMSD_PARTS=" + std::to_string(job.parts), "SMSD_DEADLINE_MS=" + std::to_string(job.deadline.count())};
}

}  // namespace smsd::command
