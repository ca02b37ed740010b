// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/families.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

namespace smsd::exporter {
namespace {

/// Figures in which each field has a value.
class Figures {
 public:
  Figures() {
    metrics_.setVersion("1.2.3");
    metrics_.setUpFor(2500);
    metrics_.setHealthy(true);
    metrics_.setHeldSms(4);
    count(metrics_.initFailedRounds(2), {"counted", "not_counted"});
    for (auto one : {metrics_.initLatency(), metrics_.initFailover(), metrics_.initLoopLag()}) fill(one);
    auto queue = metrics_.initQueue();
    queue.setReachable(true);
    queue.setDepthKnown(true);
    queue.setLate(61000);
    queue.setHeld(2);
    queue.setPaced(6);
    auto depth = queue.initDepth(2);
    depth[0].setSeverity("1");
    depth[0].setUnsent(7);
    depth[0].setOldest(1500);
    depth[1].setSeverity("none");
    count(queue.initIgnored(1), {"refused"});
    count(queue.initErrors(1), {"busy"});
    auto calls = queue.initCalls(1);
    calls[0].setCall("claim");
    fill(calls[0].initTook());
    auto one = metrics_.initDispatchers(1)[0];
    one.setName("mod\"em");
    one.setKind("gammu");
    one.setState(proto::DispatcherState::BROKEN);
    one.setBreaker("half_open");
    auto outcomes = one.initOutcomes(1);
    outcomes[0].setOutcome("accepted");
    outcomes[0].setSms(3);
    outcomes[0].setParts(5);
    fill(one.initAttempts());
    count(one.initWorkerEnds(1), {"died"});
    one.setSignalKnown(true);
    one.setSignal(-71);
    auto canary = one.initCanary();
    canary.setEnabled(true);
    canary.setFailing(true);
    canary.setKnown(true);
    canary.setTook(1500);
    canary.setAgo(61000);
    count(canary.initResults(2), {"refused", "not_tried"});
    auto heartbeat = metrics_.initHeartbeats(1)[0];
    heartbeat.setName("nav");
    heartbeat.setKnown(true);
    heartbeat.setMissing(true);
    heartbeat.setEver(true);
    heartbeat.setAgo(90000);
    heartbeat.setCame(7);
    heartbeat.setAlerts(2);
  }
  proto::Metrics::Reader read() { return metrics_.asReader(); }
  proto::Metrics::Builder& write() { return metrics_; }

 private:
  static void count(capnp::List<proto::Count>::Builder list, std::initializer_list<const char*> words) {
    unsigned i = 0;
    for (const char* word : words) {
      list[i].setOf(word);
      list[i].setCount(i + 1);
      ++i;
    }
  }
  static void fill(proto::Distribution::Builder builder) {
    auto bounds = builder.initBounds(2);
    bounds.set(0, 500);
    bounds.set(1, 2'000'000);
    auto counts = builder.initCounts(3);
    for (unsigned i = 0; i < 3; ++i) counts.set(i, i + 1);
    builder.setSum(7'250'000);
  }

