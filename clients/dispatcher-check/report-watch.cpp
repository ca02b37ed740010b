// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/report-watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace smsd::check {

std::string Reported::shown() const {
  std::string all = std::string(name(kind));
  if (!words.empty()) all += fmt::format(" ({})", words);
  if (after > 0) all += fmt::format(", after {} ms", after);
  if (notReached) all += ", not reached";
  if (notUnderstood) all += ", not understood";
  return all;
}

void ReportWatch::handedOver(AttemptId id, BegunAnswer leave, Milliseconds deadline, Milliseconds now) {
  attempts_[id] = {.leave = leave,
                   .deadline = deadline,
                   .handedOver = now,
                   .begun = {},
                   .answered = {},
                   .ended = {},
                   .outcome = {}};
}

/// Returns none if a report of any content is a fault now.
Attempt* ReportWatch::known(AttemptId id, const std::string& report) {
  if (drained_) {
    findings_.note("drain", fmt::format("It reported {} for attempt {} after drain() or quit() had returned.",
                                        report, id));
    return nullptr;
  }
  if (std::find(overfull_.begin(), overfull_.end(), id) != overfull_.end()) {
    findings_.note(
        "limits",
        fmt::format("It reported {} for attempt {}, which is of a batch above its limits.", report, id));
    return nullptr;
  }
  auto found = attempts_.find(id);
  if (found != attempts_.end()) return &found->second;
  findings_.note("own-attempts",
                 fmt::format("It reported {} for attempt {}, which it was not given.", report, id));
  return nullptr;
}

void ReportWatch::begun(AttemptId id, Milliseconds now) {
  Attempt* attempt = known(id, "begun");
  if (attempt == nullptr) return;
  if (attempt->ended)
    return findings_.note("one-outcome",
                          fmt::format("It reported begun for attempt {} after the end of that attempt.", id));
  if (attempt->begun)
    return findings_.note("begun-first", fmt::format("It reported begun twice for attempt {}.", id));
  attempt->begun = now;
  const std::size_t busy = announced();
  if (busy > window_)
    findings_.note("window", fmt::format("It had {} SMS begun at the same time, and describe() returned a "
                                         "window of {}.",
                                         busy, window_));
}

void ReportWatch::answered(AttemptId id, Milliseconds now) {
  auto found = attempts_.find(id);
  if (found != attempts_.end() && !found->second.answered) found->second.answered = now;
}

/// Returns false if an attempt in this state must not end, however it ends.
bool ReportWatch::mayEnd(AttemptId id, const Attempt& attempt, const std::string& report) {
  if (!attempt.ended) return true;
  findings_.note("one-outcome",
                 fmt::format("It reported {} for attempt {}, which already was {}.", report, id,
                             attempt.outcome ? attempt.outcome->shown() : std::string("not begun")));
  return false;
}

void ReportWatch::outcome(AttemptId id, const Reported& reported, Milliseconds now) {
  Attempt* attempt = known(id, reported.shown());
  if (attempt == nullptr || !mayEnd(id, *attempt, reported.shown())) return;
  attempt->ended = now;
  attempt->outcome = reported;
  if (!attempt->begun)
    return findings_.note("begun-first", fmt::format("It reported {} for attempt {} without begun before it.",
                                                     reported.shown(), id));
  // A program that does not wait for the answer cannot know what is withheld.
  if (attempt->withheld() && (attempt->answered || attempt->leave == BegunAnswer::withhold))
    return findings_.note(
        findings_.has("begun-first") ? "begun-first" : "withheld",
        fmt::format("It reported {} for attempt {}, which was withheld.", reported.shown(), id));
  if (!attempt->answered)
    return findings_.note("begun-first",
                          fmt::format("It reported {} for attempt {} {} ms after begun, while the report of "
                                      "begun was not answered yet.",
                                      reported.shown(), id, (now - *attempt->begun).count()));
  const Milliseconds took = now - *attempt->answered;
  if (took > attempt->deadline + margin)
    findings_.note("deadline",
                   fmt::format("It reported {} for attempt {} {} ms after it was begun, expected "
                               "at most {} ms (the deadline and 3 s).",
                               reported.shown(), id, took.count(), (attempt->deadline + margin).count()));
}

void ReportWatch::notBegun(AttemptId id, Milliseconds now) {
  Attempt* attempt = known(id, "notBegun");
  if (attempt == nullptr || !mayEnd(id, *attempt, "notBegun")) return;
  attempt->ended = now;
}

void ReportWatch::emptyReport() { findings_.note("messages", "It called report() without any report."); }

const Attempt* ReportWatch::find(AttemptId id) const {
  auto found = attempts_.find(id);
  return found == attempts_.end() ? nullptr : &found->second;
}

std::size_t ReportWatch::open() const {
  return static_cast<std::size_t>(
      std::count_if(attempts_.begin(), attempts_.end(), [](const auto& one) { return !one.second.ended; }));
}

std::size_t ReportWatch::announced() const {
  return static_cast<std::size_t>(std::count_if(attempts_.begin(), attempts_.end(),
                                                [](const auto& one) { return one.second.inProgress(); }));
}

std::size_t ReportWatch::granted() const {
  return static_cast<std::size_t>(std::count_if(attempts_.begin(), attempts_.end(), [](const auto& one) {
    return one.second.outcome || (one.second.answered && !one.second.withheld() && !one.second.ended);
  }));
}

void ReportWatch::count(OutcomeCounts& counts) const {
  for (const auto& [id, attempt] : attempts_)
    if (attempt.outcome) ++counts[std::string(name(attempt.outcome->kind))];
}

bool ReportWatch::overdue(Milliseconds now) const {
  return std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& one) {
    const Attempt& attempt = one.second;
    if (attempt.ended) return false;
    if (attempt.answered && attempt.withheld()) return now > *attempt.answered + grace;
    if (attempt.answered) return now > *attempt.answered + attempt.deadline + margin + grace;
    return !attempt.begun && now > attempt.handedOver + beginWithin_;
  });
}

std::size_t ReportWatch::noteMissing(Milliseconds now) {
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.ended) continue;
    if (attempt.withheld() && attempt.answered)
      findings_.note("withheld", fmt::format("Attempt {} was withheld, and it did not report notBegun for it "
                                             "within {} ms.",
                                             id, (now - *attempt.answered).count()));
    else if (attempt.answered)
      findings_.note("one-outcome", fmt::format("It reported no outcome for attempt {} within {} ms.", id,
                                                (now - *attempt.answered).count()));
    else if (!attempt.begun)
      findings_.note("one-outcome", fmt::format("It neither began attempt {} nor gave it back within {} ms.",
                                                id, (now - attempt.handedOver).count()));
  }
  return open();
}

}  // namespace smsd::check
