// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/status/screen.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "common/status-words/mail-words.h"
#include "common/text/age.h"
#include "common/text/grouped.h"
#include "common/text/utf.h"
#include "supervisor/smsctl/advice.h"
#include "supervisor/smsctl/status/heartbeat-words.h"
#include "supervisor/smsctl/status/names.h"

namespace smsd::smsctl {
namespace {

using io::Line;
using io::Lines;
using io::Style;
using Dispatchers = std::vector<proto::DispatcherStatus::Reader>;

constexpr std::size_t markColumn = 3;                     // of a finding: its words begin here,
constexpr std::size_t ageColumn = 15;                     // or here, after its age
constexpr std::size_t factColumn = 9;                     // of a fact
constexpr std::size_t fewDispatchers = 6;                 // that are always shown
constexpr std::size_t longFinding = 6, shortFinding = 2;  // lines of words: if there are few, or several

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t used = widthOf(text);
  return used < width ? text + std::string(width - used, ' ') : text;
}

std::string cut(const std::string& text, std::size_t width) { return wrapped(text, width, 1).front(); }

void append(Lines& lines, const Lines& more) { lines.insert(lines.end(), more.begin(), more.end()); }

Style styleOf(StatusFinding::Rank rank) {
  switch (rank) {
    case StatusFinding::Rank::unhealthy:
    case StatusFinding::Rank::cause:
      return Style::bad;
    case StatusFinding::Rank::decision:
    case StatusFinding::Rank::attention:
      return Style::warning;
    case StatusFinding::Rank::news:
      break;
  }
  return Style::faint;
}

const char* markOf(StatusFinding::Rank rank) {
  return rank <= StatusFinding::Rank::cause ? "!!" : rank <= StatusFinding::Rank::attention ? "! " : "- ";
}

/// The command begins after `$`, and a shell ignores the words after it. One that is too long for a line goes
/// on after a backslash, as a shell takes it; words that have no room beside it get a line of their own.
Lines commandOf(const StatusFinding& trouble, const Frame& frame) {
  const auto rows = brokenForShell(typed(trouble.next, frame.option, frame.user), frame.columns - 5);
  Lines lines;
  for (const auto& row : rows)
    lines.push_back({{lines.empty()       ? "   $ "
                      : row.continuesWord ? ""
                                          : "     "},
                     {row.text, Style::strong}});
  if (trouble.when.empty()) return lines;
  const std::string when = "# " + trouble.when;
  if (5 + widthOf(rows.back().text) + 2 + widthOf(when) <= frame.columns)
    lines.back().push_back({"  " + when, Style::faint});
  else
    lines.push_back({{"     "}, {when, Style::faint}});
  return lines;
}

Lines linesOf(const StatusFinding& trouble, const Frame& frame, std::size_t mostOfWords) {
  const std::string age = ageOf(trouble);
  const std::size_t column = age.empty() ? markColumn : ageColumn;
  const auto words =
      wrapped(advised(text::printable(trouble.what), frame.option), frame.columns - column, mostOfWords);
  Lines lines{{{padded(fmt::format("{} {}", markOf(trouble.rank), age), column), styleOf(trouble.rank)},
               {words.front()}}};
  for (std::size_t i = 1; i < words.size(); ++i) lines.push_back({{std::string(column, ' ') + words[i]}});
  if (!trouble.next.empty()) append(lines, commandOf(trouble, frame));
  return lines;
}

std::size_t rowsOf(const Lines& lines, const Frame& frame) {
  std::size_t rows = 0;
  for (const auto& line : lines) {
    std::size_t width = 0;
    for (const auto& span : line) width += widthOf(span.text);
    rows += std::max<std::size_t>(1, (width + frame.columns - 1) / frame.columns);
  }
  return rows;
}

/// With the whole command only if there is room for it.
Line moreOf(std::size_t count, const std::string& what, const Frame& frame) {
  const std::string words = fmt::format("   and {} more {}: ", count, what);
  const std::string command = typed("smsctl status --verbose", frame.option);
  return {{words}, {widthOf(words + command) <= frame.columns ? command : "--verbose", Style::strong}};
}

/// Returns the worst findings in at most `budget` rows; the others are counted.
Lines findingsIn(const std::vector<StatusFinding>& troubles, const Frame& frame, std::size_t budget) {
  Lines lines;
  for (std::size_t i = 0; i < troubles.size(); ++i) {
    const std::size_t rest = troubles.size() - i;
    const std::size_t left = budget - std::min(budget, rowsOf(lines, frame)) - (rest > 1 ? 1 : 0);
    std::size_t words = troubles.size() <= 2 ? longFinding : shortFinding;
    Lines one = linesOf(troubles[i], frame, frame.whole ? SIZE_MAX : words);
    while (!frame.whole && words > 1 && rowsOf(one, frame) > left) one = linesOf(troubles[i], frame, --words);
    // The first is always shown.
    if (!frame.whole && i > 0 && rowsOf(one, frame) > left) {
      lines.push_back(moreOf(rest, rest == 1 ? "finding" : "findings", frame));
      return lines;
    }
    append(lines, one);
  }
  return lines;
}

// --- facts

Lines fact(const std::string& name, const std::string& words, const Frame& frame) {
  const auto rows = wrapped(words, frame.columns - factColumn, frame.whole ? SIZE_MAX : 1);
  Lines lines;
  for (const auto& row : rows)
    lines.push_back({{padded(lines.empty() ? name : "", factColumn), Style::faint}, {row}});
  return lines;
}

std::string queueWords(proto::QueueStatus::Reader queue) {
  const std::string backend = text::printable(queue.getBackend().cStr());
  if (!queue.getReachable()) return backend + ": away";
  std::string words = fmt::format("{}: {} waiting", backend, text::grouped(queue.getUnsent()));
  if (queue.getUnsent() > 0) {
    words += ", oldest " + text::age(queue.getOldest());
    if (queue.getOldestSeverity() != 0) words += fmt::format(" (severity {})", queue.getOldestSeverity());
  }
  if (queue.getHeld() > 0) words += fmt::format(", {} held", text::grouped(queue.getHeld()));
  if (queue.getPaced() > 0) words += fmt::format(", {} paced", text::grouped(queue.getPaced()));
  return words + fmt::format(", {} under way", text::grouped(queue.getUnderWay()));
}

std::string sentWords(proto::QueueStatus::Reader queue, std::optional<WatchRate> rate) {
  std::string words = fmt::format("last minute {}, last hour {}, since the start {}",
                                  text::grouped(queue.getSentLastMinute()),
                                  text::grouped(queue.getSentLastHour()), text::grouped(queue.getSent()));
  return rate ? words + fmt::format(", now {:.1f} a second", rate->sentASecond) : words;
}

std::string ignoredWords(proto::QueueStatus::Reader queue) {
  std::string words;
  std::uint64_t all = 0;
  for (auto one : queue.getIgnoredLastDay()) {
    all += one.getCount();
    words += fmt::format("{}{} because {}", words.empty() ? "" : ", ", text::grouped(one.getCount()),
                         one.getWhy().cStr());
  }
  return words.empty() ? "" : fmt::format("{} in the last 24 h: {}", text::grouped(all), words);
}

std::string mailWords(proto::Status::Reader status) {
  const std::string words = status_words::mailWords(status);
  if (words.empty()) return "";
  return words + fmt::format(", one in {} at most", text::age(status.getAdminMail().getInterval()));
}

std::string othersWords(proto::QueueStatus::Reader queue) {
  std::string words;
  for (auto one : queue.getOthers())
    words += fmt::format("{}{}", words.empty() ? "" : ", ", text::printable(one.cStr()));
  const auto count = queue.getOthers().size();
  return count == 0 ? "" : fmt::format("{} beside this one: {}", count, words);
}

Lines factsOf(proto::Status::Reader status, const Frame& frame, std::optional<WatchRate> pace) {
  auto queue = status.getQueue();
  Lines lines;
  const auto add = [&](const char* name, const std::string& words) {
    if (!words.empty()) append(lines, fact(name, words, frame));
  };
  add("queue", queueWords(queue));
  add("sent", sentWords(queue, pace));
  add("ignored", ignoredWords(queue));
  add("mail", mailWords(status));
  add("expects", heartbeatWords(status));
  add("smsd", othersWords(queue));
  return lines;
}

// --- dispatchers

Style styleOf(proto::DispatcherState state) {
  switch (state) {
    case proto::DispatcherState::READY:
      return Style::good;
    case proto::DispatcherState::BROKEN:
      return Style::bad;
    default:
      return Style::warning;
  }
}

Line row(proto::DispatcherStatus::Reader one) {
  const std::uint64_t failed = one.getRefused() + one.getDeferred() + one.getBroken() + one.getUnknown();
  return {{padded(cut(text::printable(one.getName().cStr()), 23), 24)},
          {padded(cut(text::printable(one.getKind().cStr()), 10), 11)},
          {padded(stateName(one.getState()), 9), styleOf(one.getState())},
          {fmt::format(" {:>8} {:>6} {:>9} {:>8}", text::age(one.getSince()), one.getUnderWay(),
                       one.getAccepted(), failed)}};
}

/// Returns the dispatchers in order of preference. If there are too many, those that are not ready are kept.
Lines dispatchersIn(proto::Status::Reader status, const Frame& frame, std::size_t budget) {
  Dispatchers all, shown;
  for (auto one : status.getDispatchers()) all.push_back(one);
  const std::size_t room = all.size() <= budget ? all.size() : budget - 1;
  const auto ready = [](const auto& one) { return one.getState() == proto::DispatcherState::READY; };
  const auto unready = static_cast<std::size_t>(std::count_if(all.begin(), all.end(), std::not_fn(ready)));
  std::size_t readyLeft = room - std::min(room, unready);
  for (const auto& one : all) {
    if (shown.size() == room) break;
    if (!ready(one) || readyLeft > 0) shown.push_back(one);
    if (ready(one) && readyLeft > 0) --readyLeft;
  }
  Lines lines{{{fmt::format("{:<24}{:<11}{:<9} {:>8} {:>6} {:>9} {:>8}", "dispatcher", "kind", "state", "for",
                            "in use", "accepted", "failed"),
                Style::faint}}};
  for (const auto& one : shown) lines.push_back(row(one));
  if (shown.size() < all.size()) lines.push_back(moreOf(all.size() - shown.size(), "dispatchers", frame));
  return lines;
}

Line headOf(proto::Status::Reader status) {
  const bool healthy = status.getHealthy();
  return {{fmt::format("smsd {}  ", text::printable(status.getVersion().cStr()))},
          {healthy ? "healthy" : "NOT HEALTHY", healthy ? Style::good : Style::bad},
          {fmt::format("  up {}, pid {}", text::age(status.getUpFor()), status.getPid())}};
}

}  // namespace

