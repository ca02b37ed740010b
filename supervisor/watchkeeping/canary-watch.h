// SPDX-License-Identifier: GPL-3.0-or-later
// Sends the canaries: test SMS at hours of the operator's choice, to find out before the night it matters
// whether each dispatcher still sends.
//
// Owns when a canary leaves, the bound on their cost, and the result of the last one of each dispatcher.
// Called by the daemon, the reloader and the control server. A canary goes the way of a test SMS
// (road/test-sms.h): it is no row of the queue, and the dispatcher's breaker learns from it. Each supervisor
// sends those of its own dispatchers. A canary leaves only after its record is durable, so none leaves while
// the state directory cannot be written. A dispatcher that is paused, or has used up its day, has none until
// that ends. One that cannot be used otherwise has failed, and is tried again after a while.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "common/kj/alarm.h"
#include "supervisor/config/canary-keys.h"
#include "supervisor/events/events.h"
#include "supervisor/road/road.h"
#include "supervisor/watchkeeping/canary-records.h"

namespace smsd::watchkeeping {

/// Canaries since the daemon started, by result.
struct CanaryCounts {
  std::uint64_t accepted = 0, refused = 0, deferred = 0, broken = 0, unknown = 0, notTried = 0;
};

/// What an operator sees of the canaries of one dispatcher.
struct CanaryView {
  std::optional<CanaryResult> last;
  std::chrono::seconds ago{0};     // since `last`
  std::chrono::seconds nextIn{0};  // 0: due, or under way
  bool failing = false;  // the last one was not accepted, and the dispatcher has accepted no SMS since
  CanaryCounts counts;
};

class CanaryWatch final : private kj::TaskSet::ErrorHandler {
 public:
  static constexpr std::size_t mostAtOnce = 4;  // leaves places for the tests of operators

  /// `file`: of the records. `clock` returns the time of the host.
  CanaryWatch(kj::Timer& timer, road::Road& road, const events::EventLog& log, std::filesystem::path file,
              kj::Function<WallTime()> clock);

  /// `changed` is called when there is a result.
  void whenChanged(kj::Function<void()> changed) { changed_ = kj::mv(changed); }
  /// Canaries leave from now on.
  void start();
  /// The configuration of the road is another one.
  void reconfigured() { look(); }
  /// Lets no further canary leave. Those under way have no result.
  void stop();

  /// Sends a canary now, on an operator's request, to one dispatcher, or to all that have canaries if
  /// `dispatcher` is empty.
  kj::Promise<road::TestSmsReport> runNow(const std::string& dispatcher);

  /// None: the dispatcher has no canaries.
  std::optional<CanaryView> of(const std::string& dispatcher) const;

 private:
  struct Watched {
    config::CanaryOrder order;
    WallTime since{};
    bool out = false;
    kj::TimePoint notBefore = kj::origin<kj::TimePoint>();
    std::optional<WallTime> toldSlot;    // whose failure is logged, of one that was not tried
    std::uint64_t acceptedWithLast = 0;  // SMS that the dispatcher had accepted then
    CanaryCounts counts;
  };
  /// What is so again if a canary does not leave.
  struct Before {
    std::optional<WallTime> ran;
    delivery::Quota::Day counted;  // the day that counts the canary
  };
  using Sent = kj::Promise<road::TestSmsReport>;

  void look();
  void follow();
  bool mayLeave(const keeper::Keeper& keeper, const Watched& one, WallTime now) const;
  bool dayUsedUp(WallTime now);
  Sent send(const std::string& name, Watched& one, const keeper::Keeper& keeper);
  void ended(const std::string& name, const Before& before, std::uint64_t acceptedBefore,
             const road::TestSmsReport& report);
  void note(const std::string& name, Watched& one, CanaryResult result);
  void takeBack(const std::string& name, const Before& before);
  bool keep();
  WallTime next(const std::string& name, const Watched& one, WallTime now) const;
  const keeper::Keeper* keeperOf(const std::string& name) const;
  WallTime now() const { return clock_(); }
  void taskFailed(kj::Exception&& exception) override;

  kj::Timer& timer_;
  road::Road& road_;
  const events::EventLog& log_;
  mutable kj::Function<WallTime()> clock_;
  CanaryRecords records_;
  std::map<std::string, Watched> watched_;  // by dispatcher
  delivery::Quota quota_{{}};
  std::size_t out_ = 0;
  enum class Stage { created, running, stopped } stage_ = Stage::created;
  bool read_ = false;                            // the records are read
  bool notKept_ = false;                         // the last records could not be kept, and it is logged
  std::optional<delivery::Quota::Day> limited_;  // the day whose bound is reached, and it is logged
  kj::Function<void()> changed_ = []() {};
  Alarm look_;
  kj::TaskSet tasks_;
};

}  // namespace smsd::watchkeeping
