// SPDX-License-Identifier: GPL-3.0-or-later
// The layout of `smsctl status`: a screen of 80 columns and 24 lines, the last of which is for the prompt.
//
// Owns which line is left out when there are too many: findings and dispatchers that are less bad are counted
// instead. Called by status.cpp. Pure: functions of data to lines.
#pragma once

#include <proto/control.capnp.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/io/styled.h"
#include "supervisor/smsctl/status/status-finding.h"

namespace smsd::smsctl {

struct Frame {
  std::size_t columns = 80;
  std::size_t lines = 23;   // without that of the prompt
  bool whole = false;       // --verbose: nothing is left out, and no text is cut
  std::string option = {};  // see typed()
  std::string user = {};    // see typed()
};

/// What `--watch` adds: the messages sent a second since the last look.
struct WatchRate {
  double sentASecond = 0;
};

/// `more`: findings of smsctl itself, which come first.
io::Lines screenOf(proto::Status::Reader status, const std::vector<StatusFinding>& more, const Frame& frame,
                   std::optional<WatchRate> pace = {});
/// When no smsd answers: `head` says so, and `troubles` why.
io::Lines screenOf(const std::string& head, const std::vector<StatusFinding>& troubles, const Frame& frame);

/// Returns the width of `text` on a terminal, or more: characters that may be wide count as two.
std::size_t widthOf(const std::string& text);
struct ShellLine {
  std::string text;
  bool continuesWord = false;  // of the line before, so that it must not be indented
};
/// Breaks a command into lines that a shell joins again, each but the last with a backslash at its end. A
/// word with quotes is never broken.
std::vector<ShellLine> brokenForShell(const std::string& command, std::size_t width);
/// Breaks `text` between words into at most `most` lines of `width`. The last one ends in "..." if it was
/// cut.
std::vector<std::string> wrapped(const std::string& text, std::size_t width, std::size_t most);

}  // namespace smsd::smsctl