  capnp::MallocMessageBuilder message_;
  proto::Metrics::Builder metrics_ = message_.initRoot<proto::Metrics>();
};

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Families, AreGivenInBaseUnitsWithTheirLabels) {
  Figures figures;
  const std::string text = textOf(figures.read());
  for (const char* line :
       {"smsd_up 1",
        "smsd_build_info{version=\"1.2.3\"} 1",
        "smsd_uptime_seconds 2.5",
        "smsd_healthy 1",
        "smsd_queue_reachable 1",
        "smsd_queue_unsent_messages{severity=\"1\"} 7",
        "smsd_queue_oldest_message_age_seconds{severity=\"1\"} 1.5",
        "smsd_queue_late_message_age_seconds 61",
        "smsd_queue_held_messages 2",
        "smsd_queue_paced_messages 6",
        "smsd_messages_ignored_total{reason=\"refused\"} 1",
        "smsd_queue_errors_total{kind=\"busy\"} 1",
        "smsd_failed_rounds_total{counted=\"yes\"} 1",
        "smsd_failed_rounds_total{counted=\"no\"} 2",
        "smsd_sms_held_total 4",
        "smsd_sms_total{dispatcher=\"mod\\\"em\",outcome=\"accepted\"} 3",
        "smsd_sms_parts_total{dispatcher=\"mod\\\"em\",outcome=\"accepted\"} 5",
        "smsd_dispatcher_state{dispatcher=\"mod\\\"em\",kind=\"gammu\",state=\"broken\"} 1",
        "smsd_dispatcher_state{dispatcher=\"mod\\\"em\",kind=\"gammu\",state=\"ready\"} 0",
        "smsd_dispatcher_breaker_state{dispatcher=\"mod\\\"em\",state=\"half_open\"} 1",
        "smsd_dispatcher_signal_dbm{dispatcher=\"mod\\\"em\"} -71",
        "smsd_worker_ends_total{dispatcher=\"mod\\\"em\",cause=\"died\"} 1",
        "smsd_canaries_total{dispatcher=\"mod\\\"em\",result=\"not_tried\"} 2",
        "smsd_canary_failing{dispatcher=\"mod\\\"em\"} 1",
        "smsd_canary_duration_seconds{dispatcher=\"mod\\\"em\"} 1.5",
        "smsd_canary_age_seconds{dispatcher=\"mod\\\"em\"} 61",
        "smsd_heartbeat_missing{heartbeat=\"nav\"} 1",
        "smsd_heartbeat_age_seconds{heartbeat=\"nav\"} 90",
        "smsd_heartbeats_total{heartbeat=\"nav\"} 7",
        "smsd_heartbeat_alerts_total{heartbeat=\"nav\"} 2",
        "smsd_heartbeats_watched 1"})
    EXPECT_TRUE(has(text, line)) << line << "\n" << text;
}

TEST(Families, TellHeartbeatsThatNobodyWatchesFromThoseThatAreThere) {
  Figures figures;
  figures.write().setHeartbeatsUnwatched(true);
  EXPECT_TRUE(has(textOf(figures.read()), "smsd_heartbeats_watched 0"));
  figures.write().initHeartbeats(0);
  EXPECT_FALSE(has(textOf(figures.read()), "smsd_heartbeats_watched 0")) << "none is expected";
}

TEST(Families, AccumulateADistribution) {
  Figures figures;
  const std::string text = textOf(figures.read());
  for (const char* line : {"smsd_delivery_latency_seconds_bucket{le=\"0.0005\"} 1",
                           "smsd_delivery_latency_seconds_bucket{le=\"2\"} 3",
                           "smsd_delivery_latency_seconds_bucket{le=\"+Inf\"} 6",
                           "smsd_delivery_latency_seconds_count 6", "smsd_delivery_latency_seconds_sum 7.25"})
    EXPECT_TRUE(has(text, line)) << line << "\n" << text;
}

TEST(Families, AreLeftOutIfSmsdDoesNotAnswerOrDoesNotKnowThem) {
  const std::string down = textOf(nullptr);
  EXPECT_TRUE(has(down, "smsd_up 0")) << down;
  EXPECT_EQ(down.find("smsd_healthy"), std::string::npos);
  Figures figures;
  figures.write().getQueue().setDepthKnown(false);
  figures.write().getDispatchers()[0].setSignalKnown(false);
  const std::string text = textOf(figures.read());
  EXPECT_TRUE(has(text, "smsd_queue_depth_known 0"));
  for (const char* absent :
       {"smsd_queue_unsent", "smsd_queue_held", "smsd_queue_late", "smsd_dispatcher_signal"})
    EXPECT_EQ(text.find(absent), std::string::npos) << absent;
}

TEST(Families, AnEmptyQueueIsAZeroAndNotAbsent) {
  Figures figures;
  figures.write().getQueue().initDepth(0);
  const std::string text = textOf(figures.read());
  EXPECT_TRUE(has(text, "smsd_queue_unsent_messages{severity=\"none\"} 0")) << text;
}

TEST(Families, AreAllInTheListAndGivenFromFiguresThatHaveAll) {
  Figures figures;
  const std::string text = textOf(figures.read()), list = listOfMetrics();
  const std::regex listed("(smsd_[a-z_]+), (gauge|counter|histogram)"), typed("# TYPE (smsd_[a-z_]+) (\\w+)");
  std::set<std::string> named, given;
  for (std::sregex_iterator it(list.begin(), list.end(), listed), end; it != end; ++it)
    named.insert((*it)[1].str() + " " + (*it)[2].str());
  for (std::sregex_iterator it(text.begin(), text.end(), typed), end; it != end; ++it)
    given.insert((*it)[1].str() + " " + (*it)[2].str());
  EXPECT_EQ(named, given);
  EXPECT_GT(named.size(), 40u);
  for (const auto& one : named)
    EXPECT_EQ(one.find("_total counter") != std::string::npos, one.ends_with(" counter")) << one;
}

}  // namespace
}  // namespace smsd::exporter
