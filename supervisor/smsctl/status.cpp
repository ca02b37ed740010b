#include <fmt/format.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "supervisor/smsctl/client.h"
#include "supervisor/smsctl/commands.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;

constexpr const char* stateNames[] = {"starting", "ready", "resting", "broken", "paused"};

std::string stateName(proto::DispatcherState state) {
  auto at = static_cast<unsigned>(state);
  return at < std::size(stateNames) ? stateNames[at] : "unknown";
}

std::string age(std::uint64_t seconds) {
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (seconds < 7200) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
  return fmt::format("{}h {}m", seconds / 3600, seconds % 3600 / 60);
}

ordered_json json(proto::Status::Reader status) {
  auto queue = status.getQueue();
  ordered_json result = {{"version", status.getVersion().cStr()},
                         {"pid", status.getPid()},
                         {"up_seconds", status.getUpFor()},
                         {"healthy", status.getHealthy()},
                         {"queue",
                          {{"backend", queue.getBackend().cStr()},
                           {"reachable", queue.getReachable()},
                           {"problem", queue.getProblem().cStr()},
                           {"unsent", queue.getUnsent()},
                           {"oldest_seconds", queue.getOldest()},
                           {"under_way", queue.getUnderWay()},
                           {"sent", queue.getSent()},
                           {"ignored", queue.getIgnored()}}},
                         {"dispatchers", ordered_json::array()}};
  for (auto one : status.getDispatchers()) {
    result["dispatchers"].push_back({{"name", one.getName().cStr()},
                                     {"kind", one.getKind().cStr()},
                                     {"state", stateName(one.getState())},
                                     {"reason", one.getReason().cStr()},
                                     {"since_seconds", one.getSince()},
                                     {"next_try_seconds", one.getNextProbe()},
                                     {"worker_pid", one.getWorkerPid()},
                                     {"starts", one.getStarts()},
                                     {"strikes", one.getStrikes()},
                                     {"under_way", one.getUnderWay()},
                                     {"window", one.getWindow()},
                                     {"accepted", one.getAccepted()},
                                     {"refused", one.getRefused()},
                                     {"deferred", one.getDeferred()},
                                     {"broken", one.getBroken()},
                                     {"unknown", one.getUnknown()}});
  }
  return result;
}

void print(proto::Status::Reader status) {
  auto queue = status.getQueue();
  std::cout << fmt::format("smsd {}  {}, up {}, pid {}\n", status.getVersion().cStr(),
                           status.getHealthy() ? "healthy" : "NOT HEALTHY", age(status.getUpFor()),
                           status.getPid());
  if (queue.getReachable())
    std::cout << fmt::format(
        "queue   {}: {} waiting{}, {} SMS under way; {} sent and {} ignored since the start\n",
        queue.getBackend().cStr(), queue.getUnsent(),
        queue.getUnsent() > 0 ? ", the oldest for " + age(queue.getOldest()) : "", queue.getUnderWay(),
        queue.getSent(), queue.getIgnored());
  else
    std::cout << fmt::format("queue   {}: AWAY: {}\n", queue.getBackend().cStr(), queue.getProblem().cStr());
  std::cout << fmt::format("\n{:<14} {:<6} {:<9} {:>8} {:>8} {:>5} {:>9} {:>8} {:>9} {:>7} {:>8}\n",
                           "dispatcher", "kind", "state", "for", "worker", "out", "accepted", "refused",
                           "deferred", "broken", "unknown");
  for (auto one : status.getDispatchers()) {
    std::cout << fmt::format(
        "{:<14} {:<6} {:<9} {:>8} {:>8} {:>5} {:>9} {:>8} {:>9} {:>7} {:>8}\n", one.getName().cStr(),
        one.getKind().cStr(), stateName(one.getState()), age(one.getSince()),
        one.getWorkerPid() == 0 ? "-" : std::to_string(one.getWorkerPid()), one.getUnderWay(),
        one.getAccepted(), one.getRefused(), one.getDeferred(), one.getBroken(), one.getUnknown());
    if (one.getReason().size() > 0)
      std::cout << fmt::format(
          "               {}{}{}\n", one.getState() == proto::DispatcherState::READY ? "last trouble: " : "",
          one.getReason().cStr(),
          one.getNextProbe() > 0 ? fmt::format("; tried again in {}", age(one.getNextProbe())) : "");
  }
}

}  // namespace

int status(const Config& config, Form form) {
  Client client(config.controlSocket);
  auto response =
      client.wait<capnp::Response<proto::Control::StatusResults>>(client.control().statusRequest().send());
  auto status = response.getStatus();
  if (form == Form::json)
    std::cout << json(status).dump(2, ' ', false, ordered_json::error_handler_t::replace) << "\n";
  else
    print(status);
  return status.getHealthy() ? 0 : 1;
}

void nudge(const Config& config) {
  try {
    Client client(config.controlSocket);
    client.wait<void>(client.control().nudgeRequest().send().ignoreResult());
  } catch (const Failure&) {
    // not running: it will look when it starts
  } catch (const kj::Exception&) {
    // busy or going away: its poll will find the message
  }
}

}  // namespace smsd::smsctl
