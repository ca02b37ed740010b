// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/intake/admission.h"

#include <fmt/format.h>
#include <proto/intake.capnp.h>

#include <algorithm>

#include "common/text/number-form.h"
#include "common/text/utf.h"

namespace smsd::intake {
namespace {

constexpr std::size_t longestLabel = 64;  // bytes
constexpr std::size_t shownOfGroup = 40;  // bytes
constexpr int mildest = 5;

Admission refuse(Refusal refusal, std::string why) { return {{}, refusal, std::move(why)}; }

bool isText(const std::string& text) { return text::isValid(text) && text.find('\0') == std::string::npos; }

bool isLabel(const std::string& label) {
  return label.size() <= longestLabel && std::ranges::all_of(label, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '-' || c == '_' || c == '@';
         });
}

bool mayReach(const config::IntakeCaller& caller, const std::string& number) {
  return std::ranges::any_of(caller.recipients, [&number](const std::string& pattern) {
    if (!pattern.ends_with('*')) return pattern == number;
    return number.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
  });
}

bool mayUse(const config::IntakeCaller& caller, const std::string& group) {
  return std::ranges::any_of(caller.groups,
                             [&group](const std::string& name) { return name == "*" || name == group; });
}

/// Everything but the recipient.
std::optional<Admission> problemOf(const Alert& alert, const config::IntakeCaller& caller) {
  if (!isText(alert.text)) return refuse(Refusal::text, "the text is not UTF-8, or contains a NUL");
  if (alert.text.empty() && alert.cancels.empty()) return refuse(Refusal::text, "the text is empty");
  if (alert.text.size() > proto::MAX_ALERT_TEXT && text::decode(alert.text).size() > proto::MAX_ALERT_TEXT)
    return refuse(Refusal::text,
                  fmt::format("the text has more than {} characters", std::uint32_t(proto::MAX_ALERT_TEXT)));
  for (const auto& [name, key] : {std::pair("key", &alert.key), std::pair("cancels", &alert.cancels)})
    if (key->size() > proto::MAX_KEY || !isText(*key))
      return refuse(Refusal::key, fmt::format("`{}` is not UTF-8, contains a NUL, or has more than {} bytes",
                                              name, std::uint32_t(proto::MAX_KEY)));
  if (!isLabel(alert.label))
    return refuse(Refusal::key,
                  fmt::format("the label has more than {} bytes, or others than letters, digits "
                              "and .-_@",
                              longestLabel));
  if (alert.severity < 0 || alert.severity > mildest)
    return refuse(Refusal::severity, fmt::format("the severity is {}, expected 1 to {}, or 0 for none",
                                                 alert.severity, mildest));
  if (!caller.severities.empty() &&
      std::ranges::find(caller.severities, alert.severity) == caller.severities.end())
    return refuse(Refusal::notAllowed,
                  fmt::format("the user {} may not submit the severity {}", caller.user, alert.severity));
  return std::nullopt;
}

}  // namespace

Admission admit(const Alert& alert, const config::IntakeCaller& caller, const config::Config& config) {
  if (auto problem = problemOf(alert, caller)) return *problem;
  std::vector<std::string> numbers;
  if (alert.group) {
    const std::string shown = text::printable(*alert.group, shownOfGroup);
    if (!mayUse(caller, *alert.group))
      return refuse(Refusal::notAllowed,
                    fmt::format("the user {} may not submit to the group {}", caller.user, shown));
    const auto* group = config::groupNamed(config, *alert.group);
    if (group == nullptr) return refuse(Refusal::group, fmt::format("there is no group {}", shown));
    numbers = group->numbers;
  } else {
    auto form = text::oneForm(alert.recipient, config.country);
    if (!form.problem.empty()) return refuse(Refusal::recipient, std::move(form.problem));
    if (!mayReach(caller, form.number))
      return refuse(Refusal::notAllowed,
                    fmt::format("the user {} may not submit to this number", caller.user));
    numbers.push_back(std::move(form.number));
  }
  Admission admission;
  for (auto& number : numbers) {
    queue::NewAlert target{.recipient = std::move(number), .text = alert.text, .caller = caller.user};
    if (alert.severity > 0) target.severity = alert.severity;
    if (alert.expiresIn > 0) target.expiresIn = std::chrono::seconds(alert.expiresIn);
    target.label = alert.label;
    target.group = alert.group.value_or("");
    target.key = alert.key;
    target.cancels = alert.cancels;
    admission.targets.push_back(std::move(target));
  }
  return admission;
}

}  // namespace smsd::intake
