// SPDX-License-Identifier: GPL-3.0-or-later
// What holds for every SMS that format() makes, whatever the messages: one list for the unit test and the
// fuzzer.
//
// Counts and reads on its own, with the C library's iconv, so that a mistake in common/text does not prove
// itself right.
#pragma once

#include <iconv.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "supervisor/format/format.h"

namespace smsd::test {

/// None when the bytes are no UTF-8.
inline std::optional<std::u32string> readUtf8(std::string bytes) {
  iconv_t converter = iconv_open("UCS-4LE", "UTF-8");
  std::u32string text(bytes.size(), U'\0');
  char *in = bytes.data(), *out = reinterpret_cast<char*>(text.data());
  std::size_t inLeft = bytes.size(), outLeft = bytes.size() * sizeof(char32_t);
  const bool good = iconv(converter, &in, &inLeft, &out, &outLeft) != static_cast<std::size_t>(-1);
  iconv_close(converter);
  if (!good) return std::nullopt;
  text.resize(text.size() - outLeft / sizeof(char32_t));
  // glibc also reads the sequences beyond Unicode that UTF-8 once had.
  if (std::any_of(text.begin(), text.end(), [](char32_t c) { return c > 0x10FFFF; })) return std::nullopt;
  return text;
}

struct Cost {
  format::Encoding encoding = format::Encoding::gsm7;
  std::size_t units = 0, parts = 1;
  bool operator==(const Cost&) const = default;
};

inline Cost costOf(const std::u32string& text) {
  static const std::u32string_view one =
      U"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\n\r !\"#$%&'()*+,-./:;<=>?@_"
      U"ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùü£¤¥§¡¿ΓΔΘΛΞΠΣΦΨΩ";
  static const std::u32string_view two = U"\f^{}\\[~]|€";
  const auto isIn = [](std::u32string_view set) {
    return [set](char32_t c) { return set.find(c) != std::u32string_view::npos; };
  };
  const bool gsm =
      std::all_of(text.begin(), text.end(), [&](char32_t c) { return isIn(one)(c) || isIn(two)(c); });
  Cost cost{gsm ? format::Encoding::gsm7 : format::Encoding::ucs2};
  std::size_t chained = 1, left = gsm ? 153 : 67;
  for (const char32_t c : text) {
    const std::size_t units = (gsm ? isIn(two)(c) : c > 0xFFFF) ? 2 : 1;
    cost.units += units;
    if (units > left) ++chained, left = gsm ? 153 : 67;
    left -= units;
  }
  cost.parts = cost.units <= (gsm ? 160u : 70u) ? 1 : chained;
  return cost;
}

/// NAV's layout of the first `count` texts.
inline std::string navLayout(const std::vector<format::Message>& messages, std::size_t count) {
  if (count == 1) return messages.front().text;
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += (i == 0 ? "" : "; ") + std::to_string(i + 1) + ": " + messages[i].text;
  return text;
}

inline std::string navSuffix(std::size_t ignored) {
  return ignored == 0 ? "" : " +" + std::to_string(ignored) + " see web.";
}

/// The promise that the SMS breaks, or nothing. `messages` may hold any bytes.
inline std::string brokenPromise(const std::vector<format::Message>& messages,
                                 const format::FormatRules& rules, const format::FormattedSms& sms) {
  const auto text = readUtf8(sms.text);
  if (!text) return "the text is valid UTF-8";
  if (Cost{sms.encoding, sms.units, sms.parts} != costOf(*text))
    return "encoding, units and parts are those of the text";
  if (sms.parts > static_cast<std::size_t>(std::max(rules.maxParts, 1)))
    return "the SMS has no more parts than it may";
  for (const char32_t c : *text)
    if ((c < 0x20 && c != '\n' && c != '\r') || (c >= 0x7F && c < 0xA0))
      return "there are no control characters";

  std::vector<format::MessageId> expected, found = sms.sent;
  for (const format::Message& message : messages) expected.push_back(message.id);
  found.insert(found.end(), sms.ignored.begin(), sms.ignored.end());
  found.insert(found.end(), sms.carried.begin(), sms.carried.end());
  if (found != expected) return "sent, then ignored or carried, are all messages in order";
  if (!messages.empty() && sms.sent.empty()) return "the first message is sent";
  if (!(rules.overflow == format::Overflow::summarize ? sms.carried : sms.ignored).empty())
    return "overflow goes one way";
  if (!sms.text.ends_with(navSuffix(sms.ignored.size()))) return "what is ignored is counted at the end";

  // With transliteration a text can consist of nothing but characters that are dropped.
  const bool someText =
      std::any_of(messages.begin(), messages.end(), [](const format::Message& m) { return !m.text.empty(); });
  if (rules.transliterate == format::Transliteration::off && sms.text.empty() == someText)
    return "the SMS is empty when no message has a text";
  return {};
}

/// The same for texts that format() has to leave as they are: UTF-8 without control characters, no
/// transliteration.
inline std::string brokenLayout(const std::vector<format::Message>& messages,
                                const format::FormatRules& rules, const format::FormattedSms& sms) {
  const std::size_t maxParts = static_cast<std::size_t>(rules.maxParts), count = sms.sent.size();
  const auto partsOf = [](const std::string& text) { return costOf(readUtf8(text).value()).parts; };
  const auto fits = [&](std::size_t layOut) {
    const std::string suffix =
        rules.overflow == format::Overflow::carry_over ? "" : navSuffix(messages.size() - layOut);
    const std::size_t reserved = suffix.empty() ? 0 : std::max<std::size_t>(suffix.size(), 15);
    return partsOf(navLayout(messages, layOut) + std::string(reserved, ' ')) <= maxParts;
  };
  if (sms.text.empty()) return {};
  const std::string suffix = navSuffix(sms.ignored.size());
  const bool isNavLayout = sms.text == navLayout(messages, count) + suffix;
  if ((isNavLayout || count == 1) && count < messages.size() && fits(count + 1))
    return "a message that fits is in the SMS";
  if (isNavLayout) return {};
  const auto headline = std::find_if(messages.begin(), messages.end(),
                                     [](const format::Message& m) { return !m.text.empty(); });
  if (headline - messages.begin() + 1 != static_cast<std::ptrdiff_t>(count))
    return "only a headline is cut or stands alone";
  if (sms.text == headline->text + suffix) return {};
  if (partsOf(headline->text + suffix) <= maxParts) return "what fits is not cut";
  const std::string end = (sms.encoding == format::Encoding::gsm7 ? "..." : "…") + suffix;
  if (!sms.text.ends_with(end)) return "what is cut ends with an ellipsis";
  const std::string kept = sms.text.substr(0, sms.text.size() - end.size());
  if (kept.empty() || !headline->text.starts_with(kept))
    return "what is left is the beginning of the headline";
  return {};
}

/// The promises of Transliteration::automatic, each against the same messages with `off` and with `on`.
inline std::string brokenSaving(const std::vector<format::Message>& messages,
                                const format::FormatRules& rules, const format::FormattedSms& sms) {
  if (rules.transliterate != format::Transliteration::automatic) return {};
  format::FormatRules other = rules;
  other.transliterate = format::Transliteration::off;
  const format::FormattedSms off = format::format(messages, other);
  if (sms.sent.size() < off.sent.size()) return "no message is left out that fits without replacements";
  if (sms.text == off.text) return {};
  if (sms.encoding != format::Encoding::gsm7) return "characters are replaced only for a GSM 7-bit SMS";
  if (sms.sent.size() > off.sent.size()) return {};
  // A text is cut where an ellipsis stands in place of its end.
  const bool wasCut = off.text.find("…") != off.text.npos || off.text.find("...") != off.text.npos;
  if (!wasCut && sms.parts >= off.parts) return "a replacement that saves neither a message nor a part";
  return {};
}

}  // namespace smsd::test
