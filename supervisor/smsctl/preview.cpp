// SPDX-License-Identifier: GPL-3.0-or-later
// Both forms use the same format() as the daemon's own SMS, so that they show the SMS that would be sent.
#include "supervisor/smsctl/preview.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/text/gsm7.h"
#include "common/text/utf.h"

namespace smsd::smsctl {
namespace {

format::FormattedSms formatLines(const std::vector<std::string>& lines, const format::FormatRules& rules) {
  std::vector<format::Message> messages;
  messages.reserve(lines.size());
  for (const std::string& line : lines)
    messages.push_back({static_cast<format::MessageId>(messages.size() + 1), line, std::nullopt});
  return format::format(messages, rules);
}

std::string nameOf(format::Encoding encoding) {
  switch (encoding) {
    case format::Encoding::gsm7:
      return "gsm7";
    case format::Encoding::ucs2:
      return "ucs2";
  }
  return {};
}

}  // namespace

std::string previewText(const std::vector<std::string>& lines, const format::FormatRules& rules) {
  const format::FormattedSms sms = formatLines(lines, rules);
  const auto allowed = static_cast<std::size_t>(std::max(rules.maxParts, 1));
  const text::PartSize size = sms.encoding == format::Encoding::gsm7 ? text::gsm7Part : text::ucs2Part;
  return fmt::format("{}\n{}, {}/{} {}, {}/{} {}; {} of {} messages in it, {} ignored, {} carried\n",
                     sms.text.empty() ? "(nothing to send)" : sms.text, nameOf(sms.encoding), sms.units,
                     size.room(allowed), sms.encoding == format::Encoding::gsm7 ? "septets" : "UTF-16 units",
                     sms.parts, allowed, allowed == 1 ? "part" : "parts", sms.sent.size(), lines.size(),
                     sms.ignored.size(), sms.carried.size());
}

std::string previewJson(const std::vector<std::string>& lines, const format::FormatRules& rules) {
  const format::FormattedSms sms = formatLines(lines, rules);
  nlohmann::ordered_json json{{"sms", sms.text},
                              {"sent", sms.sent.size()},
                              {"ignored", sms.ignored.size()},
                              {"encoding", nameOf(sms.encoding)},
                              {"units", sms.units},
                              {"parts", sms.parts}};
  if (!sms.carried.empty()) json["carried"] = sms.carried.size();
  return text::escapedJson(json.dump()) + "\n";
}

}  // namespace smsd::smsctl
