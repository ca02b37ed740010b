// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/smseagle.h"

#include <fmt/format.h>

#include "clients/shapes/json.h"
#include "clients/shapes/numbers.h"

namespace smsd::shapes {
namespace {

constexpr const char* notLater = "a sending at a later time is not possible";

/// 0 to 9, of which 9 is the most urgent, as 5 to 1.
int severityOf(std::int64_t priority) {
  return priority <= 0 ? 0 : static_cast<int>(5 - (std::min<std::int64_t>(priority, 9) - 1) / 2);
}

RequestRead toAll(std::vector<Target> targets, const std::string& text, int severity) {
  if (targets.empty()) return unreadable("expected a recipient");
  if (text.empty()) return unreadable("expected the text of the message");
  if (targets.size() > maxTogether) return unreadable("there are too many recipients", 413);
  RequestRead reading;
  reading.status = 200;
  for (auto& target : targets) {
    IncomingAlert alert;
    alert.to = std::move(target);
    alert.text = text;
    alert.severity = severity;
    reading.alerts.push_back(std::move(alert));
  }
  return reading;
}

void add(std::vector<Target>& all, Target::Kind kind, std::vector<std::string> names) {
  for (auto& name : names) all.push_back({kind, std::move(name)});
}

std::string_view parameterOf(std::string_view call) {
  if (call == "send_sms") return "to";
  if (call == "send_togroup") return "groupname";
  if (call == "send_tocontact") return "contactname";
  return {};
}

/// The number of the message of each alert, and whether it is on its way.
struct OneAnswer {
  std::int64_t id;
  std::string number, why;
};

std::vector<OneAnswer> answersOf(const SubmissionResult& result) {
  std::vector<OneAnswer> all;
  for (const auto& fate : result.fates) {
    if (fate.messages.empty()) all.push_back({0, "", fate.why});
    for (std::size_t at = 0; at < fate.messages.size(); ++at)
      all.push_back({fate.messages[at], at < fate.recipients.size() ? fate.recipients[at] : "", fate.why});
  }
  return all;
}

RequestRead readParams(std::string_view parameter, const nlohmann::json& params) {
  bool wrong = false;
  std::vector<Target> targets;
  add(targets, parameter == "to" ? Target::Kind::recipient : Target::Kind::group,
      textsIn(params, std::string(parameter).c_str(), wrong));
  const auto text = textIn(params, "message", wrong), later = textIn(params, "date", wrong);
  const auto urgent = integerIn(params, "highpriority", wrong), test = integerIn(params, "test", wrong);
  if (wrong) return unreadable("Wrong parameters");
  if (!later.value_or("").empty()) return unreadable(notLater);
  auto reading = toAll(std::move(targets), text.value_or(""), urgent.value_or(0) == 1 ? 1 : 0);
  if (test.value_or(0) == 1) reading.alerts.clear();  // a simulation
  return reading;
}

}  // namespace

RequestRead readSmseagleV2(std::string_view body) {
  const auto document = readJson(body);
  if (!document || !document->is_object()) return unreadable("the body is no JSON object");
  bool wrong = false;
  std::vector<Target> targets;
  add(targets, Target::Kind::recipient, textsIn(*document, "to", wrong));
  add(targets, Target::Kind::group, textsIn(*document, "contacts", wrong));
  add(targets, Target::Kind::group, textsIn(*document, "groups", wrong));
  const auto text = textIn(*document, "text", wrong);
  const auto priority = integerIn(*document, "priority", wrong);
  const auto later = textIn(*document, "send_after", wrong);
  if (wrong) return unreadable("expected to, contacts and groups as lists, and text as a text");
  if (!later.value_or("").empty()) return unreadable(notLater);
  auto reading = toAll(std::move(targets), text.value_or(""), severityOf(priority.value_or(0)));
  if (bool test = false; document->value("test", nlohmann::json(test)) == nlohmann::json(true))
    reading.alerts.clear();
  return reading;
}

WebAnswer answerSmseagleV2(const SubmissionResult& result) {
  WebAnswer answer = statusFor(result);
  answer.type = jsonType;
  auto list = nlohmann::ordered_json::array();
  if (!result.problem.empty()) list.push_back({{"status", "error"}, {"message", result.problem}});
  for (const auto& one : answersOf(result))
    list.push_back({{"status", one.why.empty() ? "queued" : "error"},
                    {"message", one.why.empty() ? "OK" : one.why},
                    {"number", one.number},
                    {"id", one.id}});
  answer.body = written(list);
  return answer;
}

RequestRead readSmseagleV1(std::string_view call, const Parameters& parameters) {
  const std::string_view name = parameterOf(call);
  if (name.empty()) return unreadable("there is no such call", 404);
  if (!parameters.get("date").empty()) return unreadable(notLater);
  auto targets = name == "to" ? numbersIn(parameters, name, ",;") : groupsIn(parameters, name);
  auto reading =
      toAll(std::move(targets), parameters.get("message"), parameters.get("highpriority") == "1" ? 1 : 0);
  if (parameters.get("test") == "1") reading.alerts.clear();
  return reading;
}

WebAnswer answerSmseagleV1(const SubmissionResult& result) {
  WebAnswer answer = statusFor(result);
  if (const auto words = wordsFor(result); !words.empty()) {
    answer.body = "Error: " + words + "\n";
    return answer;
  }
  std::string ids;
  for (const auto& one : answersOf(result)) ids += fmt::format("{}{}", ids.empty() ? "" : ",", one.id);
  answer.body = ids.empty() ? "OK; ID=0\n" : "OK; ID=" + ids + "\n";
  return answer;
}

JsonRpcCall readSmseagleJsonRpc(std::string_view body) {
  JsonRpcCall call;
  call.reading = unreadable("the body is no call of JSON-RPC");
  const auto document = readJson(body);
  if (!document || !document->is_object()) return call;
  const auto params = document->find("params");
  if (params == document->end() || !params->is_object()) return call;
  bool wrong = false;
  call.token = textIn(*params, "access_token", wrong).value_or("");
  if (call.token.empty()) call.token = textIn(*params, "pass", wrong).value_or("");
  call.extended = textIn(*params, "responsetype", wrong).value_or("") == "extended";
  wrong = false;
  if (const auto id = document->find("id");
      id != document->end() && (id->is_number_integer() || id->is_string()))
    call.id = id->dump();
  const std::string method = textIn(*document, "method", wrong).value_or("");
  const auto name = method.starts_with("sms.") ? parameterOf(std::string_view(method).substr(4)) : "";
  call.reading = name.empty() ? unreadable("there is no such method", 404) : readParams(name, *params);
  return call;
}

WebAnswer answerSmseagleJsonRpc(const SubmissionResult& result, const JsonRpcCall& call) {
  WebAnswer answer = statusFor(result);
  answer.type = jsonType;
  auto list = nlohmann::ordered_json::array();
  if (!result.problem.empty()) list.push_back({{"error_text", result.problem}, {"status", "error"}});
  for (const auto& one : answersOf(result)) {
    if (one.why.empty())
      list.push_back({{"message_id", one.id}, {"status", "ok"}});
    else
      list.push_back({{"error_text", one.why}, {"status", "error"}});
  }
  if (list.empty()) list.push_back({{"message_id", 0}, {"status", "ok"}});
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  if (call.extended || list.size() > 1)
    document["result"] = std::move(list);
  else if (list[0]["status"] == "ok")
    document["result"] = fmt::format("OK; ID={}", list[0]["message_id"].get<std::int64_t>());
  else
    document["result"] = list[0]["error_text"];
  if (!call.id.empty()) document["id"] = nlohmann::ordered_json::parse(call.id, nullptr, false);
  answer.body = written(document);
  return answer;
}

}  // namespace smsd::shapes
