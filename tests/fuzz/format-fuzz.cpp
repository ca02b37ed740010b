// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as one recipient's messages: the promises of format() and of common/text have to hold
// (libFuzzer).
//
// The first byte is the rules; the others are the messages, separated by 0x1E, a byte that a corpus of texts
// does not hold. Aborts at the first broken promise and says which.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/text/utf.h"
#include "supervisor/format/format.h"
#include "tests/fuzz/demand.h"
#include "tests/unit/supervisor/format-properties.h"

namespace {

using smsd::fuzz::demand;

std::vector<smsd::format::Message> messagesIn(std::string_view bytes) {
  std::vector<smsd::format::Message> messages;
  for (auto part : smsd::fuzz::split(bytes))
    messages.push_back(
        {static_cast<smsd::format::MessageId>(messages.size() + 1), std::string(part), std::nullopt});
  return messages;
}

bool isLeftAsItIs(const std::vector<smsd::format::Message>& messages) {
  for (const auto& message : messages) {
    const auto text = smsd::test::readUtf8(message.text);
    if (!text) return false;
    for (const char32_t c : *text)
      if ((c < 0x20 && c != '\n' && c != '\r') || (c >= 0x7F && c < 0xA0) || c == 0xFFFE || c == 0xFFFF)
        return false;
  }
  return true;
}

void checkText(std::string_view bytes, std::size_t bound) {
  namespace text = smsd::text;
  const std::string line = text::printable(bytes, bound);
  if (line.size() > bound || !text::isValid(line) || line.find('\n') != line.npos)
    demand("printable is one bounded line");
  const std::string good = text::repair(bytes);
  if (!smsd::test::readUtf8(good)) demand("what was repaired is valid");
  if (smsd::test::readUtf8(std::string(bytes)).has_value() != text::isValid(bytes))
    demand("iconv agrees on what is valid");
  const auto prefix = text::truncated(good, bound);
  if (prefix.size() > bound || !text::isValid(prefix)) demand("truncated keeps whole characters");
}

void checkNotice(const std::vector<smsd::format::Message>& messages, const smsd::format::FormatRules& rules) {
  constexpr std::string_view notice = " SMS limit reached, next in 60 min.";
  const auto sms = smsd::format::format(messages, rules, notice);
  if (!sms.text.empty() && !sms.text.ends_with(notice)) demand("the notice ends the SMS");
  if (sms.parts > static_cast<std::size_t>(rules.maxParts)) demand("the SMS with the notice fits");
  if (sms.sent.size() + sms.ignored.size() + sms.carried.size() != messages.size())
    demand("each message has a place");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const smsd::format::FormatRules rules{
      1 + data[0] % 8,
      data[0] & 0x10 ? smsd::format::Overflow::carry_over : smsd::format::Overflow::summarize,
      data[0] & 0x20   ? smsd::format::Transliteration::on
      : data[0] & 0x40 ? smsd::format::Transliteration::automatic
                       : smsd::format::Transliteration::off};
  checkText(bytes, data[0]);
  const auto messages = messagesIn(bytes);
  const smsd::format::FormattedSms sms = smsd::format::format(messages, rules);
  demand(smsd::test::brokenPromise(messages, rules, sms));
  if (rules.transliterate == smsd::format::Transliteration::off && isLeftAsItIs(messages))
    demand(smsd::test::brokenLayout(messages, rules, sms));
  demand(smsd::test::brokenSaving(messages, rules, sms));
  checkNotice(messages, rules);
  return 0;
}
