// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/finding-list.h"

#include <algorithm>

#include "clients/exporter/page-style.h"
#include "common/text/utf.h"

namespace smsd::exporter {
namespace {

using status_words::StatusFinding;
using Rank = StatusFinding::Rank;

constexpr std::size_t longestCommand = 200;
// The place on the wall, in hundredths of the font's size; page-style.cpp has the same sizes.
constexpr std::size_t place = 1830, line = 125, gap = 60;
// Letters in a line. Texts are in bold type of various widths, so this is careful; commands have a fixed
// width.
// A single finding has larger type, and place for all its lines and for three lines of a command.
constexpr std::size_t lettersInLine = 34, lettersInLargeLine = 26, lettersOfCommand = 40;
constexpr std::size_t fewLines = 2;  // of a text, before another one gets more

std::size_t linesFor(std::size_t letters, std::size_t width, std::size_t most) {
  return std::clamp<std::size_t>((letters + width - 1) / width, 1, most);
}

std::size_t wantedLines(const StatusFinding& finding, std::size_t width) {
  return linesFor(ageOf(finding).size() + 1 + text::decode(finding.what).size(), width, mostLines);
}

/// The words after the command are cut if they need a third line.
std::size_t linesOfCommand(const StatusFinding& finding) {
  if (finding.next.empty()) return 0;
  return linesFor(finding.next.size() + finding.when.size() + 3, lettersOfCommand, 2);
}

std::size_t heightOf(const StatusFinding& finding, std::size_t lines) {
  return (lines + linesOfCommand(finding)) * line + gap;
}

Markup classOf(std::size_t lines) {
  constexpr Markup classes[] = {R"(<li class="extra">)", R"(<li class="l1">)", R"(<li class="l2">)",
                                R"(<li class="l3">)",    R"(<li class="l4">)", R"(<li class="l5">)",
                                R"(<li class="l6">)",    R"(<li class="l7">)", R"(<li class="l8">)"};
  static_assert(std::size(classes) == mostLines + 1);
  return classes[lines];
}

Html markOf(Rank rank) {
  Html html;
  switch (rank) {
    case Rank::unhealthy:
    case Rank::cause:
      html << R"(<span class="bad">)" << markupOf(Symbol::cross);
      break;
    case Rank::decision:
      html << R"(<span class="warn">)" << markupOf(Symbol::question);
      break;
    case Rank::attention:
      html << R"(<span class="warn">)" << markupOf(Symbol::warning);
      break;
    case Rank::news:
      html << R"(<span class="soft">)" << markupOf(Symbol::dot);
      break;
  }
  html << R"(<span class="hidden">)";
  html.text(nameOf(rank)) << ": </span></span>";
  return html;
}

Html itemOf(const StatusFinding& finding) {
  Html html = markOf(finding.rank);
  html << "\n<div><p class=\"what\">";
  const std::string age = ageOf(finding);
  if (!age.empty()) {
    html << R"(<span class="age">)";
    html.text(age) << "</span> ";
  }
  html.text(finding.what) << "</p>";
  if (!finding.next.empty()) {
    html << R"(<p class="next"><span aria-hidden="true">$ </span><code>)";
    html.text(finding.next, longestCommand) << "</code>";
    if (!finding.when.empty()) {
      html << " # ";
      html.text(finding.when);
    }
    html << "</p>";
  }
  return html << "</div></li>\n";
}

Html moreOf(std::size_t count) {
  Html html;
  html << "and ";
  html.text(std::to_string(count)) << (count == 1 ? Markup(" more finding: ") : Markup(" more findings: "));
  return html << "<code>smsctl status --verbose</code></p>\n";
}

}  // namespace

std::vector<std::size_t> linesOnWall(const std::vector<StatusFinding>& findings) {
  if (findings.size() == 1) return {wantedLines(findings.front(), lettersInLargeLine)};
  std::vector<std::size_t> lines;
  std::size_t used = 0;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const std::size_t few = std::min(wantedLines(findings[i], lettersInLine), fewLines);
    const std::size_t height = heightOf(findings[i], few), more = i + 1 < findings.size() ? line : 0;
    if (i > 0 && used + height + more > place) break;
    lines.push_back(few);
    used += height;
  }
  if (lines.size() < findings.size()) used += line;
  for (std::size_t i = 0; i < lines.size(); ++i)
    for (; lines[i] < wantedLines(findings[i], lettersInLine) && used + line <= place; used += line)
      ++lines[i];
  return lines;
}

Html findingsOf(const std::vector<StatusFinding>& findings) {
  Html html;
  if (findings.empty()) return html;
  const auto wall = linesOnWall(findings);
  html
      << R"(<section class="findings" aria-labelledby="findings"><h2 class="hidden" id="findings">Findings</h2>)"
      << (findings.size() == 1 ? Markup("\n<ol class=\"one\">\n") : Markup("\n<ol>\n"));
  for (std::size_t i = 0; i < std::min(findings.size(), mostFindings); ++i)
    html << classOf(i < wall.size() ? wall[i] : 0) << itemOf(findings[i]);
  html << "</ol>\n";
  if (findings.size() > wall.size()) html << R"(<p class="more">)" << moreOf(findings.size() - wall.size());
  if (findings.size() > mostFindings)
    html << R"(<p class="extra">)" << moreOf(findings.size() - mostFindings);
  return html << "</section>\n";
}

}  // namespace smsd::exporter
