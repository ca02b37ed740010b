// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/control/test-report.h"

#include <fmt/format.h>

#include "common/kj/view.h"

namespace smsd::control {
namespace {

using Result = proto::Try::Result;

Result wire(const std::optional<delivery::OutcomeKind>& outcome) {
  if (!outcome) return Result::NOT_TRIED;
  switch (*outcome) {
    case delivery::OutcomeKind::accepted:
      return Result::ACCEPTED;
    case delivery::OutcomeKind::refused:
      return Result::REFUSED;
    case delivery::OutcomeKind::deferred:
      return Result::DEFERRED;
    case delivery::OutcomeKind::broken:
      return Result::BROKEN;
    case delivery::OutcomeKind::unknown:
      return Result::UNKNOWN;
  }
  return Result::UNKNOWN;
}

std::optional<delivery::OutcomeKind> outcome(Result result) {
  switch (result) {
    case Result::ACCEPTED:
      return delivery::OutcomeKind::accepted;
    case Result::REFUSED:
      return delivery::OutcomeKind::refused;
    case Result::DEFERRED:
      return delivery::OutcomeKind::deferred;
    case Result::BROKEN:
      return delivery::OutcomeKind::broken;
    case Result::UNKNOWN:
      return delivery::OutcomeKind::unknown;
    case Result::NOT_TRIED:
      break;
  }
  return std::nullopt;
}

}  // namespace

void write(proto::Control::TestResults::Builder results, const road::TestSmsReport& report) {
  results.setProblem(view(report.problem));
  write(results.initTries(static_cast<unsigned>(report.tries.size())), report);
}

void write(capnp::List<proto::Try>::Builder tries, const road::TestSmsReport& report) {
  for (unsigned i = 0; i < report.tries.size(); ++i) {
    tries[i].setDispatcher(view(report.tries[i].dispatcher));
    tries[i].setResult(wire(report.tries[i].outcome));
    tries[i].setWords(view(report.tries[i].words));
    tries[i].setTookMs(static_cast<std::uint32_t>(report.tries[i].took.count()));
  }
}

road::TestSmsReport read(proto::Control::TestResults::Reader results) {
  return read(results.getProblem(), results.getTries());
}

road::TestSmsReport read(capnp::Text::Reader problem, capnp::List<proto::Try>::Reader tries) {
  road::TestSmsReport report;
  report.problem = problem.cStr();
  for (auto one : tries)
    report.tries.push_back({one.getDispatcher().cStr(), outcome(one.getResult()), one.getWords().cStr(),
                            Milliseconds(one.getTookMs())});
  return report;
}

std::string resultName(const road::TestSmsTry& one) {
  return one.outcome ? std::string(name(*one.outcome)) : "not tried";
}

std::string describeTries(const road::TestSmsReport& report) {
  std::string text;
  for (const auto& one : report.tries) {
    text += fmt::format("{}: {}", one.dispatcher, resultName(one));
    if (one.outcome == delivery::OutcomeKind::unknown) text += ", it may have been sent";
    if (one.outcome == delivery::OutcomeKind::accepted)
      text += one.words.empty() ? ", without a reference" : ", reference " + one.words;
    else if (!one.words.empty())
      text += ": " + one.words;
    if (one.outcome) text += fmt::format(" ({} ms)", one.took.count());
    text += "\n";
  }
  return text;
}

std::string describe(const road::TestSmsReport& report) {
  if (!report.problem.empty()) return report.problem + "\n";
  return describeTries(report) + (report.accepted()
                                      ? report.tries.back().dispatcher + " accepted the test SMS\n"
                                      : "no dispatcher accepted the test SMS\n");
}

std::string inBrief(const road::TestSmsReport& report) {
  if (!report.problem.empty()) return "not sent: " + report.problem;
  return report.accepted() ? "accepted by " + report.tries.back().dispatcher : "not accepted";
}

}  // namespace smsd::control
