// SPDX-License-Identifier: GPL-3.0-or-later
// Answers the HTTP requests of clients: who asks, what the request means, and what became of its alerts.
//
// The order is: the frame of the request, the token, the method and the path, the body, the dialect, the
// rights, the rate, the submission. Without a token every request but /healthz has the same answer, and its
// body is not read. No secret, no text and no number reaches the journal. Never fails: each fault is an
// answer.
#pragma once

#include <kj/compat/http.h>

#include <map>
#include <string>
#include <vector>

#include "clients/intake/body.h"
#include "clients/intake/counts.h"
#include "clients/intake/settings.h"
#include "clients/intake/submitter.h"
#include "clients/intake/token.h"
#include "clients/shapes/shape.h"
#include "common/http/bounded-server.h"

namespace smsd::webintake {

/// The headers that requests are read for.
struct DoorHeaders {
  explicit DoorHeaders(kj::HttpHeaderTable::Builder& builder)
      : authorization(builder.add("Authorization")),
        accessToken(builder.add("Access-Token")),
        contentType(kj::HttpHeaderId::CONTENT_TYPE) {}
  kj::HttpHeaderId authorization, accessToken, contentType;
};

class HttpDoor final : public http::RequestHandler {
 public:
  static constexpr std::size_t bodies = 32 << 20;  // bytes of all large bodies at the same time

  /// `text` returns the metrics. All but `settings` outlive the door.
  HttpDoor(kj::Timer& timer, const DoorHeaders& headers, const IntakeSettings& settings, Submitter& smsd,
           kj::Function<std::string(const IntakeCounts&)> text);

  kj::Promise<void> handle(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                           kj::AsyncInputStream& body, http::Visit& visit,
                           kj::HttpService::Response& response) override;

 private:
  struct Request;

  kj::Promise<shapes::WebAnswer> answer(Request& request, kj::AsyncInputStream& body);
  kj::Promise<shapes::WebAnswer> answerBody(Request& request, BodyRead read);
  kj::Promise<shapes::WebAnswer> submit(Request& request);
  kj::Promise<shapes::WebAnswer> health();
  shapes::WebAnswer unauthorized();
  const Token* tokenOf(const Request& request) const;
  kj::Promise<void> send(Request& request, shapes::WebAnswer answer);

  kj::Timer& timer_;
  const DoorHeaders& ids_;
  const std::vector<Token> tokens_;
  const shapes::AlertmanagerRules rules_;
  Submitter& smsd_;
  kj::Function<std::string(const IntakeCounts&)> text_;
  std::map<std::string, TokenRate> rates_;
  IntakeCounts counts_;
  BodyBudget budget_{bodies};
  kj::Maybe<kj::ForkedPromise<Readiness>> asked_;  // one question at a time, and one a second
  kj::TimePoint askedAt_;
  std::uint64_t unauthorized_ = 0;
  kj::TimePoint warnedAt_;
  bool warned_ = false;
};

}  // namespace smsd::webintake
