// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/intake-metrics.h"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>
#include <vector>

namespace smsd::webintake {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using MetricLabels = std::vector<ClientMetric::Label>;

struct IntakeMetric {
  const char* name;
  MetricType type;
  const char* labels;  // their names, for the list
  const char* help;
};

enum IntakeMetricId : std::size_t {
  connected,
  requests,
  duration,
  fates,
  alerts,
  repeated,
  open,
  accepted,
  displaced,
  malformed,
  all
};

constexpr std::array<IntakeMetric, all> metrics = {{
    {"smsd_intake_connected", MetricType::Gauge, "", "1 if smsd-intake has a connection to smsd."},
    {"smsd_intake_requests_total", MetricType::Counter, "shape, status", "Requests that were answered."},
    {"smsd_intake_request_duration_seconds", MetricType::Histogram, "",
     "Time from the header of a request to its answer."},
    {"smsd_intake_alerts_total", MetricType::Counter, "result", "Alerts of requests, by their result."},
    {"smsd_intake_token_alerts_total", MetricType::Counter, "token", "Alerts of requests, by their token."},
    {"smsd_intake_repeated_total", MetricType::Counter, "",
     "Requests that were repeated because the connection to smsd was lost."},
    {"smsd_intake_connections", MetricType::Gauge, "", "Open connections of clients."},
    {"smsd_intake_connections_total", MetricType::Counter, "", "Connections of clients that were accepted."},
    {"smsd_intake_connections_displaced_total", MetricType::Counter, "",
     "Connections that were closed because others needed their places."},
    {"smsd_intake_malformed_total", MetricType::Counter, "", "Connections whose client did not speak HTTP."},
}};

class Samples {
 public:
  void add(IntakeMetricId id, double value, MetricLabels labels = {}) {
    auto& metric = families_[id].emplace_back();
    metric.label = std::move(labels);
    (metrics[id].type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  }
  void add(IntakeMetricId id, std::uint64_t value, MetricLabels labels = {}) {
    add(id, static_cast<double>(value), std::move(labels));
  }
  void addDurations(const IntakeCounts& counts) {
    auto& to = families_[duration].emplace_back().histogram;
    for (std::size_t at = 0; at < counts.durations.size(); ++at) {
      to.sample_count += counts.durations[at];
      const bool last = at == durationBounds.size();
      to.bucket.push_back(
          {to.sample_count, last ? std::numeric_limits<double>::infinity() : durationBounds[at]});
    }
    to.sample_sum = counts.seconds;
  }
  std::string text() const {
    std::vector<prometheus::MetricFamily> served;
    for (std::size_t id = 0; id < all; ++id)
      if (!families_[id].empty())
        served.push_back({metrics[id].name, metrics[id].help, metrics[id].type, families_[id]});
    return prometheus::TextSerializer().Serialize(served);
  }

 private:
  std::array<std::vector<ClientMetric>, all> families_;
};

const char* nameOf(MetricType type) {
  if (type == MetricType::Counter) return "counter";
  return type == MetricType::Histogram ? "histogram" : "gauge";
}

}  // namespace

std::string textOf(const IntakeFigures& figures) {
  Samples samples;
  samples.add(connected, figures.connected ? 1.0 : 0.0);
  for (const auto& [key, count] : figures.requests.requests)
    samples.add(requests, count,
                {{"shape", shapes::nameOf(key.first)}, {"status", std::to_string(key.second)}});
  samples.addDurations(figures.requests);
  for (std::size_t at = 0; at < figures.requests.fates.size(); ++at)
    samples.add(fates, figures.requests.fates[at],
                {{"result", shapes::nameOf(static_cast<shapes::WebFate::Result>(at))}});
  for (const auto& [token, count] : figures.requests.alerts) samples.add(alerts, count, {{"token", token}});
  samples.add(repeated, figures.repeated);
  samples.add(open, std::uint64_t(figures.connections.open));
  samples.add(accepted, figures.connections.accepted);
  samples.add(displaced, figures.connections.displaced);
  samples.add(malformed, figures.connections.malformed);
  return samples.text();
}

std::string listOfIntakeMetrics() {
  std::string list;
  for (const auto& metric : metrics) {
    const std::string labels = *metric.labels == 0 ? "" : fmt::format(" ({})", metric.labels);
    list += fmt::format("{}, {}{}\n    {}\n", metric.name, nameOf(metric.type), labels, metric.help);
  }
  return list;
}

}  // namespace smsd::webintake
