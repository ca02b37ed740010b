// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/config/flag-overrides.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "supervisor/config/config.h"

namespace smsd::config {
namespace {

using config::Bound;
using config::Milliseconds;
using config::Problem;

/// Accepts a whole word that is a finite number, and nothing else.
template <typename T>
std::optional<T> number(const std::string& word) {
  T value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  if constexpr (std::is_floating_point_v<T>)
    if (!std::isfinite(value)) return std::nullopt;
  return value;
}

std::string inSeconds(Milliseconds value) {
  return fmt::format("{:g}", std::chrono::duration<double>(value).count());
}

/// Accepts a bare number of seconds as in NAV, or a duration with its unit as in smsd.yaml.
std::optional<std::string> setDuration(std::optional<Milliseconds>& target, const std::string& word,
                                       Bound<Milliseconds> bound) {
  const std::string expected = fmt::format("expected {} to {} seconds, or a duration like 30s or 5m",
                                           inSeconds(bound.least), inSeconds(bound.most));
  std::optional<Milliseconds> value = config::parseDuration(word);
  if (const auto seconds = number<double>(word)) {
    // Checked before the cast, which is undefined for a number far beyond every bound.
    const double most = std::chrono::duration<double>(bound.most).count();
    if (*seconds < 0 || *seconds > most) return expected;
    value = Milliseconds(std::llround(*seconds * 1000));
  }
  if (!value || *value < bound.least || *value > bound.most) return expected;
  target = value;
  return std::nullopt;
}

template <typename T>
std::optional<std::string> setNumber(std::optional<T>& target, const std::string& word, Bound<T> bound,
                                     std::string_view what) {
  const auto value = number<T>(word);
  if (!value || *value < bound.least || *value > bound.most)
    return fmt::format("expected {} from {} to {}", what, bound.least, bound.most);
  target = value;
  return std::nullopt;
}

/// Accepts NAV's numbers 0 and 1 and the words of NAV's configuration; NAV's own smsd ignores the numbers.
std::optional<std::string> setAction(std::optional<AtLimit>& target, const std::string& word) {
  if (word == "0" || word == "ignore")
    target = AtLimit::ignore;
  else if (word == "1" || word == "shutdown")
    target = AtLimit::shutdown;
  else
    return "expected 0 or ignore, or 1 or shutdown";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> setOverride(Overrides& overrides, std::string_view flag, const std::string& word) {
  if (flag == "delay") return setDuration(overrides.delay, word, bounds::retryDelay);
  if (flag == "maxdelay") return setDuration(overrides.maxDelay, word, bounds::retryMaxDelay);
  if (flag == "delayfactor") return setNumber(overrides.factor, word, bounds::retryFactor, "a number");
  if (flag == "limit") return setNumber(overrides.limit, word, bounds::retryLimit, "a whole number");
  if (flag == "action") return setAction(overrides.atLimit, word);
  return "is not a flag that overrides a key";
}

std::vector<Problem> applyOverrides(const Overrides& overrides, Config& config) {
  auto& retry = config.retry;
  if (overrides.delay) {
    retry.delay = *overrides.delay;
    // NAV's delay is also the interval between two looks at its queue.
    config.queue.pollInterval =
        std::clamp(*overrides.delay, bounds::pollInterval.least, bounds::pollInterval.most);
  }
  if (overrides.factor) retry.factor = *overrides.factor;
  if (overrides.maxDelay) retry.maxDelay = *overrides.maxDelay;
  if (overrides.limit) {
    retry.limit = *overrides.limit;
    retry.giveUpAfter = Milliseconds(0);  // NAV gives up by rounds alone
  }
  if (overrides.atLimit) retry.atLimit = *overrides.atLimit;
  // If neither is a flag, the file's own rule has reported the problem.
  if (retry.maxDelay >= retry.delay || (!overrides.delay && !overrides.maxDelay)) return {};
  if (overrides.maxDelay)
    return {{"--maxdelay",
             fmt::format("is {}, expected at least {}, which is {}", config::printDuration(retry.maxDelay),
                         overrides.delay ? "--delay" : "retry.delay", config::printDuration(retry.delay))}};
  return {
      {"--delay", fmt::format("is {}, expected at most retry.max_delay, which is {}; --maxdelay can raise it",
                              config::printDuration(retry.delay), config::printDuration(retry.maxDelay))}};
}

}  // namespace smsd::config
