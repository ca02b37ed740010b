// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/status/status-finding.h"

#include <algorithm>

#include "common/text/shell.h"

namespace smsd::smsctl {

std::vector<StatusFinding> allFindings(proto::Status::Reader status, std::vector<StatusFinding> more) {
  for (auto& one : status_words::shownFindings(status)) more.push_back(std::move(one));
  std::stable_sort(more.begin(), more.end(), [](const StatusFinding& one, const StatusFinding& other) {
    return one.rank < other.rank;
  });
  return more;
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