std::size_t widthOf(const std::string& text) {
  constexpr char32_t firstWide = 0x1100;
  std::size_t width = 0;
  for (const char32_t c : text::decode(text)) width += c >= firstWide ? 2 : 1;
  return width;
}

std::vector<ShellLine> brokenForShell(const std::string& command, std::size_t width) {
  std::vector<ShellLine> lines(1);
  for (std::size_t at = 0; at < command.size();) {
    const std::size_t end = std::min(command.find(' ', at), command.size());
    std::string word = command.substr(at, end - at);
    at = end + 1;
    const std::size_t after = at < command.size() ? 2 : 0;  // " \", if another line follows
    const std::size_t used = widthOf(lines.back().text);
    if (used > 0 && used + 1 + widthOf(word) + after > width) {
      lines.back().text += " \\";
      lines.emplace_back();
    }
    const bool divisible = word.find_first_of("'\"\\") == std::string::npos;
    while (divisible && lines.back().text.empty() && widthOf(word) + after > width) {
      std::size_t fits = word.size() - 1;
      while (fits > 1 && (widthOf(word.substr(0, fits)) >= width || (word[fits] & 0xc0) == 0x80)) --fits;
      lines.back().text = word.substr(0, fits) + "\\";
      lines.push_back({"", true});
      word.erase(0, fits);
    }
    lines.back().text += (lines.back().text.empty() ? "" : " ") + word;
  }
  return lines;
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width, std::size_t most) {
  constexpr std::string_view dots = "...";
  std::vector<std::string> lines;
  std::u32string_view rest;
  const std::u32string all = text::decode(text);
  rest = all;
  while (lines.size() < most) {
    std::size_t fits = 0, used = 0, blank = 0;
    for (; fits < rest.size(); ++fits) {
      used += rest[fits] >= 0x1100 ? 2 : 1;
      if (used > width) break;
      if (rest[fits] == U' ' && fits > 0) blank = fits;
    }
    if (fits < rest.size() && rest[fits] == U' ') blank = fits;
    if (fits == rest.size()) {
      lines.push_back(text::encode(rest));
      return lines;
    }
    const bool last = lines.size() + 1 == most;
    if (last) {
      std::u32string_view kept = rest.substr(0, fits);
      while (!kept.empty() && widthOf(text::encode(kept)) + dots.size() > width) kept.remove_suffix(1);
      lines.push_back(text::encode(kept) + std::string(dots));
      return lines;
    }
    const std::size_t end = blank > 0 ? blank : fits;
    lines.push_back(text::encode(rest.substr(0, end)));
    rest.remove_prefix(end);
    while (!rest.empty() && rest.front() == U' ') rest.remove_prefix(1);
  }
  return lines;
}

