// SPDX-License-Identifier: GPL-3.0-or-later
// What holds for a claim in each database: how much it reads, and the order of its submissions.
//
// Called by the claims of all backends. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "supervisor/queue/queue.h"

namespace smsd::queue {

/// Unsent messages that a claim reads at a time at least, because many may be passed by.
inline constexpr std::size_t leastPage = 64;
/// Messages of one recipient for one SMS.
inline constexpr std::size_t messagesAtATime = 1000;

/// Notes a number whose messages are nobody's.
inline void noteLeftOut(ClaimResult& result, const std::string& recipient) {
  auto& all = result.leftOut;
  if (std::find(all.begin(), all.end(), recipient) == all.end()) all.push_back(recipient);
}

/// Notes a recipient that is not claimed because of its pace.
inline void notePaced(ClaimResult& result, const std::string& recipient, const pace::Decision& decision) {
  auto& all = result.paced;
  if (std::ranges::find(all, recipient, &PacedRecipient::recipient) == all.end())
    all.push_back({recipient, decision});
}

/// Rows of paced recipients that a claim reads before it looks at the recipients instead, one row of each.
inline constexpr std::size_t pacedRowsAtMost = 64;
/// Recipients of unsent messages that such a look reads at most. With more of them, rows of paced ones do not
/// outnumber the others by far, and the claim goes on with the rows.
inline constexpr std::size_t pacedLookAtMost = 512;

/// Sorts as the queue is sorted: by severity, a missing one last, then by time and id of the first message.
/// A `Taken` has a `submission` and, as text that sorts, the `firstTime`.
template <typename Taken>
void sortAsQueue(std::vector<Taken>& all) {
  const auto key = [](const Taken& one) {
    return std::tuple(!one.submission.severity.has_value(), one.submission.severity.value_or(0),
                      std::string_view(one.firstTime), one.submission.first);
  };
  // Sorts their places, because a Taken is large, and each is moved only once then.
  std::vector<Taken*> order;
  order.reserve(all.size());
  for (Taken& one : all) order.push_back(&one);
  std::sort(order.begin(), order.end(), [&](const Taken* a, const Taken* b) { return key(*a) < key(*b); });
  std::vector<Taken> sorted;
  sorted.reserve(all.size());
  for (Taken* one : order) sorted.push_back(std::move(*one));
  all = std::move(sorted);
}

}  // namespace smsd::queue
