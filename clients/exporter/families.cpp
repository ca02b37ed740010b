// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/families.h"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

namespace smsd::exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

struct Metric {
  const char* name;
  MetricType type;
  const char* labels;  // their names, for the list
  const char* help;
};

constexpr auto gauge = MetricType::Gauge;
constexpr auto counter = MetricType::Counter;
constexpr auto histogram = MetricType::Histogram;

/// In the order in which they are served.
enum Id : std::size_t {
  up,
  buildInfo,
  uptime,
  healthy,
  withoutDispatcher,
  adminMail,
  stateDirectory,
  reachable,
  strained,
  otherSender,
  notifications,
  depthKnown,
  unsent,
  oldest,
  late,
  held,
  paced,
  inProgress,
  sent,
  ignored,
  heldSms,
  failedRounds,
  latency,
  failover,
  claims,
  claimedSms,
  calls,
  errors,
  replaced,
  loopLag,
  state,
  breaker,
  underWay,
  window,
  sms,
  parts,
  attempts,
  notUnderstood,
  usedUp,
  signalDbm,
  workerStarts,
  workerEnds,
  canaries,
  canaryFailing,
  canaryTook,
  canaryAge,
  heartbeatMissing,
  heartbeatAge,
  heartbeatsCame,
  heartbeatAlerts,
  heartbeatsWatched,
  numberOfMetrics
};

