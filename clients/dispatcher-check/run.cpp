// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/run.h"

#include <fmt/format.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <sysexits.h>

#include <algorithm>
#include <set>
#include <utility>

#include "clients/dispatcher-check/launch.h"
#include "clients/dispatcher-check/report.h"
#include "common/io/output.h"

namespace smsd::check {
namespace {

constexpr int doesNotConform = 1;

/// One check in one activation.
struct CheckStep {
  const Check* check;
  Activation activation;
};

bool isMadeIn(const Check& check, Activation activation, Activation first) {
  switch (check.in) {
    case In::first:
      return activation == first;
    case In::each:
      return true;
    case In::socket:
      return activation == Activation::socket;
    case In::all:
      return false;
  }
  return false;
}

/// Makes all checks in one activation before the next one, so that two processes never need one device at the
/// same time. The checks without a connection of their own come last. `ready` is always among them, because
/// no other check can be made without it.
std::vector<CheckStep> stepsOf(const Arguments& arguments) {
  std::vector<CheckStep> steps;
  const auto& only = arguments.only;
  const auto& activations = arguments.settings.activations;
  const auto named = [&](const Check& check) {
    return only.empty() || check.name == "ready" ||
           std::find(only.begin(), only.end(), check.name) != only.end();
  };
  for (auto activation : activations)
    for (const auto& check : checks())
      if (named(check) && isMadeIn(check, activation, activations.front()))
        steps.push_back({&check, activation});
  for (const auto& check : checks())
    if (named(check) && check.in == In::all) steps.push_back({&check, activations.front()});
  return steps;
}

using Made = std::set<std::pair<void (*)(Bench&), Activation>>;

/// The most SMS that the checks send. Checks that share a function share its SMS.
unsigned mostSms(const std::vector<CheckStep>& steps, const RunSettings& settings) {
  unsigned most = 0;
  Made counted;
  for (const auto& [check, activation] : steps)
    if (counted.emplace(check->run, activation).second)
      most += check->size == Check::Size::batch ? settings.batch : check->sms;
  return most;
}

void say(const std::string& progress, const Arguments& arguments) {
  if (arguments.json) return io::complain(progress);
  io::print(progress);
  io::flush();
}

class Run {
 public:
  Run(const Arguments& arguments, Bench& bench, Findings& findings)
      : arguments_(arguments), bench_(bench), findings_(findings) {}

  Summary make(const std::vector<CheckStep>& steps) {
    for (std::size_t number = 1; number <= steps.size(); ++number) {
      const auto& [check, activation] = steps[number - 1];
      const CheckVerdict verdict = verdictOf(*check, activation);
      say(progressLine(number, steps.size(), verdict, activation), arguments_);
      add(verdict);
      if (check->name == "ready" && verdict.result != Judgement::passed) break;
    }
    bench_.end();
    // A fault may have been seen in the connection of a later check, or of a check that was not chosen.
    for (const auto& check : checks())
      if (findings_.has(check.name)) set({&check, Judgement::failed, ""});
    return {arguments_.settings, findings_, std::move(verdicts_), bench_.sent(), bench_.outcomes()};
  }

 private:
  CheckVerdict verdictOf(const Check& check, Activation activation) {
    CheckVerdict verdict{&check, Judgement::passed, ""};
    if (made_.emplace(check.run, activation).second) makeIn(activation, check, verdict);
    if (findings_.has(check.name)) verdict = {&check, Judgement::failed, ""};
    return verdict;
  }

  void makeIn(Activation activation, const Check& check, CheckVerdict& verdict) {
    bench_.begin(activation);
    try {
      check.run(bench_);
      return bench_.keep();
    } catch (const Hopeless&) {
      bench_.end();
      throw;
    } catch (const NotApplicable& e) {
      verdict = {&check, Judgement::notApplicable, e.what()};
    } catch (const Undecided& e) {
      verdict = {&check, Judgement::undecided, e.what()};
    }
    bench_.end();
  }

  /// A check has one verdict, the worst of its activations.
  void add(const CheckVerdict& verdict) {
    const CheckVerdict* former = find(*verdict.check);
    if (former == nullptr || former->result == Judgement::passed || verdict.result == Judgement::undecided)
      set(verdict);
  }
  void set(const CheckVerdict& verdict) {
    if (CheckVerdict* former = find(*verdict.check))
      *former = verdict;
    else
      verdicts_.push_back(verdict);
  }
  CheckVerdict* find(const Check& check) {
    auto found = std::find_if(verdicts_.begin(), verdicts_.end(),
                              [&](const CheckVerdict& verdict) { return verdict.check == &check; });
    return found == verdicts_.end() ? nullptr : &*found;
  }

  const Arguments& arguments_;
  Bench& bench_;
  Findings& findings_;
  Made made_;
  std::vector<CheckVerdict> verdicts_;
};

}  // namespace

int run(const Arguments& arguments) {
  const auto steps = stepsOf(arguments);
  const unsigned most = mostSms(steps, arguments.settings);
  if (most > mostUnasked && !arguments.yes) {
    io::complainAs("smsd-dispatcher-check",
                   fmt::format("the checks send up to {} SMS to {}: pass --yes to permit more than {}", most,
                               arguments.settings.recipient, mostUnasked));
    return EX_USAGE;
  }
  say(announcement(arguments.settings, steps.size(), most), arguments);
  signal(SIGPIPE, SIG_IGN);
  kj::UnixEventPort::captureChildExit();
  Launch::captureSignals();
  auto io = kj::setupAsyncIo();
  Findings findings;
  try {
    Bench bench(io, arguments.settings, findings);
    Run made(arguments, bench, findings);
    const Summary summary = made.make(steps);
    io::print(arguments.json ? json(summary) : text(summary));
    return summary.conforms() ? EX_OK : doesNotConform;
  } catch (const Hopeless& e) {
    io::complainAs("smsd-dispatcher-check", e.what());
    return e.status();
  }
}

}  // namespace smsd::check
