// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "clients/exporter/dispatcher-rows.h"
#include "clients/exporter/finding-list.h"
#include "clients/exporter/html.h"
#include "clients/exporter/page-style.h"
#include "common/status-words/mail-words.h"
#include "common/status-words/status-finding.h"
#include "common/text/age.h"
#include "common/text/grouped.h"

namespace smsd::exporter {

// The hash is that of pageStyle(); tests/page prints the new one after a change of the style.
const char* const contentSecurityPolicy =
    "default-src 'none'; style-src 'sha256-qXz6d+QXg6Ny10zMisjqOO4bmsw7ff83WxOCAQPET4Q='; base-uri 'none'; "
    "form-action 'none'; frame-ancestors "
    "'none'";

namespace {

using status_words::StatusFinding;
using Rank = StatusFinding::Rank;

constexpr std::size_t longestLabel = 64, mostOthers = 8;
constexpr std::uint64_t largestCount = 99'999;  // that is written in full in large type

enum class Health { healthy, unhealthy, silent };

// --- the head

std::string hourOf(const std::tm& at) {
  return fmt::format("{:02}:{:02}:{:02}", at.tm_hour, at.tm_min, at.tm_sec);
}

std::string dateOf(const std::tm& at) {
  constexpr const char* days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                  "Thursday", "Friday", "Saturday"};
  constexpr const char* months[] = {"January", "February", "March",     "April",   "May",      "June",
                                    "July",    "August",   "September", "October", "November", "December"};
  const auto day = static_cast<std::size_t>(at.tm_wday) % std::size(days);
  const auto month = static_cast<std::size_t>(at.tm_mon) % std::size(months);
  return fmt::format("{} {} {}", days[day], at.tm_mday, months[month]);
}

/// For programs: 2026-11-27T15:04:31+01:00.
std::string stampOf(const std::tm& at) {
  const long east = std::labs(at.tm_gmtoff) / 60;
  return fmt::format("{:04}-{:02}-{:02}T{}{}{:02}:{:02}", at.tm_year + 1900, at.tm_mon + 1, at.tm_mday,
                     hourOf(at), at.tm_gmtoff < 0 ? '-' : '+', east / 60, east % 60);
}

/// Opens the document. Includes the notice that the page is old, which its style keeps invisible until then.
Html beginning(Health health, const std::tm& at) {
  static_assert(refreshEvery.count() == 5 && oldAfter.count() == 20,
                "written in the markup and in the style");
  Html html;
  html << R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="refresh" content="5">
<title>)";
  switch (health) {
    case Health::healthy:
      html << "smsd: healthy";
      break;
    case Health::unhealthy:
      html << "smsd: NOT HEALTHY";
      break;
    case Health::silent:
      html << "smsd: does not answer";
      break;
  }
  html << "</title>\n<style>" << pageStyle() << "</style>\n</head>\n<body>\n";
  html << R"(<p class="old" role="status"><strong>STALE</strong> This page shows the state of )";
  html.text(hourOf(at)) << ". No newer one has come since.</p>\n";
  html << (health == Health::healthy ? Markup("<header>") : Markup(R"(<header class="band">)")) << "\n<h1>";
  switch (health) {
    case Health::healthy:
      html << R"(<span class="good">)" << markupOf(Symbol::tick)
           << R"(</span><span><span class="name">smsd</span> healthy</span>)";
      break;
    case Health::unhealthy:
      html << markupOf(Symbol::cross) << R"(<span><span class="name">smsd</span> NOT HEALTHY</span>)";
      break;
    case Health::silent:
      html << markupOf(Symbol::cross) << "<span>smsd does not answer</span>";
      break;
  }
  html << "</h1>\n<p><span>";
  html.text(dateOf(at)) << R"(</span> <time datetime=")";
  html.text(stampOf(at)) << R"(">)";
  html.text(hourOf(at)) << "</time></p>\n</header>\n";
  return html;
}

// --- the counts

struct Count {
  Markup name;
  std::string count;
  std::string rest;
};

