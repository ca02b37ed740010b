// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/shapes/shape.h"

#include <algorithm>
#include <initializer_list>

#include "clients/shapes/json.h"
#include "clients/shapes/kannel.h"
#include "clients/shapes/numbers.h"
#include "clients/shapes/plain-alerts.h"

namespace smsd::shapes {
namespace {

struct Path {
  std::string_view path;
  RequestShape shape;
};
constexpr Path paths[] = {{"/healthz", RequestShape::health},
                          {"/metrics", RequestShape::metrics},
                          {"/alertmanager", RequestShape::alertmanager},
                          {"/alerts", RequestShape::alerts},
                          {"/api/v2/messages/sms", RequestShape::smseagleV2},
                          {"/jsonrpc/sms", RequestShape::smseagleJsonRpc},
                          {"/index.php/jsonrpc/sms", RequestShape::smseagleJsonRpc},
                          {"/cgi-bin/sendsms", RequestShape::kannel}};
/// A path that goes on after these.
constexpr Path prefixes[] = {{"/alertmanager/", RequestShape::alertmanager},
                             {"/http_api/", RequestShape::smseagleV1},
                             {"/index.php/http_api/", RequestShape::smseagleV1}};

constexpr std::size_t maxWebhook = 16 * 1024 * 1024;  // about 15,000 alerts
constexpr std::size_t maxDocument = 1024 * 1024;

std::string_view firstOf(const Parameters& parameters, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (const auto value = parameters.find(name); value && !value->empty()) return *value;
  return {};
}

std::vector<Target> recipientsOf(const WebRequest& request) {
  auto targets = recipientsIn(request.form);
  if (!request.route.rest.empty()) targets.push_back({Target::Kind::group, std::string(request.route.rest)});
  return targets;
}

}  // namespace

const char* nameOf(RequestShape shape) {
  static constexpr const char* names[numberOfShapes] = {"none",         "health",           "metrics",
                                                        "alertmanager", "alerts",           "smseagle_v2",
                                                        "smseagle_v1",  "smseagle_jsonrpc", "kannel"};
  return names[static_cast<std::size_t>(shape)];
}

Route routeOf(std::string_view path) {
  for (const auto& one : paths)
    if (one.path == path) return {one.shape};
  for (const auto& one : prefixes)
    if (path.size() > one.path.size() && path.starts_with(one.path))
      return {one.shape, path.substr(one.path.size())};
  return {};
}

Methods methodsOf(RequestShape shape) {
  switch (shape) {
    case RequestShape::none:
    case RequestShape::health:
    case RequestShape::metrics:
      return {true, false};
    case RequestShape::smseagleV1:
    case RequestShape::kannel:
      return {true, true};
    default:
      return {false, true};
  }
}

std::size_t maxBodyOf(RequestShape shape) {
  if (shape == RequestShape::alertmanager) return maxWebhook;
  return shape == RequestShape::smseagleV1 || shape == RequestShape::kannel ? maxBodyWithoutToken
                                                                            : maxDocument;
}

bool hasTokenInBody(RequestShape shape) {
  return shape == RequestShape::smseagleJsonRpc || shape == RequestShape::smseagleV1 ||
         shape == RequestShape::kannel;
}

std::string_view tokenIn(RequestShape shape, const Parameters& parameters) {
  if (shape == RequestShape::smseagleV1) return firstOf(parameters, {"access_token", "pass"});
  if (shape == RequestShape::kannel) return firstOf(parameters, {"password", "pass"});
  return {};
}

RequestRead readRequest(WebRequest& request, const AlertmanagerRules& rules) {
  switch (request.route.shape) {
    case RequestShape::alertmanager:
      return readAlertmanager(request.body, recipientsOf(request), rules);
    case RequestShape::alerts:
      return readPlainAlerts(request.body, recipientsOf(request), rules.severities);
    case RequestShape::smseagleV2:
      return readSmseagleV2(request.body);
    case RequestShape::smseagleV1:
      return readSmseagleV1(request.route.rest, request.form);
    case RequestShape::smseagleJsonRpc:
      return std::move(request.call.reading);
    case RequestShape::kannel:
      return readKannel(request.form);
    default:
      return unreadable("there is no such path", 404);
  }
}

WebAnswer answerTo(const WebRequest& request, const SubmissionResult& result) {
  switch (request.route.shape) {
    case RequestShape::alertmanager:
      return answerAlertmanager(result);
    case RequestShape::smseagleV2:
      return answerSmseagleV2(result);
    case RequestShape::smseagleV1:
      return answerSmseagleV1(result);
    case RequestShape::smseagleJsonRpc:
      return answerSmseagleJsonRpc(result, request.call);
    case RequestShape::kannel:
      return answerKannel(result);
    default:
      return answerPlainAlerts(result);
  }
}

WebAnswer refusalIn(RequestShape shape, unsigned status, const std::string& words) {
  switch (shape) {
    case RequestShape::alerts:
      return {status, jsonType, errorAsJson(words)};
    case RequestShape::smseagleV2:
      return {status, jsonType, written({{{"status", "error"}, {"message", words}}})};
    case RequestShape::smseagleJsonRpc:
      return {status, jsonType, written({{"result", {{{"error_text", words}, {"status", "error"}}}}})};
    default:
      return {status, plainType, words + "\n"};
  }
}

}  // namespace smsd::shapes
