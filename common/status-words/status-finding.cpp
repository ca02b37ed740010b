// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/status-words/status-finding.h"

#include "common/text/age.h"

namespace smsd::status_words {
namespace {

StatusFinding::Rank rankOf(proto::Trouble::Rank rank) {
  switch (rank) {
    case proto::Trouble::Rank::UNHEALTHY:
      return StatusFinding::Rank::unhealthy;
    case proto::Trouble::Rank::CAUSE:
      return StatusFinding::Rank::cause;
    case proto::Trouble::Rank::DECISION:
      return StatusFinding::Rank::decision;
    case proto::Trouble::Rank::ATTENTION:
      return StatusFinding::Rank::attention;
    case proto::Trouble::Rank::NEWS:
      break;
  }
  return StatusFinding::Rank::news;  // also for a rank of a later version
}

}  // namespace

std::vector<StatusFinding> shownFindings(proto::Status::Reader status) {
  std::vector<StatusFinding> troubles;
  for (auto one : status.getFindings()) {
    StatusFinding trouble{
        rankOf(one.getRank()), one.getWhat().cStr(), {}, one.getNext().cStr(), one.getWhen().cStr()};
    if (one.getSinceKnown()) trouble.since = one.getSince();
    troubles.push_back(std::move(trouble));
  }
  if (!troubles.empty()) return troubles;
  for (auto words : status.getTroubles()) troubles.push_back({StatusFinding::Rank::unhealthy, words.cStr()});
  return troubles;
}

std::string nameOf(StatusFinding::Rank rank) {
  constexpr const char* names[] = {"unhealthy", "cause", "decision", "attention", "news"};
  return names[static_cast<std::size_t>(rank)];
}

std::string ageOf(const StatusFinding& finding) {
  if (!finding.since) return "";
  const bool isOver =
      finding.rank == StatusFinding::Rank::decision || finding.rank == StatusFinding::Rank::news;
  return isOver ? text::age(*finding.since) + " ago" : "for " + text::age(*finding.since);
}

}  // namespace smsd::status_words
