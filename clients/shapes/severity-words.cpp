// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/severity-words.h"

#include "common/text/ascii.h"

namespace smsd::shapes {
namespace {

struct CommonWord {
  const char* word;
  int severity;
};

/// Of the rules of Prometheus' community, of Alertmanager, Icinga, Zabbix and syslog.
constexpr CommonWord common[] = {
    {"page", 1},   {"critical", 1}, {"crit", 1},  {"emergency", 1},     {"emerg", 1},       {"disaster", 1},
    {"fatal", 1},  {"p1", 1},       {"alert", 1}, {"error", 2},         {"err", 2},         {"high", 2},
    {"major", 2},  {"down", 2},     {"p2", 2},    {"warning", 3},       {"warn", 3},        {"average", 3},
    {"medium", 3}, {"ticket", 3},   {"p3", 3},    {"unknown", 3},       {"minor", 4},       {"low", 4},
    {"notice", 4}, {"p4", 4},       {"info", 5},  {"informational", 5}, {"information", 5}, {"none", 5},
    {"debug", 5},  {"ok", 5},       {"up", 5},    {"unreachable", 2},   {"p5", 5}};

}  // namespace

SeverityWords::SeverityWords(std::vector<SeverityWord> own) : words_(std::move(own)) {
  for (auto& one : words_) one.word = text::lower(one.word);
}

int SeverityWords::of(std::string_view word, int otherwise) const {
  const std::string known = text::lower(word);
  for (const auto& one : words_)
    if (one.word == known) return one.severity;
  if (known.size() == 1 && known[0] >= '1' && known[0] <= '5') return known[0] - '0';
  for (const auto& one : common)
    if (known == one.word) return one.severity;
  return otherwise;
}

}  // namespace smsd::shapes
