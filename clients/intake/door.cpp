// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/intake/door.h"

#include <fmt/format.h>

#include <memory>
#include <string_view>

#include "clients/intake/token-admission.h"
#include "common/fault.h"
#include "common/journal/journal.h"
#include "common/kj/duration.h"
#include "common/text/ascii.h"

namespace smsd::webintake {
namespace {

using shapes::RequestShape;
using shapes::WebAnswer;

std::string_view textOf(const kj::HttpHeaders& headers, kj::HttpHeaderId id) {
  KJ_IF_MAYBE (value, headers.get(id)) return {value->begin(), value->size()};
  return {};
}

/// The secret of `Authorization: Bearer SECRET` or of `Access-Token`.
config::Secret secretIn(const kj::HttpHeaders& headers, const DoorHeaders& ids) {
  std::string_view value = textOf(headers, ids.authorization);
  constexpr std::string_view scheme = "bearer ";
  if (value.size() > scheme.size() && text::lower(value.substr(0, scheme.size())) == scheme)
    value.remove_prefix(scheme.size());
  else
    value = textOf(headers, ids.accessToken);
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  return config::Secret(std::string(value));
}

/// Whether two programs could disagree about the length of the body.
bool isAmbiguous(const kj::HttpHeaders& headers) {
  const auto length = headers.get(kj::HttpHeaderId::CONTENT_LENGTH);
  const auto coding = headers.get(kj::HttpHeaderId::TRANSFER_ENCODING);
  if (length != nullptr && coding != nullptr) return true;
  KJ_IF_MAYBE (value, coding) return text::lower({value->begin(), value->size()}) != "chunked";
  KJ_IF_MAYBE (value, length)
    return value->size() == 0 ||
           std::string_view(value->begin(), value->size()).find_first_not_of("0123456789") !=
               std::string_view::npos;
  return false;
}

bool isForm(std::string_view type) {
  return text::lower(type.substr(0, type.find(';'))).starts_with("application/x-www-form-urlencoded");
}

std::string allowOf(shapes::Methods methods) {
  if (methods.get && methods.post) return "GET, POST";
  return methods.get ? "GET" : "POST";
}

}  // namespace

/// One request, from its header to its answer.
struct HttpDoor::Request {
  http::Visit& visit;
  kj::HttpService::Response& response;
  kj::HttpMethod method;
  kj::TimePoint since;
  shapes::WebTarget target = {};  // before the route, which points into it
  shapes::WebRequest web = {};
  config::Secret secret = {};
  const Token* token = nullptr;
  bool form = false, malformed = false;
  http::After after = http::After::stays;
  std::string allow = {};
};

HttpDoor::HttpDoor(kj::Timer& timer, const DoorHeaders& headers, const IntakeSettings& settings,
                   Submitter& smsd, kj::Function<std::string(const IntakeCounts&)> text)
    : timer_(timer),
      ids_(headers),
      tokens_(settings.tokens),
      rules_(rulesOf(settings)),
      smsd_(smsd),
      text_(kj::mv(text)),
      askedAt_(timer.now()),
      warnedAt_(timer.now()) {
  for (const auto& token : tokens_) rates_.emplace(token.name, TokenRate(token.rate));
}

kj::Promise<void> HttpDoor::handle(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                                   kj::AsyncInputStream& body, http::Visit& visit,
                                   kj::HttpService::Response& response) {
  auto request = kj::heap<Request>(Request{visit, response, method, timer_.now()});
  auto target = shapes::readTarget({url.begin(), url.size()});
  request->malformed = !target || isAmbiguous(headers);
  if (target) request->target = std::move(*target);
  // Programs disagree about chunks more than about anything else, so nothing is read after them.
  if (headers.get(kj::HttpHeaderId::TRANSFER_ENCODING) != nullptr) request->after = http::After::closes;
  request->web.route = shapes::routeOf(request->target.path);
  request->web.form = std::move(request->target.query);
  request->secret = secretIn(headers, ids_);
  request->form = isForm(textOf(headers, ids_.contentType));
  Request& one = *request;
  return kj::evalNow([&]() { return answer(one, body); })
      .catch_([&one](kj::Exception&& fault) {
        one.after = http::After::closes;
        if (fault.getType() == kj::Exception::Type::DISCONNECTED) kj::throwFatalException(kj::mv(fault));
        if (fault.getType() == kj::Exception::Type::OVERLOADED)
          return shapes::refusalIn(one.web.route.shape, 408, "the request did not come in time");
        journal::Entry(journal::Level::warning, "a request failed: " + faultOf(fault)).write();
        return shapes::refusalIn(one.web.route.shape, 503, "the request could not be handled");
      })
      .then([this, &one](WebAnswer answer) { return send(one, std::move(answer)); })
      .attach(kj::mv(request));
}

const Token* HttpDoor::tokenOf(const Request& request) const {
  if (!request.secret.empty()) return findToken(tokens_, request.secret.reveal());
  return findToken(tokens_, shapes::tokenIn(request.web.route.shape, request.web.form));
}

WebAnswer HttpDoor::unauthorized() {
  ++unauthorized_;
  if (!warned_ || timer_.now() - warnedAt_ >= 1 * kj::MINUTES) {
    journal::Entry(journal::Level::warning,
                   fmt::format("refused {} requests without a valid token", unauthorized_))
        .write();
    warned_ = true, warnedAt_ = timer_.now(), unauthorized_ = 0;
  }
  return {401, shapes::plainType, "a valid token is needed\n"};
}

kj::Promise<WebAnswer> HttpDoor::answer(Request& request, kj::AsyncInputStream& body) {
  const RequestShape shape = request.web.route.shape;
  if (request.malformed) {
    request.after = http::After::closes;
    return WebAnswer{400, shapes::plainType, "this request cannot be understood\n"};
  }
  const bool get = request.method == kj::HttpMethod::GET, post = request.method == kj::HttpMethod::POST;
  if (shape == RequestShape::health && (get || request.method == kj::HttpMethod::HEAD)) return health();
  request.token = tokenOf(request);
  const bool later =
      request.token == nullptr && post && shapes::hasTokenInBody(shape) && request.secret.empty();
  if (request.token == nullptr && !later) {
    request.after = http::After::closes;
    return unauthorized();
  }
  const auto methods = shapes::methodsOf(shape);
  if (!(get && methods.get) && !(post && methods.post)) {
    request.after = http::After::closes;
    request.allow = allowOf(methods);
    return shapes::refusalIn(shape, 405, "this path has other methods");
  }
  if (shape == RequestShape::none) return shapes::refusalIn(shape, 404, "there is no such path");
  if (shape == RequestShape::metrics)
    return request.token->metrics ? WebAnswer{200, "text/plain; version=0.0.4; charset=utf-8", text_(counts_)}
                                  : shapes::refusalIn(shape, 403, "this token may not read the metrics");
  if (get) {
    request.visit.hasAsked();
    return submit(request);
  }
  const std::size_t most = later ? shapes::maxBodyWithoutToken : shapes::maxBodyOf(shape);
  return readBody(body, most, budget_, timer_).then([this, &request](BodyRead read) {
    return answerBody(request, std::move(read));
  });
}

kj::Promise<WebAnswer> HttpDoor::answerBody(Request& request, BodyRead read) {
  const RequestShape shape = request.web.route.shape;
  if (read.refused.status != 0) {
    request.after = http::After::closes;
    if (request.token == nullptr) return unauthorized();
    auto answer = shapes::refusalIn(shape, read.refused.status, read.refused.words);
    if (answer.status == 503) answer.retryAfter = 1;
    return answer;
  }
  request.visit.hasAsked();
  request.web.body = std::move(read.bytes);
  if (shape == RequestShape::smseagleJsonRpc) {
    request.web.call = shapes::readSmseagleJsonRpc(request.web.body);
    const config::Secret secret(request.web.call.token);
    config::wipe(request.web.call.token);
    if (request.token == nullptr) request.token = findToken(tokens_, secret.reveal());
    config::wipe(request.web.body);
  } else if (request.form && shapes::hasTokenInBody(shape)) {
    auto form = shapes::readForm(request.web.body);
    config::wipe(request.web.body);
    if (form) request.web.form.add(std::move(*form));
    if (request.token == nullptr) request.token = tokenOf(request);
  }
  if (request.token == nullptr) {
    request.after = http::After::closes;
    return unauthorized();
  }
  return submit(request);
}

kj::Promise<WebAnswer> HttpDoor::submit(Request& request) {
  const RequestShape shape = request.web.route.shape;
  auto reading = shapes::readRequest(request.web, rules_);
  request.web.body = {};
  if (!reading.problem.empty()) return shapes::refusalIn(shape, reading.status, reading.problem);
  auto admission = kj::heap<TokenAdmission>(std::move(reading.alerts), *request.token);
  const auto now =
      std::chrono::duration_cast<TokenRate::Clock>(between(kj::origin<kj::TimePoint>(), timer_.now()));
  if (const auto wait = rates_.at(request.token->name).take(admission->allowed(), now)) {
    shapes::WebFate fate{shapes::WebFate::Result::refused, shapes::WebFate::Refusal::rate,
                         "this token has sent more alerts than it may at this time"};
    fate.retryAfter = static_cast<std::uint32_t>(wait->count());
    shapes::SubmissionResult result{{}, 0, {std::move(fate)}};
    counts_.count(request.token->name, result);
    return shapes::answerTo(request.web, result);
  }
  auto submitted = smsd_.submit(admission->takeAllowed(), request.token->name);
  return submitted.then(
      [this, &request, admission = kj::mv(admission)](shapes::SubmissionResult result) mutable {
        const auto whole = admission->whole(std::move(result));
        counts_.count(request.token->name, whole);
        return shapes::answerTo(request.web, whole);
      });
}

/// Asks smsd once a second at most, however many clients want to know.
kj::Promise<WebAnswer> HttpDoor::health() {
  if (asked_ == nullptr || timer_.now() - askedAt_ >= 1 * kj::SECONDS) {
    askedAt_ = timer_.now();
    asked_ = smsd_.ready().fork();
  }
  return KJ_ASSERT_NONNULL(asked_).addBranch().then([](const Readiness& state) {
    if (state.problem.empty()) return WebAnswer{200, shapes::plainType, "ok\n"};
    return WebAnswer{503, shapes::plainType, "smsd takes no alerts now\n", std::max(1U, state.retryAfter)};
  });
}

kj::Promise<void> HttpDoor::send(Request& request, WebAnswer answer) {
  counts_.count(request.web.route.shape, answer.status, between(request.since, timer_.now()));
  http::HttpReply reply{answer.status, std::move(answer.type), std::move(answer.body)};
  if (answer.retryAfter > 0) reply.headers.emplace_back("Retry-After", std::to_string(answer.retryAfter));
  if (answer.status == 401) reply.headers.emplace_back("WWW-Authenticate", "Bearer");
  if (!request.allow.empty()) reply.headers.emplace_back("Allow", request.allow);
  constexpr auto answerTime = 10 * kj::SECONDS;
  return timer_.timeoutAfter(answerTime,
                             request.visit.send(request.response, std::move(reply), request.after));
}

}  // namespace smsd::webintake
