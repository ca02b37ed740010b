// SPDX-License-Identifier: GPL-3.0-or-later
// Answers GET requests with pages, over connections that are bounded.
//
// Owns the bounds: at most `mostConnections` at once, further ones wait in the socket's backlog; 64 KiB of
// header (KJ's own bound); 5 s for the header, 5 s between two requests, 10 s for an answer, in which the
// client also has to read it; the body of a request is not read. Errors that it sends to a client are in its
// own words. Never ends because of a client. A request for the host name of somebody else is refused
// (host-names.h).
#pragma once

#include <kj/async-io.h>
#include <kj/compat/http.h>

#include <string>
#include <vector>

#include "clients/exporter/page-source.h"

namespace smsd::exporter {

class HttpServer final : private kj::HttpService,
                         private kj::HttpServerErrorHandler,
                         private kj::TaskSet::ErrorHandler {
 public:
  static constexpr unsigned mostConnections = 16;

  /// `hosts`: see isMeantForUs().
  HttpServer(kj::Timer& timer, PageSources pages, std::vector<std::string> hosts);
  /// Serves until the socket fails.
  kj::Promise<void> serve(kj::ConnectionReceiver& socket);

 private:
  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                            kj::AsyncInputStream& body, Response& response) override;
  kj::Promise<void> send(Response& response, HttpAnswer answer, kj::StringPtr allow = nullptr);
  kj::Promise<void> room();

  kj::Promise<void> handleClientProtocolError(kj::HttpHeaders::ProtocolError, Response& response) override;
  kj::Promise<void> handleApplicationError(kj::Exception, kj::Maybe<Response&> response) override;
  kj::Promise<void> handleNoResponse(Response& response) override;
  void taskFailed(kj::Exception&&) override {}  // the end of one connection

  kj::Timer& timer_;
  PageSources pages_;
  const std::vector<std::string> hosts_;
  kj::Own<kj::HttpHeaderTable> table_;
  kj::HttpServer server_;
  unsigned open_ = 0;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> waiting_;  // for a connection to end
  kj::TaskSet connections_;
};

}  // namespace smsd::exporter
