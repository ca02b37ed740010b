// SPDX-License-Identifier: GPL-3.0-or-later
// The pages that the exporter serves: a path and what produces its body.
//
// Filled by serve.cpp, read by the HTTP service. A page is a function, so that a page can be tested without a
// socket.
#pragma once

#include <kj/async.h>
#include <kj/function.h>

#include <map>
#include <string>

namespace smsd::exporter {

/// An answer to a GET request.
struct HttpAnswer {
  unsigned status = 200;
  std::string type;  // Content-Type
  std::string body;
  std::string policy = "default-src 'none'";  // Content-Security-Policy
};

/// By the path of the request, without a query.
using PageSources = std::map<std::string, kj::Function<kj::Promise<HttpAnswer>()>, std::less<>>;

}  // namespace smsd::exporter
