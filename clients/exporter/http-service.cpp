// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/http-service.h"

#include <string_view>
#include <utility>

#include "clients/exporter/host-names.h"
#include "clients/exporter/page.h"

namespace smsd::exporter {
namespace {

constexpr auto answerTime = 10 * kj::SECONDS;
constexpr const char* plain = "text/plain; charset=utf-8";

http::HttpReply replyOf(HttpAnswer answer) {
  http::HttpReply reply{answer.status, std::move(answer.type), std::move(answer.body)};
  reply.headers.emplace_back("Content-Security-Policy", std::move(answer.policy));
  // A screen on the wall does not stay on the words of a fault.
  if (answer.status >= 500) reply.headers.emplace_back("Refresh", std::to_string(refreshEvery.count()));
  if (answer.status == 405) reply.headers.emplace_back("Allow", "GET, HEAD");
  return reply;
}

}  // namespace

PageServer::PageServer(kj::Timer& timer, PageSources pages, std::vector<std::string> hosts)
    : timer_(timer),
      pages_(std::move(pages)),
      hosts_(std::move(hosts)),
      table_(kj::HttpHeaderTable::Builder().build()),
      server_(timer, *table_, *this, {.connections = mostConnections}) {}

kj::Promise<void> PageServer::handle(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                                     kj::AsyncInputStream&, http::Visit& visit,
                                     kj::HttpService::Response& response) {
  const kj::StringPtr host = headers.get(kj::HttpHeaderId::HOST).orDefault("");
  if (!isMeantForUs({host.begin(), host.size()}, hosts_))
    return visit.send(response,
                      replyOf({421, plain, "use the address of this host, or add the name with --host\n"}));
  if (method != kj::HttpMethod::GET && method != kj::HttpMethod::HEAD)
    return visit.send(response, replyOf({405, plain, "only GET and HEAD are possible here\n"}));
  std::string_view path(url.begin(), url.size());
  path = path.substr(0, path.find('?'));
  const auto found = pages_.find(path);
  if (found == pages_.end())
    return visit.send(response, replyOf({404, plain, "the state is at /, the metrics are at /metrics\n"}));
  visit.hasAsked();
  auto answered = found->second().then(
      [&visit, &response](HttpAnswer answer) { return visit.send(response, replyOf(std::move(answer))); });
  return timer_.timeoutAfter(answerTime, kj::mv(answered));
}

}  // namespace smsd::exporter
