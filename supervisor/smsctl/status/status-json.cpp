// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/status/status-json.h"

#include "common/text/utf.h"
#include "supervisor/smsctl/status/heartbeat-words.h"
#include "supervisor/smsctl/status/names.h"

namespace smsd::smsctl {
namespace {

using nlohmann::ordered_json;

ordered_json json(proto::DispatcherStatus::Reader one) {
  ordered_json details = ordered_json::object();
  for (auto detail : one.getDetails()) details[detail.getName().cStr()] = detail.getValue().cStr();
  return {{"name", one.getName().cStr()},
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
          {"unknown", one.getUnknown()},
          {"not_understood", one.getNotUnderstood()},
          {"last_not_understood", one.getLastNotUnderstood().cStr()},
          {"trouble_seconds", one.getTroubleAgo()},
          {"software", text::printable(one.getSoftware().cStr())},
          {"details", std::move(details)},
          {"details_seconds", one.getDetailsAgo()},
          {"canary", asJson(one.getCanary())}};
}

}  // namespace

ordered_json asJson(proto::CanaryStatus::Reader canary) {
  if (!canary.getEnabled()) return nullptr;
  const bool ran = canary.getResult().size() > 0;
  return {{"result", ran ? ordered_json(canary.getResult().cStr()) : ordered_json(nullptr)},
          {"words", text::printable(canary.getWords().cStr())},
          {"took_ms", ran ? ordered_json(canary.getTookMs()) : ordered_json(nullptr)},
          {"ago_seconds", ran ? ordered_json(canary.getAgo()) : ordered_json(nullptr)},
          {"next_seconds", canary.getNextIn()},
          {"failing", canary.getFailing()},
          {"accepted", canary.getAccepted()},
          {"refused", canary.getRefused()},
          {"deferred", canary.getDeferred()},
          {"broken", canary.getBroken()},
          {"unknown", canary.getUnknown()},
          {"not_tried", canary.getNotTried()}};
}

ordered_json asJson(capnp::List<proto::DispatcherStatus>::Reader dispatchers) {
  ordered_json list = ordered_json::array();
  for (auto one : dispatchers) list.push_back(json(one));
  return list;
}

namespace {

ordered_json json(const StatusFinding& trouble) {
  return {{"rank", nameOf(trouble.rank)},
          {"what", text::printable(trouble.what)},
          {"since_seconds", trouble.since ? ordered_json(*trouble.since) : ordered_json(nullptr)},
          {"next", trouble.next},
          {"when", trouble.when}};
}

ordered_json json(proto::AdminMailStatus::Reader mail) {
  if (!mail.getEnabled()) return nullptr;
  return {{"dispatcher", mail.getDispatcher().cStr()},
          {"state", stateName(mail.getState())},
          {"sent", mail.getSent()},
          {"sent_ago_seconds", mail.getSentEver() ? ordered_json(mail.getSentAgo()) : ordered_json(nullptr)},
          {"interval_seconds", mail.getInterval()},
          {"waiting", mail.getWaiting()}};
}

ordered_json json(proto::QueueStatus::Reader queue) {
  ordered_json result = {
      {"backend", queue.getBackend().cStr()},
      {"reachable", queue.getReachable()},
      {"problem", queue.getProblem().cStr()},
      {"unsent", queue.getUnsent()},
      {"oldest_seconds", queue.getOldest()},
      {"under_way", queue.getUnderWay()},
      {"held", queue.getHeld()},
      {"paced", queue.getPaced()},
      {"late_seconds", queue.getLate()},
      {"sent", queue.getSent()},
      {"ignored", queue.getIgnored()},
      {"ignored_seconds",
       queue.getIgnoredBecause().size() > 0 ? ordered_json(queue.getIgnoredAgo()) : ordered_json(nullptr)},
      {"ignored_because", queue.getIgnoredBecause().cStr()},
      {"replaced_rows", queue.getReplacedRows()},
      {"replaced_rows_seconds",
       queue.getReplacedRows() > 0 ? ordered_json(queue.getReplacedRowsAgo()) : ordered_json(nullptr)},
      {"replaced_files", queue.getReplacedFiles()},
      {"replaced_files_seconds",
       queue.getReplacedFiles() > 0 ? ordered_json(queue.getReplacedFilesAgo()) : ordered_json(nullptr)},
      {"replaced_files_how", queue.getReplacedFilesHow().cStr()},
      {"clock_step_seconds", queue.getClockStep() != 0
                                 ? ordered_json(static_cast<double>(queue.getClockStep()) / 1000)
                                 : ordered_json(nullptr)},
      {"clock_step_ago_seconds",
       queue.getClockStep() != 0 ? ordered_json(queue.getClockStepAgo()) : ordered_json(nullptr)},
      {"notifications", notificationsName(queue.getNotifications())},
      {"notifications_problem", queue.getNotificationsProblem().cStr()},
      {"strain", queue.getStrain().cStr()},
      {"schema", queue.getSchemaVersion()},
      {"schema_known", queue.getSchemaKnown()},
      {"schema_used", queue.getSchemaUsed()}};
  result["oldest_severity"] =
      queue.getOldestSeverity() != 0 ? ordered_json(queue.getOldestSeverity()) : ordered_json(nullptr);
  result["sent_last_minute"] = queue.getSentLastMinute();
  result["sent_last_hour"] = queue.getSentLastHour();
  result["ignored_last_day"] = ordered_json::array();
  for (auto one : queue.getIgnoredLastDay())
    result["ignored_last_day"].push_back({{"why", one.getWhy().cStr()}, {"count", one.getCount()}});
  result["other_supervisors"] = ordered_json::array();
  for (auto one : queue.getOthers()) result["other_supervisors"].push_back(text::printable(one.cStr()));
  return result;
}

}  // namespace

// The members are those of an answer, so that a program need not know which of both it reads.
ordered_json asJson(const Absence& absence) {
  ordered_json result = {
      {"format", 1},
      {"version", nullptr},
      {"pid", absence.pid == 0 ? ordered_json(nullptr) : ordered_json(absence.pid)},
      {"up_seconds", nullptr},
      {"running", absence.runs == Absence::Runs::notKnown ? ordered_json(nullptr)
                                                          : ordered_json(absence.runs == Absence::Runs::yes)},
      {"healthy", false},
      {"troubles", ordered_json::array({text::printable(absence.head)})},
      {"without_dispatcher_seconds", nullptr},
      {"admin_mail_down_seconds", nullptr},
      {"admin_mail_problem", ""},
      {"queue", nullptr}};
  result["findings"] = ordered_json::array();
  for (const auto& finding : absence.findings) result["findings"].push_back(json(finding));
  result["line"] = nullptr;
  result["admin_mail"] = nullptr;
  result["heartbeats"] = ordered_json::array();
  result["heartbeats_problem"] = "";
  result["dispatchers"] = ordered_json::array();
  return result;
}

ordered_json asJson(proto::Status::Reader status, const std::vector<StatusFinding>& troubles) {
  ordered_json result = {
      {"format", 1},
      {"version", status.getVersion().cStr()},
      {"pid", status.getPid()},
      {"up_seconds", status.getUpFor()},
      {"running", true},
      {"healthy", status.getHealthy()},
      {"troubles", ordered_json::array()},
      {"without_dispatcher_seconds", status.getWithoutDispatcher()
                                         ? ordered_json(status.getWithoutDispatcherFor())
                                         : ordered_json(nullptr)},
      {"admin_mail_down_seconds",
       status.getAdminMailDown() ? ordered_json(status.getAdminMailDownFor()) : ordered_json(nullptr)},
      {"admin_mail_problem", status.getAdminMailProblem().cStr()},
      {"queue", json(status.getQueue())}};
  for (auto trouble : status.getTroubles()) result["troubles"].push_back(trouble.cStr());
  result["findings"] = ordered_json::array();
  for (const auto& trouble : troubles) result["findings"].push_back(json(trouble));
  result["line"] = text::printable(status.getLine().cStr());
  result["admin_mail"] = json(status.getAdminMail());
  result["heartbeats"] = heartbeatsAsJson(status);
  result["heartbeats_problem"] = text::printable(status.getHeartbeatsProblem().cStr());
  result["dispatchers"] = asJson(status.getDispatchers());
  return result;
}

}  // namespace smsd::smsctl
