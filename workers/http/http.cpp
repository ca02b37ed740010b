#include "workers/http/http.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "version.h"
#include "workers/net/answers.h"

namespace smsd::http {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t mostAuthorities = 8 << 20;
constexpr std::uint16_t nameServicePort = 53;  // an answer too long for UDP is asked for again over TCP

// RFC 9110: a token
bool isHeaderName(const std::string& name) {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           others.find(c) != std::string_view::npos;
  });
}

}  // namespace

void HttpDispatcher::declare(config::Keys& keys) {
  keys.text("url", settings_.url,
            "the gateway's URL, http or https, with {recipient} and {text} (and {key}, the idempotency key) "
            "in its path or "
            "query; their values are escaped, the rest is sent as it stands",
            config::Presence::required);
  keys.choice("method", settings_.method, {{"GET", Method::get}}, "how the gateway is asked");
  keys.integer("window", settings_.window, {1, 256}, "requests under way at once");
  keys.integer("backlog", settings_.backlog, {0, 4096}, "SMS taken ahead of the window");
  keys.duration("connect_timeout", settings_.connectTimeout, {100ms, 1min},
                "until a connection has to be there");
  keys.path(
      "ca_file", settings_.caFile,
      "certificates (PEM, absolute path) that the gateway's has to be signed by, instead of the system's");
  keys.flag("knows_keys", settings_.knowsKeys,
            "the gateway drops a second request with the same idempotency key, so that what is unknown may "
            "be sent again");
  keys.text("idempotency_header", settings_.idempotencyHeader, "the header that carries the idempotency key");
  keys.rule("url", [this] { return readUrl(); });
  keys.rule("ca_file", [this] { return readAuthorities(); });
  keys.rule("idempotency_header", [this]() -> std::optional<std::string> {
    if (isHeaderName(settings_.idempotencyHeader)) return std::nullopt;
    return "expected the name of a header";
  });
}

std::optional<std::string> HttpDispatcher::readUrl() {
  auto parsed = net::UrlTemplate::parse(settings_.url);
  if (auto problem = std::get_if<net::Problem>(&parsed)) return net::describe(*problem);
  url_ = std::get<net::UrlTemplate>(std::move(parsed));
  return std::nullopt;
}

std::optional<std::string> HttpDispatcher::readAuthorities() {
  if (settings_.caFile.empty()) return std::nullopt;
  if (!settings_.caFile.is_absolute()) return "expected an absolute path";
  std::ifstream file(settings_.caFile, std::ios::binary);
  if (!file) return "cannot be read";
  authorities_.assign(std::istreambuf_iterator<char>(file), {});
  if (authorities_.size() > mostAuthorities) return "too long, expected certificates";
  if (authorities_.find("-----BEGIN ") == std::string::npos) return "holds no certificate in PEM form";
  return std::nullopt;
}

sandbox::Policy HttpDispatcher::policy() {
  sandbox::Policy policy;
  policy.readable = sandbox::resolverAndCertificates();
  policy.network = sandbox::Network::outbound;
  policy.connectPorts = {url_.port(), nameServicePort};
  // A request needs one, and for a moment those of a lookup: at the first burst all of them look the name up
  // at once.
  policy.openFiles = 128 + 8 * static_cast<std::uint64_t>(settings_.window);
  return policy;
}

kj::Promise<void> HttpDispatcher::start(kj::AsyncIoContext&) {
  transfers_ = std::make_unique<net::Transfers>(
      net::TransferSettings{.connections = static_cast<unsigned>(settings_.window),
                            .connectTimeout = settings_.connectTimeout,
                            .authorities = authorities_,
                            .userAgent = "smsd/" SMSD_VERSION});
  return kj::READY_NOW;
}

kit::Traits HttpDispatcher::traits() const {
  return {.kind = "http",
          .window = static_cast<unsigned>(settings_.window),
          .backlog = static_cast<unsigned>(settings_.backlog),
          .knowsKeys = settings_.knowsKeys};
}

kj::Promise<kit::Outcome> HttpDispatcher::send(kit::Job job) {
  auto url = url_.expand({job.recipient, job.text, job.key});
  if (!url)
    return kit::Outcome(
        kit::Refused{"a value that is . or .. cannot stand in the path of the gateway's url"});
  net::Request request{*std::move(url), {settings_.idempotencyHeader + ": " + job.key}, job.deadline};
  return transfers_->run(std::move(request)).then([this](net::Exchange exchange) {
    lastAnswer_ = exchange.status == 0 ? "no answer" : "status " + std::to_string(exchange.status);
    return net::outcomeOf(exchange, url_.origin());
  });
}

kit::Condition HttpDispatcher::condition() const {
  // Never broken by itself: whether a gateway that rejected one SMS takes the next is the supervisor's probe
  // to find out.
  return {.broken = "", .details = {{"gateway", url_.origin()}, {"last answer", lastAnswer_}}};
}

}  // namespace smsd::http
