// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/kannel.h"

#include "clients/shapes/numbers.h"
#include "common/text/utf.h"

namespace smsd::shapes {
namespace {

std::string fromLatin1(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text::append(text, static_cast<unsigned char>(byte));
  return text;
}

/// 0 to 3, of which 3 is the most urgent.
int severityOf(std::string_view priority) {
  if (priority.size() != 1 || priority[0] < '0' || priority[0] > '3') return 0;
  return 4 - (priority[0] - '0');
}

}  // namespace

RequestRead readKannel(const Parameters& parameters) {
  auto targets = numbersIn(parameters, "to", " ,");
  for (auto& target : groupsIn(parameters, "group")) targets.push_back(std::move(target));
  std::string text = parameters.get("text");
  if (!text::isValid(text)) text = fromLatin1(text);
  if (targets.empty()) return unreadable("Missing receiver number, rejected");
  if (text.empty()) return unreadable("Missing text, rejected");
  if (!parameters.get("deferred").empty() && parameters.get("deferred") != "0")
    return unreadable("a sending at a later time is not possible");
  if (targets.size() > maxTogether) return unreadable("Too many receiver numbers, rejected", 413);
  RequestRead reading;
  reading.status = 200;
  for (auto& target : targets) {
    IncomingAlert alert;
    alert.to = std::move(target);
    alert.text = text;
    alert.severity = severityOf(parameters.get("priority"));
    reading.alerts.push_back(std::move(alert));
  }
  return reading;
}

WebAnswer answerKannel(const SubmissionResult& result) {
  WebAnswer answer = statusFor(result);
  if (const auto words = wordsFor(result); !words.empty()) {
    answer.body = words;
    return answer;
  }
  answer.status = 202;
  answer.body = "0: Accepted for delivery";
  return answer;
}

}  // namespace smsd::shapes
