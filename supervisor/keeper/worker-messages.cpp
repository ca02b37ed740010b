// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/keeper/worker-messages.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>

#include "common/text/utf.h"
#include "supervisor/config/kinds.h"
#include "version.h"

namespace smsd::keeper {
namespace {

constexpr std::size_t mostDetails = 16, mostDetailName = 40, mostDetailValue = 200;
constexpr std::size_t mostLocks = 16;
constexpr std::size_t mostName = 40;  // of a kind, and of a part of the lock
constexpr std::size_t mostSoftware = 80;

std::string cut(capnp::Text::Reader text, std::size_t most) {
  return text::printable(std::string_view(text.begin(), text.size()), most);
}

HealthReport read(proto::Health::Reader said) {
  HealthReport report;
  if (said.isBroken()) {
    report.broken = readText(said.getBroken());
    if (report.broken.empty()) report.broken = "the worker reported no reason";
  }
  report.active = said.getActive();
  for (auto detail : said.getDetails()) {
    if (report.details.size() == mostDetails) break;
    report.details.emplace_back(cut(detail.getName(), mostDetailName),
                                cut(detail.getValue(), mostDetailValue));
  }
  return report;
}

}  // namespace

std::string readText(capnp::Text::Reader text) { return cut(text, proto::MAX_REASON); }

kj::Maybe<std::string> versionsApart(proto::Description::Reader said) {
  const std::uint32_t version = said.getVersion(),
                      oldest = said.getOldest() == 0 ? version : said.getOldest();
  if (version >= proto::OLDEST_VERSION && oldest <= proto::VERSION) return nullptr;
  return fmt::format(
      "the worker works with protocol versions {} to {}, smsd with {} to {}: install programs of one release",
      oldest, version, std::uint32_t(proto::OLDEST_VERSION), std::uint32_t(proto::VERSION));
}

std::string readKind(proto::Description::Reader said) {
  return text::printable(said.getKind().cStr(), mostName);
}

std::string readSoftware(proto::Description::Reader said) { return cut(said.getSoftware(), mostSoftware); }

bool isOtherBuild(const std::string& kind, const std::string& software) {
  return config::isBuiltIn(kind) && software.starts_with("smsd-worker ") && software != SMSD_WORKER_SOFTWARE;
}

std::vector<std::string> readLock(proto::Description::Reader said) {
  std::vector<std::string> lock;
  for (auto part : said.getLock())
    if (lock.size() < mostLocks) lock.push_back(cut(part, mostName));
  return lock;
}

kj::Maybe<HealthReport> readHealth(proto::Health::Reader said) {
  try {
    return read(said);
  } catch (const kj::Exception&) {
    return nullptr;
  }
}

delivery::Outcome readOutcome(proto::Outcome::Reader outcome) {
  switch (outcome.which()) {
    case proto::Outcome::ACCEPTED:
      return {delivery::OutcomeKind::accepted, readText(outcome.getAccepted())};
    case proto::Outcome::REFUSED:
      return {delivery::OutcomeKind::refused, readText(outcome.getRefused())};
    case proto::Outcome::DEFERRED:
      return {delivery::OutcomeKind::deferred, readText(outcome.getDeferred().getReason()),
              std::chrono::milliseconds(outcome.getDeferred().getAfter()),
              outcome.getDeferred().getNotReached() ? delivery::Reached::no : delivery::Reached::yes};
    case proto::Outcome::BROKEN:
      return {delivery::OutcomeKind::broken, readText(outcome.getBroken())};
    case proto::Outcome::UNKNOWN:
      return {.kind = delivery::OutcomeKind::unknown,
              .words = readText(outcome.getUnknown()),
              .reply = outcome.getNotUnderstood() ? delivery::Reply::notUnderstood : delivery::Reply::none};
  }
  return {delivery::OutcomeKind::unknown, "an outcome of a kind that is not in the protocol"};
}

delivery::Outcome readOutcome(proto::Report::Reader report) {
  if (report.isOutcome()) return readOutcome(report.getOutcome());
  return {delivery::OutcomeKind::unknown, "a report of a kind that is not in the protocol"};
}

Cause readCause(proto::Cause said) {
  switch (said) {
    case proto::Cause::CANNOT_START:
      return Cause::cannotStart;
    case proto::Cause::SPENT:
      return Cause::spent;
    case proto::Cause::TOLD:
      return Cause::told;
    case proto::Cause::OTHER:
      break;
  }
  return Cause::other;
}

delivery::Outcome givenBack() {
  return {delivery::OutcomeKind::deferred, "the worker gave it back before it had begun it", {}};
}

}  // namespace smsd::keeper
