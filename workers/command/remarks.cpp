// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/command/remarks.h"

#include "common/text/utf.h"

namespace smsd::command {
namespace {

using journal::Level;

Level levelOf(int priority) {
  return priority <= 3 ? Level::error : static_cast<Level>(std::min(priority, 7));
}

/// Removes the prefix from `line`.
Level takeLevel(std::string_view& line) {
  if (line.size() >= 3 && line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>') {
    const Level level = levelOf(line[1] - '0');
    line.remove_prefix(3);
    return level;
  }
  constexpr std::pair<std::string_view, Level> words[] = {
      {"E! ", Level::error}, {"W! ", Level::warning}, {"I! ", Level::info}, {"D! ", Level::debug}};
  for (auto& [word, level] : words)
    if (line.starts_with(word)) {
      line.remove_prefix(word.size());
      return level;
    }
  return Level::info;
}

}  // namespace

Remark readRemark(std::string_view line) {
  const Level level = takeLevel(line);
  return {level, text::printable(line, mostRemark)};
}

}  // namespace smsd::command