constexpr std::array<Metric, numberOfMetrics> metrics = {{
    {"smsd_up", gauge, "", "1 if smsd answered this scrape, otherwise 0, and no other metric is given."},
    {"smsd_build_info", gauge, "version", "Always 1; the label is the version of smsd."},
    {"smsd_uptime_seconds", gauge, "", "Time since smsd started."},
    {"smsd_healthy", gauge, "", "1 if smsctl status reports smsd as healthy."},
    {"smsd_without_dispatcher", gauge, "", "1 if no dispatcher can be used, so that smsd sends nothing."},
    {"smsd_admin_mail_failing", gauge, "", "1 if the last mail to the administrators was not accepted."},
    {"smsd_state_directory_failing", gauge, "", "1 if smsd cannot write into its state directory."},
    {"smsd_queue_reachable", gauge, "", "1 if smsd can use its queue."},
    {"smsd_queue_strained", gauge, "", "1 if the queue works, but will soon fail (its disk is full)."},
    {"smsd_queue_other_sender", gauge, "", "1 if another program (NAV's smsd) sends messages of the queue."},
    {"smsd_queue_notifications_silent", gauge, "",
     "1 if notifications of new messages do not arrive, so that smsd polls."},
    {"smsd_queue_depth_known", gauge, "",
     "1 if the queue could be counted. If 0, the next five metrics are not given."},
    {"smsd_queue_unsent_messages", gauge, "severity",
     "Unsent messages, held ones included. smsd counts no further than 100,000."},
    {"smsd_queue_oldest_message_age_seconds", gauge, "severity", "Age of the oldest unsent message."},
    {"smsd_queue_late_message_age_seconds", gauge, "",
     "Age of the oldest message that is neither held nor paced and whose recipient is not in a retry wait; 0 "
     "if there is none."},
    {"smsd_queue_held_messages", gauge, "", "Messages that may have been sent and wait for an operator."},
    {"smsd_queue_paced_messages", gauge, "",
     "Unsent messages that wait because an SMS left to their recipients lately."},
    {"smsd_sms_in_progress", gauge, "", "SMS for which this smsd holds a claim."},
    {"smsd_messages_sent_total", counter, "", "Messages that were sent."},
    {"smsd_messages_ignored_total", counter, "reason", "Messages that became ignored."},
    {"smsd_sms_held_total", counter, "", "SMS that became held."},
    {"smsd_failed_rounds_total", counter, "counted",
     "Rounds in which no dispatcher accepted an SMS, counted towards retry.limit or not."},
    {"smsd_delivery_latency_seconds", histogram, "",
     "Time from the insertion of a message to the acceptance of its SMS."},
    {"smsd_failover_duration_seconds", histogram, "",
     "Time from the hand-over to a dispatcher that failed to the hand-over to the next one."},
    {"smsd_claims_total", counter, "", "Claims of messages of the queue."},
    {"smsd_claimed_sms_total", counter, "", "SMS that were claimed."},
    {"smsd_queue_call_duration_seconds", histogram, "call", "Duration of calls of the queue."},
    {"smsd_queue_errors_total", counter, "kind", "Calls of the queue that failed."},
    {"smsd_queue_replaced_rows_total", counter, "",
     "Settled messages whose id belonged to another row by then."},
    {"smsd_event_loop_lag_seconds", histogram, "",
     "How late smsd's event loop ran a timer, measured once a second while smsd is scraped."},
    {"smsd_dispatcher_state", gauge, "dispatcher, kind, state", "1 for the state of the dispatcher."},
    {"smsd_dispatcher_breaker_state", gauge, "dispatcher, state",
     "1 for the state of the dispatcher's breaker."},
    {"smsd_dispatcher_sms_in_progress", gauge, "dispatcher", "SMS that the dispatcher's worker has."},
    {"smsd_dispatcher_window_sms", gauge, "dispatcher", "SMS that the worker may send at once."},
    {"smsd_sms_total", counter, "dispatcher, outcome", "Attempts to send an SMS of the queue, by outcome."},
    {"smsd_sms_parts_total", counter, "dispatcher, outcome", "The parts of these SMS."},
    {"smsd_attempt_duration_seconds", histogram, "dispatcher",
     "Time from the begin of an attempt to its outcome."},
    {"smsd_answers_not_understood_total", counter, "dispatcher",
     "Answers of the gateway that the dispatcher's configuration does not cover."},
    {"smsd_dispatcher_day_limit_reached", gauge, "dispatcher", "1 if per_day lets no further SMS go today."},
    {"smsd_dispatcher_signal_dbm", gauge, "dispatcher", "Signal of the modem's network; only for a modem."},
    {"smsd_worker_starts_total", counter, "dispatcher", "Workers that smsd started or connected to."},
    {"smsd_worker_ends_total", counter, "dispatcher, cause", "Workers that ended."},
    {"smsd_canaries_total", counter, "dispatcher, result", "Canaries, by result."},
    {"smsd_canary_failing", gauge, "dispatcher",
     "1 if the last canary was not accepted, and the dispatcher has accepted no SMS since."},
    {"smsd_canary_duration_seconds", gauge, "dispatcher",
     "Time from the hand-over of the last canary to its result."},
    {"smsd_canary_age_seconds", gauge, "dispatcher", "Time since the result of the last canary."},
    {"smsd_heartbeat_missing", gauge, "heartbeat", "1 if the heartbeat has not come in time."},
    {"smsd_heartbeat_age_seconds", gauge, "heartbeat", "Time since the heartbeat last came."},
    {"smsd_heartbeats_total", counter, "heartbeat",
     "Heartbeats that this smsd found. If several come between two checks, they count as one."},
    {"smsd_heartbeat_alerts_total", counter, "heartbeat",
     "Alerts that this smsd wrote because the heartbeat was missing."},
    {"smsd_heartbeats_watched", gauge, "",
     "1 if smsd watches the heartbeats that it expects, 0 if it cannot although the queue can be reached."},
}};

class Families {
 public:
  void add(Id id, double value, Labels labels = {}) {
    auto& metric = entry(id, std::move(labels));
    (metrics[id].type == counter ? metric.counter.value : metric.gauge.value) = value;
  }
  void add(Id id, bool value) { add(id, value ? 1.0 : 0.0); }
  void add(Id id, proto::Distribution::Reader from, Labels labels = {});
  /// One gauge for each of `values`, 1 for `now`.
  template <typename Values>
  void addStates(Id id, const Values& values, std::string_view now, const Labels& labels) {
    for (const char* one : values) {
      Labels all = labels;
      all.push_back({"state", one});
      add(id, one == now ? 1.0 : 0.0, std::move(all));
    }
  }
  void add(Id id, capnp::List<proto::Count>::Reader counts, const char* label, const Labels& labels = {}) {
    for (const auto& one : counts) {
      Labels all = labels;
      all.push_back({label, one.getOf().cStr()});
      add(id, static_cast<double>(one.getCount()), std::move(all));
    }
  }
  std::string text() const;

