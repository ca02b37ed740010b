// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/http/bounded-server.h"

#include <kj/debug.h>

#include <algorithm>

namespace smsd::http {
namespace {

constexpr const char* plain = "text/plain; charset=utf-8";

}  // namespace

kj::StringPtr reasonOf(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 503:
      return "Service Unavailable";
    default:
      return status < 500 ? "Bad Request" : "Internal Server Error";
  }
}

/// One connection, and the handling of its requests, one after the other.
class BoundedServer::Connection final : public kj::HttpService, private Visit {
 public:
  explicit Connection(BoundedServer& server) : server_(server), since_(server.timer_.now()) {}

  /// `place`: that of this connection among the others.
  void begin(Connections::iterator place, kj::Promise<void> served) {
    task_ = served.then([]() {}, [](kj::Exception&&) {})
                .then([this, place]() { server_.ended(place); })
                .eagerlyEvaluate(nullptr);
  }
  bool isAwaited() const { return !asked_; }
  /// A client that does not read its answer has no right to its place.
  bool mayGiveWay() const { return !asked_ || answered_; }
  /// Since when its request is awaited.
  kj::TimePoint since() const { return since_; }

  kj::Promise<void> request(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                            kj::AsyncInputStream& body, Response& response) override {
    // KJ goes on with a request that was sent together with the last one.
    if (closing_) return KJ_EXCEPTION(DISCONNECTED, "the connection ends here");
    auto done = kj::defer([this]() {
      asked_ = answered_ = false;
      since_ = server_.timer_.now();
      server_.answered();
    });
    return server_.handler_.handle(method, url, headers, body, *this, response)
        .catch_([](kj::Exception&& fault) {
          if (fault.getType() != kj::Exception::Type::FAILED) kj::throwFatalException(kj::mv(fault));
          kj::throwFatalException(KJ_EXCEPTION(UNIMPLEMENTED, "a fault of the handler"));
        })
        .attach(kj::mv(done));
  }

 private:
  void hasAsked() override { asked_ = true; }
  kj::Promise<void> send(Response& response, HttpReply reply, After after) override {
    if (after == After::closes) closing_ = true;
    answered_ = true;
    since_ = server_.timer_.now();
    server_.madeRoom();
    return server_.send(response, std::move(reply), after);
  }

  BoundedServer& server_;
  bool asked_ = false, answered_ = false, closing_ = false;
  kj::TimePoint since_;
  kj::Promise<void> task_ = nullptr;
};

BoundedServer::BoundedServer(kj::Timer& timer, const kj::HttpHeaderTable& table, RequestHandler& handler,
                             ServerBounds bounds)
    : timer_(timer),
      table_(table),
      handler_(handler),
      bounds_(bounds),
      server_(
          timer, table,
          [this](kj::AsyncIoStream&) { return kj::Own<kj::HttpService>(next_, kj::NullDisposer::instance); },
          settings()),
      ends_(*this) {}

/// A connection that ends uses the other members.
BoundedServer::~BoundedServer() {
  while (!connections_.empty()) {
    const kj::Own<Connection> last = kj::mv(connections_.back());
    connections_.pop_back();
  }
}

kj::HttpServerSettings BoundedServer::settings() {
  kj::HttpServerSettings all;
  all.headerTimeout = bounds_.header;
  all.pipelineTimeout = bounds_.header;
  all.canceledUploadGracePeriod = 1 * kj::SECONDS;
  all.canceledUploadGraceBytes = bounds_.leftBody;
  all.errorHandler = static_cast<kj::HttpServerErrorHandler&>(*this);
  all.callbacks = static_cast<kj::HttpServerCallbacks&>(*this);
  return all;
}

kj::Promise<void> BoundedServer::serve(kj::ConnectionReceiver& socket) {
  if (draining_) return kj::NEVER_DONE;
  return socket.accept().then([this, &socket](kj::Own<kj::AsyncIoStream> stream) {
    ++counts_.accepted;
    return room()
        .then([this, stream = kj::mv(stream)]() mutable {
          open(kj::mv(stream));
          // Lets the clients that are there be read, before further ones take their places.
          return timer_.afterDelay(0 * kj::SECONDS);
        })
        .then([this, &socket]() { return serve(socket); });
  });
}