/// Names at most so many reasons that the text stays short.
std::string whyIgnored(proto::QueueStatus::Reader queue) {
  constexpr unsigned mostReasons = 4;
  std::string words;
  unsigned reasons = 0;
  for (auto one : queue.getIgnoredLastDay()) {
    if (++reasons > mostReasons) return words + ", ...";
    words += fmt::format("{}{} because {}", words.empty() ? "" : ", ", text::grouped(one.getCount()),
                         one.getWhy().cStr());
  }
  return words;
}

Html countsOf(proto::QueueStatus::Reader queue) {
  const bool seen = queue.getReachable();
  const auto number = [seen](std::uint64_t count) {
    return seen ? shortened(count, largestCount) : std::string("?");
  };
  std::string oldest = seen ? "" : fmt::format("{}: away", queue.getBackend().cStr());
  if (seen && queue.getUnsent() > 0) {
    oldest = "oldest " + text::age(queue.getOldest());
    if (queue.getOldestSeverity() != 0) oldest += fmt::format(" (severity {})", queue.getOldestSeverity());
  }
  std::uint64_t ignored = 0;
  for (auto one : queue.getIgnoredLastDay()) ignored += one.getCount();
  const Count counts[] = {
      {"waiting", number(queue.getUnsent()), oldest},
      {"held", number(queue.getHeld()), queue.getHeld() > 0 && seen ? "until you decide" : ""},
      {"under way", shortened(queue.getUnderWay(), largestCount), ""},
      {"sent, last hour", shortened(queue.getSentLastHour(), largestCount),
       fmt::format("last minute {}, since the start {}", shortened(queue.getSentLastMinute()),
                   shortened(queue.getSent()))},
      {"ignored in the last 24 h", shortened(ignored, largestCount), whyIgnored(queue)},
  };
  Html html;
  html
      << R"(<section class="counts" aria-labelledby="messages"><h2 class="hidden" id="messages">Messages</h2>)"
      << "\n<dl>\n";
  for (const auto& one : counts) {
    html << "<div><dt>" << one.name << R"(</dt><dd class="count">)";
    html.text(one.count) << R"(</dd><dd class="rest">)";
    html.text(one.rest) << "</dd></div>\n";
  }
  return html << "</dl></section>\n";
}

// --- the foot

Html footOf(proto::Status::Reader status) {
  auto queue = status.getQueue();
  Html html;
  html << "<footer><p>smsd ";
  html.text(status.getVersion().cStr(), longestLabel) << ", up ";
  html.text(text::age(status.getUpFor())) << "</p> <p>";
  html.text(queue.getBackend().cStr(), longestLabel) << "</p>";
  const std::string mail = status_words::mailWords(status);
  if (!mail.empty()) {
    html << " <p>mail ";
    html.text(mail) << "</p>";
  }
  const std::size_t others = queue.getOthers().size();
  if (others > 0) {
    html << " <p>";
    html.text(std::to_string(others)) << " beside this one: ";
    std::size_t shown = 0;
    for (auto one : queue.getOthers()) {
      if (shown == mostOthers) break;
      if (shown++ > 0) html << ", ";
      html.text(one.cStr(), longestLabel);
    }
    if (others > mostOthers) html << ", ...";
    html << "</p>";
  }
  return html << "</footer>\n";
}

}  // namespace

std::string pageOf(proto::Status::Reader status, const std::tm& answered) {
  const auto findings = status_words::shownFindings(status);
  Html html = beginning(status.getHealthy() ? Health::healthy : Health::unhealthy, answered);
  html << (findings.empty() ? Markup(R"(<main class="calm">)") : Markup(R"(<main class="troubled">)"))
       << "\n";
  html << findingsOf(findings) << countsOf(status.getQueue()) << dispatchersOf(status.getDispatchers());
  return (html << "</main>\n" << footOf(status) << "</body>\n</html>\n").string();
}

std::string pageOf(const NoAnswer& silence, const std::tm& now) {
  StatusFinding finding{Rank::unhealthy, silence.cause, {}, "smsctl status", "on the host of smsd"};
  if (silence.since)
    finding.since = static_cast<std::uint64_t>(std::max<std::int64_t>(0, silence.since->count()));
  Html html = beginning(Health::silent, now);
  html << R"(<main><div class="alone">)" << findingsOf({finding}) << "</div></main>\n";
  return (html << "</body>\n</html>\n").string();
}

}  // namespace smsd::exporter
