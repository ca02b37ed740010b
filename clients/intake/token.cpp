// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/token.h"

#include <algorithm>
#include <cmath>

#include "common/text/number-form.h"

namespace smsd::webintake {
namespace {

using shapes::Target;
using shapes::WebFate;

bool covers(const std::string& allowed, const Target& target) {
  if (allowed == "*") return true;
  if (target.kind == Target::Kind::group) return allowed == target.name;
  const std::string number = text::numberForm(target.name);
  if (number.empty()) return false;
  if (!allowed.ends_with('*')) return text::numberForm(allowed) == number;
  const std::string start = text::numberForm(std::string_view(allowed).substr(0, allowed.size() - 1));
  return !start.empty() && number.starts_with(start);
}

}  // namespace

bool areEqual(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() && !secret.empty() ? 0 : 1;
  const std::string_view other = difference == 0 ? secret : given;  // as much work for a wrong length
  for (std::size_t at = 0; at < given.size(); ++at)
    difference |= static_cast<unsigned char>(given[at]) ^ static_cast<unsigned char>(other[at]);
  return difference == 0;
}

const Token* findToken(const std::vector<Token>& tokens, std::string_view given) {
  const Token* found = nullptr;
  for (const auto& token : tokens)
    if (areEqual(given, token.secret.reveal())) found = &token;
  return found;
}

std::optional<WebFate> refusalBy(const Token& token, const shapes::IncomingAlert& alert) {
  const auto& allowed = alert.to.kind == Target::Kind::group ? token.groups : token.recipients;
  if (std::none_of(allowed.begin(), allowed.end(), [&](const auto& one) { return covers(one, alert.to); }))
    return refused(WebFate::Refusal::notAllowed, alert.to.kind == Target::Kind::group
                                                     ? "this token may not send to that group"
                                                     : "this token may not send to that recipient");
  const auto& severities = token.severities;
  if (!severities.empty() &&
      std::find(severities.begin(), severities.end(), alert.severity) == severities.end())
    return refused(WebFate::Refusal::notAllowed, "this token may not send with that severity");
  return std::nullopt;
}

std::optional<std::chrono::seconds> TokenRate::take(std::size_t alerts, Clock now) {
  if (rate_ <= 0) return std::nullopt;
  const double minutes = static_cast<double>((now - last_).count()) / 60'000;
  left_ = std::min(rate_, left_ + rate_ * std::max(0.0, minutes));
  last_ = now;
  const double needed = std::min(static_cast<double>(alerts), rate_);
  if (needed <= left_) {
    left_ -= static_cast<double>(alerts);
    return std::nullopt;
  }
  return std::chrono::seconds(1 + static_cast<int>((needed - left_) / rate_ * 60));
}

}  // namespace smsd::webintake
