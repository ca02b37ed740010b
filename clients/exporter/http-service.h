// SPDX-License-Identifier: GPL-3.0-or-later
// Answers GET requests with pages, over connections that are bounded (common/http/bounded-server.h).
//
// Owns the bounds: at most `mostConnections` at once; 5 s for the header, 5 s between two requests, 10 s for
// an answer, in which the client also has to read it; the body of a request is not read. Never ends because
// of a client. A request for another host name is refused (host-names.h).
#pragma once

#include <kj/compat/http.h>

#include <string>
#include <vector>

#include "clients/exporter/page-source.h"
#include "common/http/bounded-server.h"

namespace smsd::exporter {

class PageServer final : private http::RequestHandler {
 public:
  static constexpr unsigned mostConnections = 16;

  /// `hosts`: see isMeantForUs().
  PageServer(kj::Timer& timer, PageSources pages, std::vector<std::string> hosts);
  /// Serves until the socket fails.
  kj::Promise<void> serve(kj::ConnectionReceiver& socket) { return server_.serve(socket); }

 private:
  kj::Promise<void> handle(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                           kj::AsyncInputStream& body, http::Visit& visit,
                           kj::HttpService::Response& response) override;

  kj::Timer& timer_;
  PageSources pages_;
  const std::vector<std::string> hosts_;
  kj::Own<kj::HttpHeaderTable> table_;
  http::BoundedServer server_;
};

}  // namespace smsd::exporter
