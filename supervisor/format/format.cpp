// SPDX-License-Identifier: GPL-3.0-or-later
// Builds NAV's layout: messages are added one by one as long as the whole fits, with 15 characters kept free
// for ` +N see web.` while messages remain. The first that does not fit ends it, as in NAV, because a milder
// alert must not go past a more severe one. Each text is read only when its turn comes, so that an SMS costs
// the same whether ten messages wait for its recipient or a hundred thousand.
//
// Transliteration::automatic compares two layouts, that of the texts as they are and that of the texts with
// look-alikes. The second is made only if it can be better: something was left out, cut or needs a further
// part, and each character that forces the first into UCS-2 has a look-alike.
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

enum class Letters { kept, replaced };

std::u32string prepare(const Message& message, Letters letters) {
  std::u32string text = text::decode(message.text);
  std::transform(text.begin(), text.end(), text.begin(), tame);
  return letters == Letters::replaced ? text::transliterate(text) : text;
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

Meter extended(const Meter& meter, std::u32string_view more) {
  Meter next = meter;
  next.add(more);
  return next;
}

// The capacity of an SMS, and the suffix that it has to carry: the count of messages left out, and a notice.
struct Room {
  std::size_t parts;
  Overflow overflow;
  std::u32string notice;
  Encoding widest = Encoding::ucs2;

  bool fits(const Meter& meter) const {
    return meter.parts() <= parts && (widest == Encoding::ucs2 || meter.encoding() == Encoding::gsm7);
  }

  std::u32string suffix(std::size_t remaining) const { return count(remaining) + notice; }

  std::u32string count(std::size_t remaining) const {
    if (remaining == 0 || overflow == Overflow::carry_over) return {};
    return ascii(" +" + std::to_string(remaining) + " see web.");
  }

  // The space kept free for the suffix, so that it always fits, however many messages remain.
  std::u32string reserve(std::size_t remaining) const {
    std::u32string text = count(remaining);
    if (!text.empty() && text.size() < reservedForSuffix) text.resize(reservedForSuffix, U' ');
    return text + notice;
  }
};

// Returns the longest beginning of `text`, with an ellipsis, that leaves room for `suffix`, so that the most
// severe message is never dropped. The cut may be before the first character that the GSM alphabet lacks: 157
// septets hold more than 69 UTF-16 units with that character. Once a beginning is too long, so is every
// longer one, since no text takes fewer parts in UCS-2.
struct Beginning {
  std::u32string text;
  std::size_t kept = 0;  // characters of the whole text
};

Beginning cut(std::u32string_view text, std::u32string_view suffix, const Room& room) {
  const auto ellipsis = [](Encoding encoding) { return encoding == Encoding::gsm7 ? U"..." : U"…"; };
  Meter meter;
  text::ClusterScanner scanner;
  Beginning best{ellipsis(Encoding::gsm7)};
  for (std::size_t length = 0; length < text.size() && meter.parts() <= room.parts; ++length) {
    if (scanner.startsCluster(text[length])) {
      const std::u32string end = ellipsis(meter.encoding());
      if (room.fits(extended(meter, end + std::u32string(suffix))))
        best = {std::u32string(text.substr(0, length)) + end, length};
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

Headline findHeadline(const std::vector<Message>& messages, Letters letters) {
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (std::u32string text = prepare(messages[i], letters); !text.empty()) return {std::move(text), i + 1};
  return {};
}

constexpr std::size_t whole = static_cast<std::size_t>(-1);

// NAV's layout of as many messages as fit. The first is always taken.
struct Layout {
  std::u32string text;
  std::size_t count = 1;
  std::size_t kept = whole;  // characters of the headline that are left, if it was cut
  bool foreign = false;      // a text that was considered has a character that the alphabet lacks
};

std::size_t partsOf(const Layout& layout) { return extended({}, layout.text).parts(); }

Layout layOut(const std::vector<Message>& messages, Letters letters, const Room& room) {
  Layout layout{prepare(messages.front(), letters)};
  Meter meter;
  meter.add(U"1: " + layout.text);
  while (layout.count < messages.size()) {
    const std::size_t number = layout.count + 1;
    const std::u32string addition =
        ascii("; " + std::to_string(number) + ": ") + prepare(messages[number - 1], letters);
    const Meter next = extended(meter, addition + room.reserve(messages.size() - number));
    layout.foreign = next.encoding() == Encoding::ucs2;
    if (!room.fits(next)) break;
    if (number == 2) layout.text.insert(0, U"1: ");
    layout.text += addition;
    layout.count = number;
    meter.add(addition);
  }
  return layout;
}

// Empty messages keep their number, as in NAV, unless the SMS would have no other content. Then the headline
// is sent alone, whole if it fits, and the empty messages before it count as sent.
Layout chooseLayout(const std::vector<Message>& messages, Letters letters, const Room& room) {
  Headline headline = findHeadline(messages, letters);
  if (headline.count == 0) return {{}, messages.size()};
  Layout layout;
  if (messages.size() > 1) layout = layOut(messages, letters, room);
  if (layout.count == 1 || layout.count < headline.count) {
    layout.text = std::move(headline.text);
    layout.count = headline.count;
    const std::u32string suffix = room.suffix(messages.size() - layout.count);
    const Meter meter = extended({}, layout.text + suffix);
    layout.foreign |= meter.encoding() == Encoding::ucs2;
    if (!room.fits(meter)) {
      Beginning beginning = cut(layout.text, suffix, room);
      layout.text = std::move(beginning.text);
      layout.kept = beginning.kept;
    }
  }
  layout.text += room.suffix(messages.size() - layout.count);
  return layout;
}

// Whether look-alikes could save a message, the end of a text that was cut, or a part. They cannot if the SMS
// keeps a character without one: it is in UCS-2 both ways, or is shorter without the message that has it.
bool mayBeBetter(const Layout& plain, std::size_t messages) {
  if (!plain.foreign) return false;
  if (plain.count == messages && plain.kept == whole && partsOf(plain) == 1) return false;
  return std::all_of(plain.text.begin(), plain.text.end(), text::mayBecomeGsm7);
}

// Compares in this order: the messages in the SMS, the characters kept of a message that was cut, the parts.
bool isBetter(const Layout& replaced, const Layout& plain) {
  if (replaced.count != plain.count) return replaced.count > plain.count;
  std::size_t kept = plain.kept;
  // Only a comparison in the same letters is one: an ellipsis, for example, becomes three points.
  if (kept != whole) kept = text::transliterate(plain.text.substr(0, kept)).size();
  if (replaced.kept != kept) return replaced.kept > kept;
  return partsOf(replaced) < partsOf(plain);
}

Layout arrange(const std::vector<Message>& messages, const FormatRules& rules, std::string_view notice) {
  Room room{static_cast<std::size_t>(std::max(rules.maxParts, 1)), rules.overflow, ascii(notice)};
  const bool always = rules.transliterate == Transliteration::on;
  Layout layout = chooseLayout(messages, always ? Letters::replaced : Letters::kept, room);
  if (rules.transliterate == Transliteration::automatic && mayBeBetter(layout, messages.size())) {
    room.widest = Encoding::gsm7;
    Layout replaced = chooseLayout(messages, Letters::replaced, room);
    if (isBetter(replaced, layout)) layout = std::move(replaced);
  }
  return layout;
}

}  // namespace

FormattedSms format(const std::vector<Message>& messages, const FormatRules& rules, std::string_view notice) {
  const Layout layout = arrange(messages, rules, notice);

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
