// SPDX-License-Identifier: GPL-3.0-or-later
// The shapes of requests: which path is which, where its token is, and who reads and answers it. Pure.
//
// Called by the intake's HTTP service for each request. A new dialect is a file of its own and a row here.
#pragma once

#include <string>
#include <string_view>

#include "clients/shapes/alertmanager.h"
#include "clients/shapes/answer.h"
#include "clients/shapes/query.h"
#include "clients/shapes/smseagle.h"
#include "clients/shapes/submission.h"

namespace smsd::shapes {

enum class RequestShape {
  none,
  health,
  metrics,
  alertmanager,
  alerts,
  smseagleV2,
  smseagleV1,
  smseagleJsonRpc,
  kannel
};
constexpr std::size_t numberOfShapes = 9;

/// The word of the shape in metrics.
const char* nameOf(RequestShape shape);

struct Route {
  RequestShape shape = RequestShape::none;
  std::string_view rest = {};  // of the path: a group, or the call of SMSEagle's v1
};
Route routeOf(std::string_view path);

/// The methods that a shape has.
struct Methods {
  bool get = false, post = false;
};
Methods methodsOf(RequestShape shape);

/// Bytes of a body.
std::size_t maxBodyOf(RequestShape shape);
/// Of a body that is read before the token is known, because the token is in it.
constexpr std::size_t maxBodyWithoutToken = 64 * 1024;
bool hasTokenInBody(RequestShape shape);

/// The token in the parameters of a target or a form; empty if the shape has none there.
std::string_view tokenIn(RequestShape shape, const Parameters& parameters);

/// A request whose body is there. `form` has the parameters of the target and of a form in the body.
struct WebRequest {
  Route route;
  Parameters form;
  std::string body = {};
  JsonRpcCall call = {};  // of JSON-RPC alone, read already
};
RequestRead readRequest(WebRequest& request, const AlertmanagerRules& rules);
WebAnswer answerTo(const WebRequest& request, const SubmissionResult& result);

/// An answer that fulfils nothing, with words in the form of the dialect.
WebAnswer refusalIn(RequestShape shape, unsigned status, const std::string& words);

}  // namespace smsd::shapes
