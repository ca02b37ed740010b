// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/admin-mail/digest.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <numeric>
#include <vector>

#include "common/text/utf.h"

namespace smsd::admin_mail {
namespace {

using journal::Level;

constexpr std::size_t mostOfLine = 400;  // bytes of a note's words
constexpr std::size_t mostEvents = 100;  // events that are counted separately

std::string timeOf(std::chrono::system_clock::time_point at) {
  std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", local);
}

}  // namespace

void Collection::keep(std::size_t lines) {
  most_ = lines;
  while (last_.size() > most_) drop();
}

void Collection::add(Note note) {
  if (total_++ == 0) since_ = note.at;
  Counted counted{note.level, counts_.size() < mostEvents ? note.event : ""};
  ++counts_[counted];
  note.words = text::printable(note.words, mostOfLine);
  last_.push_back(std::move(note));
  if (last_.size() > most_) drop();
}

/// Drops the oldest of the least severe notes, so that a storm of warnings does not displace an error.
void Collection::drop() {
  last_.erase(std::max_element(last_.begin(), last_.end(),
                               [](auto& one, auto& other) { return one.level < other.level; }));
}

void Collection::addEarlier(const Collection& earlier) {
  if (earlier.empty()) return;
  since_ = earlier.since_;
  total_ += earlier.total_;
  for (auto& [counted, count] : earlier.counts_) counts_[counted] += count;
  last_.insert(last_.begin(), earlier.last_.begin(), earlier.last_.end());
  while (last_.size() > most_) drop();
}

std::string Collection::headText(const std::string& host) const {
  std::map<Level, std::uint64_t> levels;
  for (auto& [counted, count] : counts_) levels[counted.first] += count;
  std::string sums;
  for (auto& [level, count] : levels)
    sums += fmt::format("{}{} {}{}", sums.empty() ? "" : ", ", count, nameOf(level), count == 1 ? "" : "s");
  std::string text = fmt::format("smsd on {}: {} since {}\n\n", host, sums, timeOf(since_));
  for (auto& [counted, count] : counts_)
    text += fmt::format("{:>9}  {} ({})\n", count, counted.second.empty() ? "other" : counted.second,
                        nameOf(counted.first));
  return text;
}

std::string Collection::text(const std::string& host, std::size_t mostBytes) const {
  std::string head = headText(host);
  // Keeps 200 bytes for the end of the last line and the sentence in front of the lines.
  std::size_t room = mostBytes - std::min(mostBytes, head.size() + 200);
  // Selects by severity, then the latest first; the text shows them in order of time.
  std::vector<std::size_t> order(last_.size());
  std::iota(order.rbegin(), order.rend(), 0);
  std::stable_sort(order.begin(), order.end(), [this](std::size_t one, std::size_t other) {
    return last_[one].level < last_[other].level;
  });
  std::map<std::size_t, std::string> lines;
  for (std::size_t n : order) {
    std::string line =
        fmt::format("{} {}: {}\n", timeOf(last_[n].at), nameOf(last_[n].level), last_[n].words);
    if (line.size() > room) break;
    room -= line.size();
    lines.emplace(n, std::move(line));
  }
  std::string text = head;
  const bool mixed = !counts_.empty() && counts_.begin()->first.first != counts_.rbegin()->first.first;
  text += lines.size() == total_
              ? "\n"
              : fmt::format("\nThe {} {} of {}; the journal has them all (journalctl -t smsd).\n\n",
                            mixed ? "most severe and last" : "last", lines.size(), total_);
  for (auto& [n, line] : lines) text += line;
  return std::string(text::truncated(text, mostBytes));
}

}  // namespace smsd::admin_mail
