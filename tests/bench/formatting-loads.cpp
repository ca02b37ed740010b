// SPDX-License-Identifier: GPL-3.0-or-later
// What a text costs before it leaves: formatting in each of its ways, and words made fit for a log.
#include "common/text/utf.h"
#include "supervisor/format/format.h"
#include "tests/bench/work-loads.h"

namespace smsd::bench {
namespace {

/// Where it stands says how severe a message is.
std::vector<format::Message> messages(const std::vector<std::string>& texts) {
  std::vector<format::Message> result;
  for (auto& text : texts) {
    int severity = static_cast<int>(result.size()) + 1;
    result.push_back({.id = 4000 + severity, .text = text, .severity = severity});
  }
  return result;
}

std::size_t numberOf(const format::FormattedSms& sms) {
  return sms.text.size() + 1000 * (sms.units + sms.parts + sms.sent.size() + sms.ignored.size());
}

WorkLoad formatting(const std::string& name, const std::vector<std::string>& texts,
                    format::FormatRules rules = {}) {
  return {name, "SMS", 200,
          [input = messages(texts), rules]() { return numberOf(format::format(input, rules)); }};
}

// What a gateway may say: several lines, an escape sequence, bytes that are no UTF-8, and too long.
std::string gatewaysWords() {
  std::string words = "ERROR 17:\r\n\x1b[31mnot allowed\x1b[0m \xC3\xA9\xFF\xE2\x80\xAE for this sender";
  for (int i = 0; i < 5; ++i) words += ", see https://gw.example.org/help?error=17";
  return words;
}

}  // namespace

std::vector<WorkLoad> formattingLoads() {
  const std::string down = "core-gw1.example.org: interface ge-0/0/17 down";
  return {
      formatting("format-one", {"core-gw1.example.org: box down since 03:00, 17 more behind it"}),
      formatting("format-several", {down, "core-gw2.example.org: box down", "ups-3: on battery", down,
                                    "room 17: temperature 41 C", "ntp1.example.org: not in sync", down}),
      formatting("format-escapes", {"[core-gw1] {ge-0/0/17} ~ \\ | ^ down", "\xE2\x82\xAC 17 spent [80%]",
                                    "[ups-3] on {battery}"}),
      formatting("format-ucs2",
                 {"\xD0\x9C\xD0\xB0\xD1\x80\xD1\x88\xD1\x80\xD1\x83\xD1\x82\xD0\xB8\xD0\xB7\xD0\xB0"
                  "\xD1\x82\xD0\xBE\xD1\x80 core-gw1",
                  "\xF0\x9F\x94\xA5 ups-3 \xE2\x80\x9Con battery\xE2\x80\x9D", down}),
      formatting("format-parts",
                 {down, "\xE2\x80\x9Croom 17\xE2\x80\x9D \xE2\x80\x93 41\xC2\xB0", down, down, down, down,
                  down, down, down, down, down, "e\xCC\x81tage 3: on battery"},
                 {.maxParts = 3,
                  .overflow = format::Overflow::carry_over,
                  .transliterate = format::Transliteration::on}),
      {"text-printable", "outcome", 200,
       [words = gatewaysWords()]() { return text::printable(words, 200).size(); }},
  };
}

}  // namespace smsd::bench