/// Returns when there is a place for one more connection.
kj::Promise<void> BoundedServer::room() {
  if (connections_.size() < bounds_.connections || displace()) return kj::READY_NOW;
  auto ends = kj::newPromiseAndFulfiller<void>();
  waiting_ = kj::mv(ends.fulfiller);
  return ends.promise.then([this]() { return room(); });
}

bool BoundedServer::displace() {
  auto longest = connections_.end();
  for (auto one = connections_.begin(); one != connections_.end(); ++one)
    if ((*one)->mayGiveWay() && (longest == connections_.end() || (*one)->since() < (*longest)->since()))
      longest = one;
  if (longest == connections_.end()) return false;
  connections_.erase(longest);
  ++counts_.displaced;
  counts_.open = static_cast<unsigned>(connections_.size());
  return true;
}

void BoundedServer::open(kj::Own<kj::AsyncIoStream> stream) {
  connections_.push_back(kj::heap<Connection>(*this));
  counts_.open = static_cast<unsigned>(connections_.size());
  Connection& connection = *connections_.back();
  next_ = &connection;
  connection.begin(std::prev(connections_.end()), server_.listenHttp(kj::mv(stream)));
}

/// Called by the connection itself, which cannot be destroyed in this turn.
void BoundedServer::ended(Connections::iterator place) {
  kj::Own<Connection> connection = kj::mv(*place);
  connections_.erase(place);
  counts_.open = static_cast<unsigned>(connections_.size());
  ends_.add(kj::evalLater([connection = kj::mv(connection)]() {}));
  madeRoom();
}

bool BoundedServer::isAnswering() const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [](const auto& one) { return !one->isAwaited(); });
}

kj::Promise<void> BoundedServer::drain() {
  draining_ = true;
  if (!isAnswering()) return kj::READY_NOW;
  auto ends = kj::newPromiseAndFulfiller<void>();
  drained_ = kj::mv(ends.fulfiller);
  return kj::mv(ends.promise);
}

void BoundedServer::answered() {
  madeRoom();
  KJ_IF_MAYBE (drained, drained_)
    if (!isAnswering()) (*drained)->fulfill();
}

void BoundedServer::madeRoom() {
  KJ_IF_MAYBE (waiting, waiting_) {
    auto fulfiller = kj::mv(*waiting);
    waiting_ = nullptr;
    fulfiller->fulfill();
  }
}

kj::Promise<void> BoundedServer::send(kj::HttpService::Response& response, HttpReply reply, After after) {
  kj::HttpHeaders headers(table_);
  headers.set(kj::HttpHeaderId::CONTENT_TYPE, kj::str(reply.type.c_str()));
  headers.add("Cache-Control", "no-store");
  headers.add("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : reply.headers) headers.add(kj::str(name.c_str()), kj::str(value.c_str()));
  auto body = kj::heap<std::string>(std::move(reply.body));
  closes_ = after == After::closes;
  auto stream = response.send(reply.status, reasonOf(reply.status), headers, body->size());
  closes_ = false;
  auto written = stream->write(body->data(), body->size());
  return timer_.timeoutAfter(bounds_.answer, written.attach(kj::mv(stream), kj::mv(body)));
}

kj::Promise<void> BoundedServer::handleClientProtocolError(kj::HttpHeaders::ProtocolError,
                                                           kj::HttpService::Response& response) {
  ++counts_.malformed;
  return send(response, {400, plain, "this is no HTTP request\n"}, After::closes);
}

/// The answer has begun already if there is no `response`; then the connection only ends. A handler's fault
/// is never FAILED, so that such a one is KJ's: the frame of the request is wrong.
kj::Promise<void> BoundedServer::handleApplicationError(kj::Exception fault,
                                                        kj::Maybe<kj::HttpService::Response&> response) {
  const auto type = fault.getType();
  KJ_IF_MAYBE (open, response) {
    if (type == kj::Exception::Type::OVERLOADED)
      return send(*open, {503, plain, "the request could not be answered in time\n"}, After::closes);
    if (type == kj::Exception::Type::UNIMPLEMENTED)
      return send(*open, {500, plain, "the request could not be answered\n"}, After::closes);
    if (type == kj::Exception::Type::FAILED) return handleClientProtocolError({}, *open);
  }
  return kj::READY_NOW;
}

kj::Promise<void> BoundedServer::handleNoResponse(kj::HttpService::Response& response) {
  return send(response, {500, plain, "the request could not be answered\n"}, After::closes);
}

}  // namespace smsd::http
