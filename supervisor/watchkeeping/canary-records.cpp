// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/watchkeeping/canary-records.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <sstream>
#include <system_error>

#include "common/files/regular-file.h"
#include "common/files/replace-file.h"
#include "common/text/utf.h"

namespace smsd::watchkeeping {
namespace {

using delivery::OutcomeKind;

constexpr std::size_t mostBytes = 256 * 1024;
constexpr std::size_t longestWords = 200;
constexpr std::string_view none = "-";
constexpr std::string_view notTried = "not-tried";

std::optional<OutcomeKind> outcomeOf(const std::string& word) {
  for (const auto kind : {OutcomeKind::accepted, OutcomeKind::refused, OutcomeKind::deferred,
                          OutcomeKind::broken, OutcomeKind::unknown})
    if (delivery::name(kind) == word) return kind;
  return std::nullopt;
}

WallTime timeOf(std::int64_t seconds) { return WallTime(std::chrono::seconds(seconds)); }

/// Reads what lineOf() writes, without the name.
std::optional<CanaryRecord> recordIn(std::istringstream& line) {
  std::string ran, result;
  CanaryRecord record;
  std::int64_t at = 0, took = 0;
  if (!(line >> ran >> result)) return std::nullopt;
  if (ran != none) {
    std::int64_t seconds = 0;
    if (!(std::istringstream(ran) >> seconds)) return std::nullopt;
    record.ran = timeOf(seconds);
  }
  if (result == none) return record;
  CanaryResult last;
  last.outcome = outcomeOf(result);
  if (!last.outcome && result != notTried) return std::nullopt;
  if (!(line >> at >> took) || took < 0) return std::nullopt;
  last.at = timeOf(at);
  last.took = std::chrono::milliseconds(took);
  line.get();  // the blank
  std::getline(line, last.words);
  last.words = text::printable(last.words, longestWords);
  record.last = std::move(last);
  return record;
}

std::string lineOf(const std::string& name, const CanaryRecord& record) {
  const std::string ran =
      record.ran ? std::to_string(record.ran->time_since_epoch().count()) : std::string(none);
  if (!record.last) return fmt::format("{} {} {}\n", name, ran, none);
  const CanaryResult& last = *record.last;
  return fmt::format(
      "{} {} {} {} {} {}\n", name, ran, last.outcome ? delivery::name(*last.outcome) : notTried,
      last.at.time_since_epoch().count(), last.took.count(), text::printable(last.words, longestWords));
}

}  // namespace

std::string_view nameOf(const CanaryResult& result) {
  return result.outcome ? delivery::name(*result.outcome) : "not tried";
}

void CanaryRecords::read() {
  std::error_code why;
  const auto content = files::readRegular(file_, mostBytes, why, O_NOFOLLOW);
  if (!content && why != std::errc::no_such_file_or_directory) throw std::system_error(why, file_.string());
  std::istringstream lines(content.value_or(""));
  std::string first;
  if (std::getline(lines, first)) {
    delivery::Quota::Used used;
    if (std::istringstream(first) >> used.day >> used.count) today = used;
  }
  for (std::string text; std::getline(lines, text);) {
    std::istringstream line(text);
    std::string name;
    line >> name;
    if (auto record = recordIn(line)) records_.insert_or_assign(name, std::move(*record));
  }
}

void CanaryRecords::write(const std::set<std::string>& names, WallTime keepSince) {
  std::erase_if(records_, [&](const auto& one) {
    return !names.contains(one.first) && (!one.second.ran || *one.second.ran < keepSince);
  });
  std::string text = fmt::format("{} {}\n", today.day, today.count);
  for (const auto& [name, record] : records_) text += lineOf(name, record);
  files::replaceFile(file_, text);
}

const CanaryRecord* CanaryRecords::find(const std::string& dispatcher) const {
  const auto found = records_.find(dispatcher);
  return found == records_.end() ? nullptr : &found->second;
}

}  // namespace smsd::watchkeeping
