// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/dispatcher-rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "clients/exporter/page-style.h"
#include "common/status-words/names.h"
#include "common/text/age.h"
#include "common/text/grouped.h"

namespace smsd::exporter {
namespace {

using State = proto::DispatcherState;
using Reader = proto::DispatcherStatus::Reader;

constexpr std::size_t longestName = 64;
constexpr std::size_t fewRows = 4;  // which have place for larger type

Html markOf(State state) {
  Html html;
  switch (state) {
    case State::READY:
      return html << R"(<span class="good">)" << markupOf(Symbol::tick) << "</span>";
    case State::BROKEN:
      return html << R"(<span class="bad">)" << markupOf(Symbol::cross) << "</span>";
    case State::RESTING:
      return html << R"(<span class="warn">)" << markupOf(Symbol::hourglass) << "</span>";
    case State::PAUSED:
      return html << R"(<span class="warn">)" << markupOf(Symbol::bars) << "</span>";
    case State::STARTING:
      return html << R"(<span class="warn">)" << markupOf(Symbol::ring) << "</span>";
  }
  return html << R"(<span class="warn">)" << markupOf(Symbol::warning) << "</span>";  // of a later version
}

Html rowOf(Reader one) {
  const std::uint64_t failed = one.getRefused() + one.getDeferred() + one.getBroken() + one.getUnknown();
  Html html;
  html << R"(<th scope="row">)";
  html.text(one.getName().cStr(), longestName) << R"(</th><td class="kind">)";
  html.text(one.getKind().cStr(), longestName) << R"(</td><td class="state">)" << markOf(one.getState());
  html.text(status_words::stateName(one.getState())) << R"(</td><td class="n for">)";
  html.text(text::age(one.getSince())) << R"(</td><td class="n use">)";
  html.text(shortened(one.getUnderWay())) << R"(</td><td class="n accepted">)";
  html.text(shortened(one.getAccepted())) << R"(</td><td class="n failed">)";
  html.text(shortened(failed)) << "</td></tr>\n";
  return html;
}

/// Returns for each dispatcher whether a screen on the wall shows it.
std::vector<bool> onWall(capnp::List<proto::DispatcherStatus>::Reader dispatchers) {
  std::vector<bool> shown(dispatchers.size(), dispatchers.size() <= rowsOnWall);
  std::size_t left =
      dispatchers.size() <= rowsOnWall ? 0 : rowsOnWall - 1;  // one line has the number of the others
  for (const bool ready : {false, true})
    for (unsigned i = 0; i < dispatchers.size() && left > 0; ++i)
      if ((dispatchers[i].getState() == State::READY) == ready) shown[i] = true, --left;
  return shown;
}

/// Returns the first rows, and among them all that a screen on the wall shows.
std::vector<bool> onPage(const std::vector<bool>& wall) {
  std::vector<bool> shown = wall;
  auto left = mostRows - static_cast<std::size_t>(std::count(wall.begin(), wall.end(), true));
  for (std::size_t i = 0; i < shown.size() && left > 0; ++i)
    if (!shown[i]) shown[i] = true, --left;
  return shown;
}

void addMore(Html& html, std::size_t count) {
  html.text(std::to_string(count)) << (count == 1 ? Markup(" more dispatcher: ")
                                                  : Markup(" more dispatchers: "));
  html << "<code>smsctl dispatcher list</code></p>\n";
}

}  // namespace

Html dispatchersOf(capnp::List<proto::DispatcherStatus>::Reader dispatchers) {
  Html html;
  if (dispatchers.size() == 0) return html;
  const auto wall = onWall(dispatchers), page = onPage(wall);
  html
      << R"(<section class="dispatchers" aria-labelledby="dispatchers"><h2 class="hidden" id="dispatchers">Dispatchers</h2>
)";
  html << (dispatchers.size() <= fewRows ? Markup(R"(<table class="few">)") : Markup("<table>"));
  html << R"(
<thead><tr><th scope="col">dispatcher</th><th scope="col" class="kind">kind</th><th scope="col" class="state">state</th><th scope="col" class="n for">for</th><th scope="col" class="n use">in use</th><th scope="col" class="n accepted">accepted</th><th scope="col" class="n failed">failed</th></tr></thead>
<tbody>
)";
  for (unsigned i = 0; i < dispatchers.size(); ++i)
    if (page[i])
      html << (wall[i] ? Markup("<tr>") : Markup(R"(<tr class="extra">)")) << rowOf(dispatchers[i]);
  html << "</tbody></table>\n";
  if (dispatchers.size() > rowsOnWall) {
    html << R"(<p class="more">and )";
    addMore(html, dispatchers.size() - rowsOnWall + 1);
  }
  if (dispatchers.size() > mostRows) {
    html << R"(<p class="extra">and )";
    addMore(html, dispatchers.size() - mostRows);
  }
  return html << "</section>\n";
}

std::string shortened(std::uint64_t count, std::uint64_t largest) {
  if (count <= largest) return text::grouped(count);
  std::uint64_t tenths = count / 100;  // of a thousand
  std::string_view units = "kMGTPE";
  while (tenths >= 10'000) {
    tenths /= 1000;
    units.remove_prefix(1);
  }
  if (tenths >= 1000) return fmt::format("{} {}", tenths / 10, units.front());
  return fmt::format("{}.{} {}", tenths / 10, tenths % 10, units.front());
}

}  // namespace smsd::exporter
