// SPDX-License-Identifier: GPL-3.0-or-later
// Builds NAV's layout: messages are added one by one as long as the whole fits, with 15 characters kept free
// for ` +N see web.` while messages remain. The first that does not fit ends it, as in NAV, because a milder
// alert must not go past a more severe one. Each text is read only when its turn comes, so that an SMS costs
// the same whether ten messages wait for its recipient or a hundred thousand.
#include "supervisor/format/format.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/text/gsm7.h"
#include "common/text/utf.h"

namespace smsd::format {
namespace {

constexpr std::size_t reservedForSuffix = 15;

std::u32string ascii(std::string_view text) { return {text.begin(), text.end()}; }

// Replaces characters that gateways, modems or XML cannot carry. C0 and C1 become blanks (a NUL would end the
// text in a C library, an escape would begin an extension character), except for line ends, which the
// alphabet has. U+FFFE and U+FFFF may not occur in an XML document.
char32_t tame(char32_t c) {
  if (c == U'\n' || c == U'\r') return c;
  if (text::isControl(c)) return U' ';
  return c == 0xFFFE || c == 0xFFFF ? text::replacement : c;
}

std::u32string prepare(const Message& message, const FormatRules& rules) {
  std::u32string text = text::decode(message.text);
  std::transform(text.begin(), text.end(), text.begin(), tame);
  return rules.transliterate ? text::transliterate(text) : text;
}

// Measures a text as it grows, in both encodings at once. A copy can try a continuation.
class Meter {
 public:
  void add(char32_t c) {
    const auto cost = text::septets(c);
    if (!cost) encoding_ = Encoding::ucs2;
    gsm7_.add(cost.value_or(0));
    ucs2_.add(text::utf16Units(c));
  }
  void add(std::u32string_view text) {
    for (const char32_t c : text) add(c);
  }
  Encoding encoding() const { return encoding_; }
  std::size_t units() const { return counter().units(); }
  std::size_t parts() const { return counter().parts(); }

 private:
  const text::PartCounter& counter() const { return encoding_ == Encoding::gsm7 ? gsm7_ : ucs2_; }

  Encoding encoding_ = Encoding::gsm7;
  text::PartCounter gsm7_{text::gsm7Part};
  text::PartCounter ucs2_{text::ucs2Part};
};

// The capacity of an SMS, and the suffix that it has to carry.
struct Room {
  std::size_t parts;
  Overflow overflow;

  bool fits(Meter meter, std::u32string_view more) const {
    meter.add(more);
    return meter.parts() <= parts;
  }

  std::u32string suffix(std::size_t remaining) const {
    if (remaining == 0 || overflow == Overflow::carry_over) return {};
    return ascii(" +" + std::to_string(remaining) + " see web.");
  }

  // The space kept free for the suffix, so that it always fits, however many messages remain.
  std::u32string reserve(std::size_t remaining) const {
    std::u32string text = suffix(remaining);
    if (!text.empty() && text.size() < reservedForSuffix) text.resize(reservedForSuffix, U' ');
    return text;
  }
};

// Returns the longest beginning of `text`, with an ellipsis, that leaves room for `suffix`, so that the most
// severe message is never dropped. The cut may be before the first character that the GSM alphabet lacks: 157
// septets hold more than 69 UTF-16 units with that character. Once a beginning is too long, so is every
// longer one, since no text takes fewer parts in UCS-2.
std::u32string cut(std::u32string_view text, std::u32string_view suffix, const Room& room) {
  const auto ellipsis = [](Encoding encoding) { return encoding == Encoding::gsm7 ? U"..." : U"…"; };
  Meter meter;
  text::ClusterScanner scanner;
  std::u32string best = ellipsis(Encoding::gsm7);
  for (std::size_t length = 0; length < text.size() && meter.parts() <= room.parts; ++length) {
    if (scanner.startsCluster(text[length])) {
      const std::u32string end = ellipsis(meter.encoding());
      if (room.fits(meter, end + std::u32string(suffix))) best = std::u32string(text.substr(0, length)) + end;
    }
    meter.add(text[length]);
  }
  return best;
}

// The first message that has a text. It has to be in the SMS.
struct Headline {
  std::u32string text;
  std::size_t count = 0;  // messages up to and including it; 0: none has a text
};

Headline findHeadline(const std::vector<Message>& messages, const FormatRules& rules) {
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (std::u32string text = prepare(messages[i], rules); !text.empty()) return {std::move(text), i + 1};
  return {};
}

// NAV's layout of as many messages as fit. The first is always taken.
struct Layout {
  std::u32string text;
  std::size_t count = 1;
};

Layout layOut(const std::vector<Message>& messages, const FormatRules& rules, const Room& room) {
  Layout layout{prepare(messages.front(), rules)};
  Meter meter;
  meter.add(U"1: " + layout.text);
  while (layout.count < messages.size()) {
    const std::size_t number = layout.count + 1;
    const std::u32string addition =
        ascii("; " + std::to_string(number) + ": ") + prepare(messages[number - 1], rules);
    if (!room.fits(meter, addition + room.reserve(messages.size() - number))) break;
    if (number == 2) layout.text.insert(0, U"1: ");
    layout.text += addition;
    layout.count = number;
    meter.add(addition);
  }
  return layout;
}

// Empty messages keep their number, as in NAV, unless the SMS would have no other content. Then the headline
// is sent alone, whole if it fits, and the empty messages before it count as sent.
Layout chooseLayout(const std::vector<Message>& messages, const FormatRules& rules, const Room& room) {
  Headline headline = findHeadline(messages, rules);
  if (headline.count == 0) return {{}, messages.size()};
  Layout layout;
  if (messages.size() > 1) layout = layOut(messages, rules, room);
  if (layout.count == 1 || layout.count < headline.count) {
    layout = {std::move(headline.text), headline.count};
    const std::u32string suffix = room.suffix(messages.size() - layout.count);
    if (!room.fits({}, layout.text + suffix)) layout.text = cut(layout.text, suffix, room);
  }
  layout.text += room.suffix(messages.size() - layout.count);
  return layout;
}

}  // namespace

FormattedSms format(const std::vector<Message>& messages, const FormatRules& rules) {
  const Room room{static_cast<std::size_t>(std::max(rules.maxParts, 1)), rules.overflow};
  const Layout layout = chooseLayout(messages, rules, room);

  Meter meter;
  meter.add(layout.text);
  FormattedSms sms;
  sms.text = text::encode(layout.text);
  sms.encoding = meter.encoding();
  sms.units = meter.units();
  sms.parts = meter.parts();
  std::vector<MessageId>& rest = rules.overflow == Overflow::carry_over ? sms.carried : sms.ignored;
  for (std::size_t i = 0; i < messages.size(); ++i)
    (i < layout.count ? sms.sent : rest).push_back(messages[i].id);
  return sms;
}

}  // namespace smsd::format