 private:
  ClientMetric& entry(Id id, Labels labels) {
    auto& metric = families_[id].emplace_back();
    metric.label = std::move(labels);
    return metric;
  }

  std::array<std::vector<ClientMetric>, numberOfMetrics> families_;
};

void Families::add(Id id, proto::Distribution::Reader from, Labels labels) {
  constexpr double microseconds = 1e6;
  auto& to = entry(id, std::move(labels)).histogram;
  const auto bounds = from.getBounds();
  const auto counts = from.getCounts();
  for (unsigned i = 0; i < counts.size(); ++i) {
    to.sample_count += counts[i];
    if (i < bounds.size())
      to.bucket.push_back({to.sample_count, static_cast<double>(bounds[i]) / microseconds});
  }
  to.bucket.push_back({to.sample_count, std::numeric_limits<double>::infinity()});
  to.sample_sum = static_cast<double>(from.getSum()) / microseconds;
}

std::string Families::text() const {
  std::vector<MetricFamily> all;
  for (std::size_t id = 0; id < numberOfMetrics; ++id)
    if (!families_[id].empty())
      all.push_back({metrics[id].name, metrics[id].help, metrics[id].type, families_[id]});
  return prometheus::TextSerializer().Serialize(all);
}

double seconds(std::uint64_t milliseconds) { return static_cast<double>(milliseconds) / 1000; }

void addQueue(Families& families, proto::QueueMetrics::Reader queue) {
  families.add(reachable, queue.getReachable());
  families.add(strained, queue.getStrained());
  families.add(otherSender, queue.getOtherSender());
  families.add(notifications, queue.getNotificationsSilent());
  families.add(depthKnown, queue.getDepthKnown());
  if (queue.getDepthKnown()) {
    for (const auto& one : queue.getDepth()) {
      const Labels labels = {{"severity", one.getSeverity().cStr()}};
      families.add(unsent, static_cast<double>(one.getUnsent()), labels);
      families.add(oldest, seconds(one.getOldest()), labels);
    }
    // A severity without messages is not given, and a sum over no series is no number.
    if (queue.getDepth().size() == 0) {
      families.add(unsent, static_cast<double>(queue.getUnsent()), {{"severity", "none"}});
      families.add(oldest, 0.0, {{"severity", "none"}});
    }
    families.add(late, seconds(queue.getLate()));
    families.add(held, static_cast<double>(queue.getHeld()));
    families.add(paced, static_cast<double>(queue.getPaced()));
  }
  families.add(inProgress, static_cast<double>(queue.getUnderWay()));
  families.add(sent, static_cast<double>(queue.getSent()));
  families.add(ignored, queue.getIgnored(), "reason");
  families.add(claims, static_cast<double>(queue.getClaims()));
  families.add(claimedSms, static_cast<double>(queue.getClaimedSms()));
  for (const auto& one : queue.getCalls())
    families.add(calls, one.getTook(), {{"call", one.getCall().cStr()}});
  families.add(errors, queue.getErrors(), "kind");
  families.add(replaced, static_cast<double>(queue.getReplacedRows()));
}

constexpr std::array states = {"starting", "ready", "resting", "broken", "paused"};
constexpr std::array breakerStates = {"closed", "open", "half_open"};

/// A state of a later version has no name here.
std::string_view nameOf(proto::DispatcherState one) {
  const auto place = static_cast<std::size_t>(one);
  return place < states.size() ? states[place] : "";
}

void addCanary(Families& families, proto::CanaryMetrics::Reader canary, const Labels& labels) {
  if (!canary.getEnabled()) return;
  families.add(canaries, canary.getResults(), "result", labels);
  families.add(canaryFailing, canary.getFailing() ? 1.0 : 0.0, labels);
  if (!canary.getKnown()) return;
  families.add(canaryTook, seconds(canary.getTook()), labels);
  families.add(canaryAge, seconds(canary.getAgo()), labels);
}

