// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/token-admission.h"

#include <algorithm>

#include "clients/shapes/dedupe-key.h"
#include "common/text/utf.h"

namespace smsd::webintake {
namespace {

using shapes::WebFate;

constexpr std::size_t maxName = 200;  // bytes of a number or the name of a group

std::size_t codePoints(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::optional<WebFate> refusalByBounds(const shapes::IncomingAlert& alert) {
  using Refusal = WebFate::Refusal;
  if (alert.to.name.size() > maxName || alert.to.name.find('\0') != std::string::npos)
    return refused(alert.to.kind == shapes::Target::Kind::group ? Refusal::group : Refusal::recipient,
                   "the number or the name of the group cannot be one");
  if (!text::isValid(alert.text)) return refused(Refusal::text, "the text is not UTF-8");
  if (alert.text.find('\0') != std::string::npos) return refused(Refusal::text, "the text has a NUL");
  if (codePoints(alert.text) > shapes::maxText)
    return refused(Refusal::text, "the text is longer than 4096 characters");
  return std::nullopt;
}

TokenAdmission::TokenAdmission(std::vector<shapes::IncomingAlert> alerts, const Token& token) {
  refused_.reserve(alerts.size());
  for (auto& alert : alerts) {
    auto refusal = refusalByBounds(alert);
    if (!refusal) refusal = refusalBy(token, alert);
    refused_.push_back(std::move(refusal));
    groups_.push_back(alert.to.kind == shapes::Target::Kind::group);
    if (refused_.back()) continue;
    alert.key = shapes::keyOfToken(token.name, alert.key);
    alert.cancels = shapes::keyOfToken(token.name, alert.cancels);
    allowed_.push_back(std::move(alert));
  }
}

shapes::SubmissionResult TokenAdmission::whole(shapes::SubmissionResult result) {
  if (!result.problem.empty()) return result;
  std::vector<WebFate> all;
  all.reserve(refused_.size());
  std::size_t next = 0;
  for (std::size_t at = 0; at < refused_.size(); ++at) {
    if (refused_[at])
      all.push_back(std::move(*refused_[at]));
    else if (next < result.fates.size())
      all.push_back(std::move(result.fates[next++]));
    if (groups_[at] && !all.empty()) all.back().recipients.clear();
  }
  result.fates = std::move(all);
  return result;
}

}  // namespace smsd::webintake