io::Lines screenOf(proto::Status::Reader status, const std::vector<StatusFinding>& more, const Frame& frame,
                   std::optional<WatchRate> pace) {
  const auto troubles = allFindings(status, more);
  Lines screen{headOf(status)};
  const Lines facts = factsOf(status, frame, pace);
  const std::size_t dispatchers = status.getDispatchers().size();
  const std::size_t rest = frame.lines - screen.size() - facts.size() - 3;  // two blank lines and a header
  const std::size_t few = std::min(dispatchers, fewDispatchers);
  Lines findings;
  if (!troubles.empty()) findings = findingsIn(troubles, frame, rest - few - 1);
  if (!findings.empty()) screen.push_back({});
  append(screen, findings);
  screen.push_back({});
  append(screen, facts);
  if (frame.whole) return screen;
  screen.push_back({});
  const std::size_t used = rowsOf(screen, frame) + 1;
  append(screen, dispatchersIn(status, frame, std::max(few, frame.lines - std::min(frame.lines, used))));
  return screen;
}

io::Lines screenOf(const std::string& head, const std::vector<StatusFinding>& troubles, const Frame& frame) {
  Lines screen;
  for (const auto& words : wrapped(head, frame.columns, frame.whole ? SIZE_MAX : 3))
    screen.push_back({{words, Style::bad}});
  if (!troubles.empty()) screen.push_back({});
  append(screen, findingsIn(troubles, frame, frame.lines - screen.size()));
  return screen;
}

}  // namespace smsd::smsctl
