// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/status/status-finding.h"

#include <algorithm>

#include "common/text/shell.h"

namespace smsd::smsctl {
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

std::vector<StatusFinding> allFindings(proto::Status::Reader status, std::vector<StatusFinding> more) {
  for (auto& one : shownFindings(status)) more.push_back(std::move(one));
  std::stable_sort(more.begin(), more.end(), [](const StatusFinding& one, const StatusFinding& other) {
    return one.rank < other.rank;
  });
  return more;
}

std::string nameOf(StatusFinding::Rank rank) {
  constexpr const char* names[] = {"unhealthy", "cause", "decision", "attention", "news"};
  return names[static_cast<std::size_t>(rank)];
}

std::string typed(const std::string& command, const std::string& option, const std::string& user) {
  constexpr std::string_view program = "smsctl ";
  const bool check = command.starts_with("smsctl db check") || command.starts_with("smsctl config check");
  std::string result = check && !user.empty() ? "runuser -u " + text::shellWord(user) + " -- " : "";
  for (std::size_t at = 0; at < command.size();) {
    const bool word = at == 0 || command[at - 1] == ' ';
    if (word && command.compare(at, program.size(), program) == 0) {
      result += "smsctl" + option + " ";
      at += program.size();
    } else {
      result += command[at++];
    }
  }
  return result;
}

}  // namespace smsd::smsctl