void addDispatcher(Families& families, proto::DispatcherMetrics::Reader one) {
  const Labels labels = {{"dispatcher", one.getName().cStr()}};
  Labels withKind = labels;
  withKind.push_back({"kind", one.getKind().cStr()});
  families.addStates(state, states, nameOf(one.getState()), withKind);
  families.addStates(breaker, breakerStates, one.getBreaker().cStr(), labels);
  families.add(underWay, static_cast<double>(one.getUnderWay()), labels);
  families.add(window, static_cast<double>(one.getWindow()), labels);
  for (const auto& outcome : one.getOutcomes()) {
    Labels all = labels;
    all.push_back({"outcome", outcome.getOutcome().cStr()});
    families.add(sms, static_cast<double>(outcome.getSms()), all);
    families.add(parts, static_cast<double>(outcome.getParts()), all);
  }
  families.add(attempts, one.getAttempts(), labels);
  families.add(notUnderstood, static_cast<double>(one.getNotUnderstood()), labels);
  families.add(usedUp, one.getUsedUp() ? 1.0 : 0.0, labels);
  if (one.getSignalKnown()) families.add(signalDbm, static_cast<double>(one.getSignal()), labels);
  families.add(workerStarts, static_cast<double>(one.getWorkerStarts()), labels);
  families.add(workerEnds, one.getWorkerEnds(), "cause", labels);
  addCanary(families, one.getCanary(), labels);
}

void addHeartbeat(Families& families, proto::HeartbeatMetrics::Reader one) {
  const Labels labels = {{"heartbeat", one.getName().cStr()}};
  families.add(heartbeatsCame, static_cast<double>(one.getCame()), labels);
  families.add(heartbeatAlerts, static_cast<double>(one.getAlerts()), labels);
  if (!one.getKnown()) return;
  families.add(heartbeatMissing, one.getMissing() ? 1.0 : 0.0, labels);
  if (one.getEver()) families.add(heartbeatAge, seconds(one.getAgo()), labels);
}

void addFigures(Families& families, proto::Metrics::Reader figures) {
  families.add(buildInfo, 1.0, {{"version", figures.getVersion().cStr()}});
  families.add(uptime, seconds(figures.getUpFor()));
  families.add(healthy, figures.getHealthy());
  families.add(withoutDispatcher, figures.getWithoutDispatcher());
  families.add(adminMail, figures.getAdminMailFails());
  families.add(stateDirectory, figures.getStateFolderFails());
  addQueue(families, figures.getQueue());
  families.add(heldSms, static_cast<double>(figures.getHeldSms()));
  for (const auto& one : figures.getFailedRounds())
    families.add(failedRounds, static_cast<double>(one.getCount()),
                 {{"counted", one.getOf() == "counted" ? "yes" : "no"}});
  families.add(latency, figures.getLatency());
  families.add(failover, figures.getFailover());
  families.add(loopLag, figures.getLoopLag());
  for (const auto& one : figures.getDispatchers()) addDispatcher(families, one);
  for (const auto& one : figures.getHeartbeats()) addHeartbeat(families, one);
  if (figures.getHeartbeats().size() > 0)
    families.add(heartbeatsWatched, figures.getHeartbeatsUnwatched() ? 0.0 : 1.0);
}

const char* nameOf(MetricType type) {
  return type == counter ? "counter" : type == histogram ? "histogram" : "gauge";
}

}  // namespace

std::string textOf(kj::Maybe<proto::Metrics::Reader> figures) {
  Families families;
  families.add(up, figures != nullptr);
  KJ_IF_MAYBE (known, figures) addFigures(families, *known);
  return families.text();
}

std::string listOfMetrics() {
  std::string list;
  for (const auto& metric : metrics) {
    const std::string labels = *metric.labels == 0 ? "" : fmt::format(" ({})", metric.labels);
    list += fmt::format("{}, {}{}\n    {}\n", metric.name, nameOf(metric.type), labels, metric.help);
  }
  return list;
}

}  // namespace smsd::exporter
