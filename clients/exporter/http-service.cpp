// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/http-service.h"

#include <string_view>
#include <utility>

#include "clients/exporter/host-names.h"
#include "clients/exporter/page.h"

namespace smsd::exporter {
namespace {

constexpr auto headerTime = 5 * kj::SECONDS;
constexpr auto answerTime = 10 * kj::SECONDS;
constexpr const char* plain = "text/plain; charset=utf-8";

kj::HttpServerSettings settings(kj::HttpServerErrorHandler& errors) {
  kj::HttpServerSettings all;
  all.headerTimeout = headerTime;
  all.pipelineTimeout = headerTime;
  all.canceledUploadGracePeriod = 1 * kj::SECONDS;
  all.canceledUploadGraceBytes = 4096;
  all.errorHandler = errors;
  return all;
}

kj::StringPtr nameOf(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 421:
      return "Misdirected Request";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Bad Request" : "Internal Server Error";
  }
}

}  // namespace

HttpServer::HttpServer(kj::Timer& timer, PageSources pages, std::vector<std::string> hosts)
    : timer_(timer),
      pages_(std::move(pages)),
      hosts_(std::move(hosts)),
      table_(kj::HttpHeaderTable::Builder().build()),
      server_(timer, *table_, static_cast<kj::HttpService&>(*this), settings(*this)),
      connections_(*this) {}

kj::Promise<void> HttpServer::room() {
  if (open_ < mostConnections) return kj::READY_NOW;
  auto ends = kj::newPromiseAndFulfiller<void>();
  waiting_ = kj::mv(ends.fulfiller);
  return kj::mv(ends.promise);
}

kj::Promise<void> HttpServer::serve(kj::ConnectionReceiver& socket) {
  return room().then([&socket]() { return socket.accept(); }).then([this, &socket](auto connection) {
    ++open_;
    connections_.add(server_.listenHttp(kj::mv(connection)).attach(kj::defer([this]() {
      --open_;
      KJ_IF_MAYBE (waiting, waiting_) {
        (*waiting)->fulfill();
        waiting_ = nullptr;
      }
    })));
    return serve(socket);
  });
}

kj::Promise<void> HttpServer::request(kj::HttpMethod method, kj::StringPtr url,
                                      const kj::HttpHeaders& headers, kj::AsyncInputStream&,
                                      Response& response) {
  const kj::StringPtr host = headers.get(kj::HttpHeaderId::HOST).orDefault("");
  if (!isMeantForUs({host.begin(), host.size()}, hosts_))
    return send(response, {421, plain, "use the address of this host, or add the name with --host\n"});
  if (method != kj::HttpMethod::GET && method != kj::HttpMethod::HEAD)
    return send(response, {405, plain, "only GET and HEAD are possible here\n"}, "GET, HEAD");
  std::string_view path(url.begin(), url.size());
  path = path.substr(0, path.find('?'));
  const auto found = pages_.find(path);
  if (found == pages_.end())
    return send(response, {404, plain, "the state is at /, the metrics are at /metrics\n"});
  auto answered = found->second().then(
      [this, &response](HttpAnswer answer) { return send(response, std::move(answer)); });
  return timer_.timeoutAfter(answerTime, kj::mv(answered));
}

kj::Promise<void> HttpServer::send(Response& response, HttpAnswer answer, kj::StringPtr allow) {
  kj::HttpHeaders headers(*table_);
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, kj::str(answer.type.c_str()));
  headers.add("Cache-Control", "no-store");
  headers.add("X-Content-Type-Options", "nosniff");
  headers.add("Content-Security-Policy", kj::str(answer.policy.c_str()));
  // A screen on the wall does not stay on the words of a fault.
  if (answer.status >= 500) headers.add("Refresh", kj::str(refreshEvery.count()));
  if (allow.size() > 0) headers.add("Allow", allow);
  auto body = kj::heap<std::string>(std::move(answer.body));
  auto stream = response.send(answer.status, nameOf(answer.status), headers, body->size());
  auto written = stream->write(body->data(), body->size());
  return written.attach(kj::mv(stream), kj::mv(body));
}

kj::Promise<void> HttpServer::handleClientProtocolError(kj::HttpHeaders::ProtocolError, Response& response) {
  return send(response, {400, plain, "this is no HTTP request\n"});
}

/// The answer has begun already if there is no `response`; then the connection only ends.
kj::Promise<void> HttpServer::handleApplicationError(kj::Exception, kj::Maybe<Response&> response) {
  KJ_IF_MAYBE (open, response) return send(*open, {503, plain, "the page could not be made in time\n"});
  return kj::READY_NOW;
}

kj::Promise<void> HttpServer::handleNoResponse(Response& response) {
  return send(response, {500, plain, "the page could not be made\n"});
}

}  // namespace smsd::exporter
