// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/sendsms/call.h"

#include <algorithm>

#include "clients/shapes/destinations.h"
#include "clients/shapes/foreign-text.h"

namespace smsd::sendsms {

SendsmsCall callOf(const std::vector<std::string>& words) {
  SendsmsCall call;
  if (words.size() > 1) call.text = words.back();
  const std::size_t numbers = std::max<std::size_t>(words.size(), 2) - 1;
  for (std::size_t at = 0; at < std::min(numbers, words.size()); ++at)
    if (!words[at].empty()) call.destinations.push_back(words[at]);
  if (call.destinations.empty())
    call.input = call.text.empty() ? SendsmsCall::Input::all : SendsmsCall::Input::unused;
  else if (call.text.empty() && words.size() <= 2)
    call.input = SendsmsCall::Input::text;
  return call;
}

SendsmsRead alertsOf(const SendsmsCall& call, std::string_view input, const std::string& key) {
  std::string written, text = call.text;
  for (const auto& word : call.destinations) written += word + ",";
  if (call.input == SendsmsCall::Input::text) text = input;
  if (call.input == SendsmsCall::Input::all) {
    const std::size_t line = std::min(input.find('\n'), input.size());
    written = input.substr(0, line);
    if (written.ends_with('\r')) written.pop_back();
    text = input.substr(std::min(line + 1, input.size()));
  }
  auto to = shapes::destinationsIn(written, shapes::LongNumber::international);
  if (!to.problem.empty()) return {{}, std::move(to.problem)};
  text = shapes::foreignText(text);
  if (text.empty()) return {{}, "the text is empty"};
  SendsmsRead read;
  for (auto& target : to.targets) read.alerts.push_back({.to = std::move(target), .text = text, .key = key});
  return read;
}

}  // namespace smsd::sendsms
