// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/dispatcher-check/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/text/utf.h"
#include "version.h"

namespace smsd::check {
namespace {

using nlohmann::ordered_json;

const char* nameOf(In in) {
  switch (in) {
    case In::first:
      return "first";
    case In::each:
      return "each";
    case In::socket:
      return "socket";
    case In::all:
      return "all";
  }
  return "";
}

/// "proto/dispatcher.capnp, OutcomeSink.report"
std::string placeOf(const Check& check) { return fmt::format("proto/dispatcher.capnp, {}", check.place); }

std::string dumped(const ordered_json& value) {
  return text::escapedJson(value.dump(2, ' ', false, ordered_json::error_handler_t::replace)) + "\n";
}

std::string failure(const Check& check, const Findings& findings) {
  std::string text = fmt::format("\n{}: FAILED\n  Required: {}\n", check.name, check.required);
  const auto& happened = findings.happened(check.name);
  for (const auto& words : happened) text += fmt::format("  Happened: {}\n", words);
  if (const std::size_t more = findings.count(check.name) - happened.size(); more > 0)
    text += fmt::format("            ({} more of this kind)\n", more);
  return text + fmt::format("  Written:  {}\n  Change:   {}\n", placeOf(check), check.change);
}

/// "9 SMS sent (8 accepted, 1 unknown)"
std::string smsOf(const Summary& summary) {
  std::vector<std::string> counts;
  for (const auto& [name, count] : summary.outcomes) counts.push_back(fmt::format("{} {}", count, name));
  return fmt::format("{} SMS sent{}", summary.sms,
                     counts.empty() ? "" : fmt::format(" ({})", fmt::join(counts, ", ")));
}

}  // namespace

bool Summary::conforms() const {
  return !findings.any() && std::none_of(verdicts.begin(), verdicts.end(), [](const CheckVerdict& verdict) {
    return verdict.result == Judgement::failed || verdict.result == Judgement::undecided;
  });
}

std::string_view nameOf(Judgement result) {
  switch (result) {
    case Judgement::passed:
      return "ok";
    case Judgement::failed:
      return "FAILED";
    case Judgement::undecided:
      return "undecided";
    case Judgement::notApplicable:
      return "not applicable";
  }
  return "";
}

std::string listOfChecks() {
  std::string text;
  for (const auto& check : checks()) text += fmt::format("{:<20} {}\n", check.name, check.required);
  return text;
}

std::string listOfChecksJson() {
  auto all = ordered_json::array();
  for (const auto& check : checks())
    all.push_back({{"name", check.name},
                   {"required", check.required},
                   {"written", placeOf(check)},
                   {"change", check.change},
                   {"activation", nameOf(check.in)}});
  return dumped({{"checks", all}});
}

std::string announcement(const RunSettings& settings, std::size_t steps, unsigned most) {
  return fmt::format("smsd-dispatcher-check " SMSD_VERSION ": {}: {} steps, at most {} SMS to {}\n",
                     settings.program.string(), steps, most, text::printable(settings.recipient, 64));
}

std::string progressLine(std::size_t number, std::size_t count, const CheckVerdict& verdict,
                         Activation activation) {
  const std::string name = activation == Activation::socket ? fmt::format("{} (socket)", verdict.check->name)
                                                            : std::string(verdict.check->name);
  std::string line = fmt::format("{:>2}/{} {:<30} {}", number, count, name, nameOf(verdict.result));
  if (!verdict.words.empty()) line += fmt::format(": {}", verdict.words);
  return line + "\n";
}

std::string text(const Summary& summary) {
  std::string text;
  std::size_t failed = 0, undecided = 0;
  for (const auto& check : checks()) {
    if (!summary.findings.has(check.name)) continue;
    ++failed;
    text += failure(check, summary.findings);
  }
  for (const auto& verdict : summary.verdicts) undecided += verdict.result == Judgement::undecided;
  if (summary.conforms())
    return text + fmt::format("The program conforms: no fault in {} checks, {}.\n", summary.verdicts.size(),
                              smsOf(summary));
  text +=
      fmt::format("\nThe program does not conform: {} of {} checks failed", failed, summary.verdicts.size());
  if (undecided > 0) text += fmt::format(", {} could not be decided", undecided);
  return text + fmt::format("; {}.\n", smsOf(summary));
}

std::string json(const Summary& summary) {
  auto all = ordered_json::array();
  for (const auto& verdict : summary.verdicts) {
    ordered_json one = {{"name", verdict.check->name}, {"result", nameOf(verdict.result)}};
    if (verdict.result == Judgement::failed) one["result"] = "failed";
    if (!verdict.words.empty()) one["why"] = verdict.words;
    one["required"] = verdict.check->required;
    if (verdict.result == Judgement::failed) {
      one["happened"] = summary.findings.happened(verdict.check->name);
      one["written"] = placeOf(*verdict.check);
      one["change"] = verdict.check->change;
    }
    all.push_back(std::move(one));
  }
  return dumped({{"program", summary.settings.program.string()},
                 {"conforms", summary.conforms()},
                 {"sms", summary.sms},
                 {"outcomes", ordered_json(summary.outcomes)},
                 {"checks", all}});
}

}  // namespace smsd::check
